// SPDX-License-Identifier: Apache-2.0
// strace runs inside the recorded tree, so that both watch the very same calls: every one that
// strace saw in a process must be an event of that process, and there must be no other.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <re2/re2.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <set>
#include <thread>

#include "base/file.hpp"
#include "tests/machine/probes.hpp"
#include "tests/record/program.hpp"

namespace spoor {
namespace {

using event::Event;
using event::EventKind;

// Calls that become an event of a kind one for one.
const std::map<std::string, EventKind>& Calls() {
  static const std::map<std::string, EventKind> kCalls{{"open", EventKind::kOpen},
                                                       {"openat", EventKind::kOpen},
                                                       {"creat", EventKind::kOpen},
                                                       {"memfd_create", EventKind::kOpen},
                                                       {"close", EventKind::kClose},
                                                       {"dup", EventKind::kDup},
                                                       {"dup2", EventKind::kDup},
                                                       {"dup3", EventKind::kDup},
                                                       {"read", EventKind::kRead},
                                                       {"pread64", EventKind::kRead},
                                                       {"readv", EventKind::kRead},
                                                       {"write", EventKind::kWrite},
                                                       {"pwrite64", EventKind::kWrite},
                                                       {"writev", EventKind::kWrite},
                                                       {"recvfrom", EventKind::kRecv},
                                                       {"recvmsg", EventKind::kRecv},
                                                       {"sendto", EventKind::kSend},
                                                       {"sendmsg", EventKind::kSend},
                                                       {"unlink", EventKind::kUnlink},
                                                       {"unlinkat", EventKind::kUnlink},
                                                       {"rename", EventKind::kRename},
                                                       {"renameat2", EventKind::kRename},
                                                       {"mkdir", EventKind::kMkdir},
                                                       {"chmod", EventKind::kChmod},
                                                       {"fchmodat", EventKind::kChmod},
                                                       {"chdir", EventKind::kChdir},
                                                       {"symlinkat", EventKind::kSymlink},
                                                       {"linkat", EventKind::kLink},
                                                       {"pipe", EventKind::kPipe},
                                                       {"pipe2", EventKind::kPipe},
                                                       {"socketpair", EventKind::kSocketpair},
                                                       {"socket", EventKind::kSocket},
                                                       {"bind", EventKind::kBind},
                                                       {"listen", EventKind::kListen},
                                                       {"connect", EventKind::kConnect},
                                                       {"accept4", EventKind::kAccept},
                                                       {"shutdown", EventKind::kShutdown},
                                                       {"execve", EventKind::kExec}};
  return kCalls;
}

struct Call {
  std::uint32_t tid = 0;
  std::string name;
  std::string arguments;
  std::int64_t result = 0;
};

// One file for each thread (-ff), so that no line is cut in two by another.
std::vector<Call> ReadTrace(const std::filesystem::path& folder) {
  static const RE2 kLine(R"((\w+)\((.*)\)\s+= (-?\d+)(?: (\w+) \(.*\))?.*)");
  static const std::map<std::string, std::int64_t> kErrors{{"ENOENT", ENOENT},
                                                           {"EACCES", EACCES},
                                                           {"ECONNREFUSED", ECONNREFUSED},
                                                           {"EINPROGRESS", EINPROGRESS},
                                                           {"EAGAIN", EAGAIN},
                                                           {"EEXIST", EEXIST},
                                                           {"ENOTDIR", ENOTDIR},
                                                           {"EBADF", EBADF},
                                                           {"EISDIR", EISDIR},
                                                           {"ENOTTY", ENOTTY}};
  std::vector<Call> calls;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    Call call;
    call.tid = static_cast<std::uint32_t>(std::stoul(file.path().extension().string().substr(1)));
    std::ifstream lines(file.path());
    std::string line, error;
    while (std::getline(lines, line)) {
      error.clear();
      if (!RE2::FullMatch(line, kLine, &call.name, &call.arguments, &call.result, &error)) continue;
      if (!error.empty()) {
        const auto known = kErrors.find(error);
        EXPECT_TRUE(known != kErrors.end() || !Calls().contains(call.name)) << line;
        call.result = known == kErrors.end() ? -1 : -known->second;
      }
      if (call.name == "fcntl" && call.arguments.find("F_DUPFD") != std::string::npos) {
        call.name = "dup";
      }
      // Spoor tells what these made of a descriptor, or how a connect ended, as the same calls.
      std::string descriptor;
      static const RE2 kFlagSet(R"((\d+), (?:F_SETFD|FIOCLEX|FIONCLEX).*)");
      const bool flag = (call.name == "fcntl" || call.name == "ioctl") && call.result == 0;
      if (flag && RE2::FullMatch(call.arguments, kFlagSet, &descriptor)) {
        call.name = "dup";
        call.result = std::stoll(descriptor);
      }
      static const RE2 kRefused(R"(.*SO_ERROR, \[(\w+)\].*)");
      std::string ended;
      if (call.name == "getsockopt" && RE2::FullMatch(call.arguments, kRefused, &ended)) {
        const auto known = kErrors.find(ended);
        if (known == kErrors.end()) continue;  // 0: it did not fail
        call.name = "connect";
        call.result = -known->second;
      }
      if (call.name == "copy_file_range" || call.name == "sendfile" || call.name == "splice") {
        call.name = "read";  // a transfer is both
        calls.push_back(call);
        call.name = "write";
      }
      calls.push_back(call);
    }
  }
  return calls;
}

// Answers `count` requests with a page, on loopback.
class PageServer {
 public:
  explicit PageServer(int count) : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_.get(), 8), 0);
    getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, count] {
      for (int i = 0; i < count; ++i) Answer();
    });
  }
  ~PageServer() {
    shutdown(listener_.get(), SHUT_RDWR);  // ends a wait for a request that did not come
    thread_.join();
  }
  std::uint16_t port() const { return port_; }

 private:
  void Answer() const {
    const FileDescriptor connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection.valid()) return;
    std::string request;
    char byte = 0;
    while (request.find("\r\n\r\n") == std::string::npos && read(connection.get(), &byte, 1) == 1) {
      request += byte;
    }
    static_cast<void>(WriteAll(
        connection.get(), AsBytes("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nhi\n"), "client"));
  }

  FileDescriptor listener_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

class StraceTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { why_not_ = machine::WhyItCannotRecord(); }
  void SetUp() override {
    if (!why_not_.empty()) GTEST_SKIP() << why_not_;
    if (const std::string why = machine::WhyItHasNoStrace(); !why.empty()) GTEST_SKIP() << why;
  }

  // Records strace -f of the shell script; `calls_` and `events_` are of its processes alone.
  void RecordUnderStrace(const std::string& script) {
    const std::filesystem::path trace = folder_.path() / "trace";
    std::filesystem::create_directory(trace);
    const FinishedProgram done = RunProgram(
        {SPOOR_PROGRAM, "record", "--to", folder_.path() / "store", "--", "strace", "-ff", "-qq",
         "-s", "65536", "-e", "signal=none", "-o", trace / "t", "sh", "-c", script});
    ASSERT_EQ(done.exit_code, 0) << done.err;
    ASSERT_THAT(done.err, testing::HasSubstr("command exited 0"));
    calls_ = ReadTrace(trace);
    std::set<std::uint32_t> tids;
    for (const Call& call : calls_) tids.insert(call.tid);
    Result<StoredRecordings> stored = VerifyAndDecode(folder_.path() / "store");
    ASSERT_TRUE(stored) << stored.error().message;
    EXPECT_EQ(stored->malformed_count, 0U);
    // strace's own child runs strace's code until its first exec.
    std::set<std::uint32_t> begun;
    for (Event& event : stored->events) {
      ASSERT_TRUE(event.kind != EventKind::kLoss || event.loss->loss_class == "missed_hook")
          << event.loss->loss_class;
      if (!tids.contains(event.tid)) continue;
      if (event.kind == EventKind::kExec) begun.insert(event.tid);
      if (event.kind == EventKind::kFork && begun.contains(event.tid)) {
        begun.insert(event.other_process->pid);
      }
      if (begun.contains(event.tid)) events_.push_back(std::move(event));
    }
  }

  void ExpectTheSameCalls() const {
    using Key = std::tuple<std::uint32_t, std::string, std::int64_t>;
    std::map<Key, std::pair<int, int>> counts;  // strace, spoor
    for (const Call& call : calls_) {
      const auto kind = Calls().find(call.name);
      if (kind == Calls().end()) continue;
      ++counts[{call.tid, std::string(EventKindName(kind->second)), call.result}].first;
    }
    std::set<EventKind> kinds;
    for (const auto& [name, kind] : Calls()) kinds.insert(kind);
    for (const Event& event : events_) {
      if (!kinds.contains(event.kind) || event.baseline) continue;
      ++counts[{event.tid, std::string(EventKindName(event.kind)), event.result}].second;
    }
    for (const auto& [key, count] : counts) {
      EXPECT_EQ(count.first, count.second) << "strace and Spoor differ: thread " << std::get<0>(key)
                                           << " " << std::get<1>(key) << " = " << std::get<2>(key);
    }
    EXPECT_GT(counts.size(), 30U);
  }

  void ExpectTheSameProcesses() const {
    static const RE2 kThread(R"(CLONE_THREAD)");
    std::set<std::int64_t> from_strace, from_spoor;
    for (const Call& call : calls_) {
      const bool forks = call.name == "clone" || call.name == "clone3" || call.name == "vfork" ||
                         call.name == "fork";
      if (forks && call.result > 0 && !RE2::PartialMatch(call.arguments, kThread)) {
        from_strace.insert(call.result);
      }
    }
    for (const Event& event : events_) {
      if (event.kind == EventKind::kFork) from_spoor.insert(event.other_process->pid);
    }
    EXPECT_EQ(from_strace, from_spoor);
    EXPECT_FALSE(from_strace.empty());
  }

  // By what the program passed: (thread, string, descriptor or -errno).
  void ExpectTheSameOpenedFiles() const {
    static const RE2 kPath(R"re(^(?:[\w/]+, )?"([^"]*)")re");
    using Opened = std::tuple<std::uint32_t, std::string, std::int64_t>;
    std::multiset<Opened> from_strace, from_spoor;
    for (const Call& call : calls_) {
      std::string path;
      if ((call.name == "openat" || call.name == "open" || call.name == "creat") &&
          RE2::PartialMatch(call.arguments, kPath, &path)) {
        from_strace.emplace(call.tid, path, call.result);
      }
    }
    for (const Event& event : events_) {
      if (event.kind != EventKind::kOpen) continue;
      EXPECT_TRUE(event.path.starts_with("/")) << event.path;
      from_spoor.emplace(event.tid, event.user_path.empty() ? event.path : event.user_path,
                         event.result);
    }
    EXPECT_EQ(from_strace, from_spoor);
    EXPECT_FALSE(from_strace.empty());
  }

  void ExpectTheSameConnections() const {
    static const RE2 kPeer(R"re(sin_port=htons\((\d+)\), sin_addr=inet_addr\("([\d.]+)"\))re");
    using Connection = std::tuple<std::uint32_t, std::string, int>;
    std::multiset<Connection> from_strace, from_spoor;
    for (const Call& call : calls_) {
      std::string address;
      int port = 0;
      if (call.name == "connect" && RE2::PartialMatch(call.arguments, kPeer, &port, &address)) {
        from_strace.emplace(call.tid, address, port);
      }
    }
    for (const Event& event : events_) {
      if (event.kind != EventKind::kConnect || event.socket->family != "inet") continue;
      if (event.result == -ECONNREFUSED) continue;  // told by the call that asked how it ended
      from_spoor.emplace(event.tid, event.socket->remote_ip, event.socket->remote_port);
    }
    EXPECT_EQ(from_strace, from_spoor);
    EXPECT_FALSE(from_strace.empty());
  }

  TestFolder folder_;
  std::vector<Call> calls_;
  std::vector<Event> events_;

 private:
  static inline std::string why_not_;
};

TEST_F(StraceTest, PipesFilesAndConnectionsAreAllThere) {
  const PageServer server(1);
  const std::string work = folder_.path();
  RecordUnderStrace("cd " + work + " && ls /etc | grep pass; cat /etc/hostname > copy; " +
                    "curl -s http://127.0.0.1:" + std::to_string(server.port()) + "/ > page; " +
                    "curl -s http://127.0.0.1:1/ || cat missing 2> errors || true; " +
                    "mkdir d && mv copy d/moved && ln -s d link && chmod 600 d/moved && rm -r d");
  if (HasFatalFailure() || IsSkipped()) return;
  ExpectTheSameProcesses();
  ExpectTheSameOpenedFiles();
  ExpectTheSameConnections();
  ExpectTheSameCalls();
}

TEST_F(StraceTest, ACompilersRunIsAllThere) {
  const std::string work = folder_.path();
  RecordUnderStrace("cd " + work + " && echo 'int main(void) { return 0; }' > one.c && " +
                    "gcc -o one one.c && ./one");
  if (HasFatalFailure() || IsSkipped()) return;
  ExpectTheSameProcesses();
  ExpectTheSameOpenedFiles();
  ExpectTheSameCalls();
}

}  // namespace
}  // namespace spoor
