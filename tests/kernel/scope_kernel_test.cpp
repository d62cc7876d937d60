// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pty.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "tests/kernel/recording.hpp"

namespace spoor::sensor {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// A cgroup of the test's own with a folder in it; an empty path where none can be made.
class Cgroup {
 public:
  Cgroup() {
    std::ifstream mounts("/proc/self/mounts");
    for (std::string line; std::getline(mounts, line);) {
      std::istringstream fields(line);
      std::string device, place, type;
      fields >> device >> place >> type;
      if (type != "cgroup2") continue;
      path_ = place + "/spoor-test-" + std::to_string(getpid());
      std::error_code error;
      std::filesystem::create_directories(inner(), error);
      if (error) path_.clear();
      return;
    }
  }
  ~Cgroup() {
    if (path_.empty()) return;
    rmdir(inner().c_str());
    rmdir(path_.c_str());
  }
  const std::string& path() const { return path_; }
  std::string inner() const { return path_ + "/inner"; }
  void Add(pid_t pid) const { std::ofstream(inner() + "/cgroup.procs") << pid; }

 private:
  std::string path_;
};

TEST(Scopes, RecordACgroupWithItsDescendantsAndNothingElse) {
  const Cgroup cgroup;
  if (cgroup.path().empty()) GTEST_SKIP() << "no cgroup v2 is mounted in which one can be made";
  KernelSourceOptions options;
  options.scopes = {{.kind = Scope::Kind::kTree, .host = "tree", .cgroup_path = {}},
                    {.kind = Scope::Kind::kCgroup, .host = "group", .cgroup_path = cgroup.path()}};
  START_RECORDING(recording, options);
  const pid_t outside = recording.Fork([](Facts&) { TRIGGER_CHECK(setsid() > 0); });
  recording.Go();
  recording.WaitFor(outside);
  const pid_t inside = recording.Fork([](Facts&) {
    TRIGGER_CHECK(setsid() > 0);
    if (fork() == 0) _exit(0);
    wait(nullptr);
  });
  cgroup.Add(inside);
  std::vector<std::byte> baseline;
  ASSERT_TRUE(recording.source().Baseline(baseline));
  recording.Go();
  recording.WaitFor(inside);
  EXPECT_THAT(recording.Read(RECORD_SESSION, outside), IsEmpty());
  const auto sessions = recording.Read(RECORD_SESSION, inside);
  ASSERT_THAT(sessions, SizeIs(1));
  EXPECT_EQ(sessions[0].header().scope, 1);
  EXPECT_THAT(recording.Read(RECORD_FORK, inside), SizeIs(1));
  EXPECT_THAT(recording.Read(RECORD_EXIT), SizeIs(2));
  recording.Parse(baseline);
  const auto processes = recording.Read(RECORD_PROCESS);
  ASSERT_THAT(processes, SizeIs(1));
  EXPECT_EQ(processes[0].header().pid, static_cast<std::uint32_t>(inside));
  EXPECT_EQ(processes[0].header().scope, 1);
}

// What shipping does, in this process but not in its first thread: connect, send, write a spool.
void ShipFromAThread() {
  std::thread([] {
    const int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in name {};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(name);
    auto* address = reinterpret_cast<sockaddr*>(&name);
    EXPECT_EQ(bind(listening, address, size), 0);
    EXPECT_EQ(listen(listening, 1), 0);
    EXPECT_EQ(getsockname(listening, address, &size), 0);
    const int sending = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(sending, address, size), 0);
    const int spool = open("/tmp", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(send(sending, "frame", 5, 0), 5);
      EXPECT_EQ(write(spool, "frame", 5), 5);
    }
    for (const int fd : {spool, sending, listening}) close(fd);
  }).join();
}

TEST(Scopes, RecordTheMachineButNotTheRecorder) {
  KernelSourceOptions options;
  options.scopes = {{.kind = Scope::Kind::kMachine, .host = "machine", .cgroup_path = {}}};
  START_RECORDING(recording, options);
  const pid_t child = recording.Fork([](Facts&) { TRIGGER_CHECK(setsid() > 0); });
  recording.Go();
  recording.WaitFor(child);
  ShipFromAThread();
  EXPECT_THAT(recording.Read(RECORD_SESSION, child), SizeIs(1));
  for (const Record& record : recording.Read())
    EXPECT_NE(record.header().pid, static_cast<std::uint32_t>(getpid()));
}

TEST(Scopes, RefuseWhatIsNoCgroup) {
  KernelSourceOptions options;
  options.scopes = {{.kind = Scope::Kind::kCgroup, .host = "x", .cgroup_path = "/tmp"}};
  const auto source = KernelSource::Open(options);
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().code, ErrorCode::kInvalidArgument);
  options.scopes[0].cgroup_path = "/nowhere";
  EXPECT_EQ(KernelSource::Open(options).error().code, ErrorCode::kNotFound);
  options.scopes.clear();
  EXPECT_EQ(KernelSource::Open(options).error().code, ErrorCode::kInvalidArgument);
}

constexpr int kPatienceMs = 900'000;  // a guard against a hang

bool IsReadable(int fd, int timeout_ms) {
  pollfd watched{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&watched, 1, timeout_ms) == 1;
}

TEST(Wake, ComesForWhatIsUrgentAndForNothingElse) {
  START_RECORDING(recording, TreeOptions());
  const int wake_fd = recording.source().wake_fd();
  recording.Run([](Facts&) {
    const int zero = open("/dev/zero", O_RDONLY);
    char byte = 0;
    for (int i = 0; i < 1000; ++i) TRIGGER_CHECK(read(zero, &byte, 1) == 1);
  });
  EXPECT_FALSE(IsReadable(wake_fd, 0));
  recording.Run([](Facts&) { TRIGGER_CHECK(setresuid(~0U, ~0U, ~0U) == 0); });
  EXPECT_TRUE(IsReadable(wake_fd, kPatienceMs));
  recording.Read();
  recording.source().ClearWake();
  EXPECT_FALSE(IsReadable(wake_fd, 0));
  // A CPU that woke us does not so again for 2 ms (URGENT_INTERVAL_NS).
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  recording.Run([](Facts&) {
    if (fork() == 0) {
      execl("/bin/true", "true", nullptr);
      _exit(1);
    }
    wait(nullptr);
  });
  EXPECT_TRUE(IsReadable(wake_fd, kPatienceMs));
}

TEST(Open, HasEveryProgramOnThisKernel) {
  START_RECORDING(recording, TreeOptions());
  EXPECT_THAT(recording.source().coverage().refused, IsEmpty());
  EXPECT_THAT(recording.source().coverage().attached, Contains("on_signal_generate"));
  EXPECT_THAT(recording.source().coverage().attached, Contains("on_io"));
}

TEST(Open, SaysThatRootIsNeeded) {
  if (geteuid() != 0) GTEST_SKIP() << "is not root already";
  const pid_t child = fork();
  if (child == 0) {
    if (setresuid(65534, 65534, 65534) != 0) _exit(2);
    const auto source = KernelSource::Open(TreeOptions());
    _exit(!source && source.error().code == ErrorCode::kUnavailable &&
                  source.error().message.find("root") != std::string::npos
              ? 0
              : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

// What a process holds that was there before the recording; facts are its descriptors.
void HoldDescriptors(Facts& facts) {
  TRIGGER_CHECK(chdir("/tmp") == 0);
  facts.number[0] = open("/etc/passwd", O_RDONLY);
  struct sockaddr_in name {};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(name);
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  TRIGGER_CHECK(bind(listener, reinterpret_cast<sockaddr*>(&name), size) == 0);
  TRIGGER_CHECK(listen(listener, 1) == 0);
  TRIGGER_CHECK(getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size) == 0);
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  TRIGGER_CHECK(connect(client, reinterpret_cast<sockaddr*>(&name), size) == 0);
  facts.number[1] = client;
  facts.number[2] = ntohs(name.sin_port);
  int master = -1, slave = -1;
  TRIGGER_CHECK(openpty(&master, &slave, nullptr, nullptr, nullptr) == 0);
  facts.number[3] = master;
  struct stat status {};
  TRIGGER_CHECK(fstat(slave, &status) == 0);
  facts.number[4] = static_cast<std::int64_t>(status.st_ino);
  struct sockaddr_un local {};
  local.sun_family = AF_UNIX;
  std::memcpy(local.sun_path, "\0held", 5);
  const int unix_socket = socket(AF_UNIX, SOCK_DGRAM, 0);
  TRIGGER_CHECK(bind(unix_socket, reinterpret_cast<sockaddr*>(&local), 2 + 5) == 0);
  facts.number[5] = unix_socket;
  facts.number[6] = getsid(0);
  facts.number[7] = static_cast<std::int64_t>(StartTicksOf(getpid()));
  raise(SIGSTOP);
}

TEST(Baseline, TellsProcessesAndDescriptorsThatWereThere) {
  START_RECORDING(recording, TreeOptions());
  const pid_t pid = recording.Fork(HoldDescriptors);
  recording.Go();
  recording.WaitUntilStopped(pid);
  ASSERT_TRUE(recording.source().AddTree(static_cast<std::uint32_t>(pid), 0));
  std::vector<std::byte> chunks;
  const auto read = recording.source().Baseline(chunks);
  ASSERT_TRUE(read) << read.error().message;
  recording.Parse(chunks);
  kill(pid, SIGCONT);
  recording.WaitFor(pid);
  const auto& facts = recording.facts();
  const auto processes = recording.Read(RECORD_PROCESS);
  ASSERT_THAT(processes, SizeIs(1));
  const auto process = processes[0].As<process_record>();
  EXPECT_EQ(process.header.pid, static_cast<std::uint32_t>(pid));
  EXPECT_EQ(process.header.flags, RECORD_FLAG_BASELINE);
  EXPECT_EQ(process.header.process_start_boot_ns / 10'000'000,
            static_cast<std::uint64_t>(facts.number[7]));
  EXPECT_EQ(process.parent_pid, static_cast<std::uint32_t>(getpid()));
  EXPECT_EQ(process.session_id, facts.number[6]);
  EXPECT_EQ(processes[0].Text(process.working_directory), "/tmp");
  EXPECT_EQ(processes[0].Text(process.path), std::filesystem::read_symlink("/proc/self/exe"));
  std::ifstream own("/proc/self/cmdline");
  EXPECT_EQ(processes[0].Text(process.arguments),
            std::string((std::istreambuf_iterator<char>(own)), {}));
  EXPECT_EQ(process.arguments.status, TAIL_WHOLE);
  EXPECT_EQ(process.credentials.euid, 0u);
  std::vector<Record> held;
  for (const std::int64_t fd : {facts.number[0], facts.number[1], facts.number[3], facts.number[5]})
    for (const Record& record : recording.Read(RECORD_OPEN, pid))
      if (record.header().flags & RECORD_FLAG_BASELINE && record.As<open_record>().fd == fd)
        held.push_back(record);
  ASSERT_THAT(held, SizeIs(4));
  EXPECT_EQ(held[0].Text(held[0].As<open_record>().path), "/etc/passwd");
  EXPECT_EQ(held[1].As<open_record>().socket.remote_port, facts.number[2]);
  EXPECT_EQ(held[1].As<open_record>().object.type, OBJECT_SOCKET);
  EXPECT_EQ(held[2].As<open_record>().object.type, OBJECT_PTY);
  EXPECT_EQ(held[2].As<open_record>().object.flags, OBJECT_FLAG_PTY_MASTER);
  EXPECT_EQ(held[2].As<open_record>().object.inode, static_cast<std::uint64_t>(facts.number[4]));
  EXPECT_EQ(held[3].Text(held[3].As<open_record>().unix_path), std::string("\0held", 5));
}

}  // namespace
}  // namespace spoor::sensor
