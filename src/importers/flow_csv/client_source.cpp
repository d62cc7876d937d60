// SPDX-License-Identifier: Apache-2.0
#include "importers/flow_csv/client_source.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "base/file.hpp"

namespace spoor::importers {
namespace {

constexpr std::size_t kBeginningBytes = 4;
constexpr rlim_t kCpuSecondsMax = 600;

/// A child that is waited for, whatever becomes of it.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      Wait();
    }
  }
  /// As waitpid(2) gives it.
  int Wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = 0;
    return status;
  }

 private:
  pid_t pid_;
};

class ClientSource : public event::EventSource {
 public:
  ClientSource(Client client, bool (*is_binary)(std::string_view),
               std::unique_ptr<event::EventSource> inner)
      : client_(std::move(client)), is_binary_(is_binary), inner_(std::move(inner)) {}

  Result<> Feed(std::span<const std::byte> bytes, event::Findings& findings) override {
    if (decided_) return FeedDecided(bytes, findings);
    beginning_ += AsText(bytes);
    return beginning_.size() < kBeginningBytes ? Result<>() : Decide(findings);
  }

  Result<> Finish(event::Findings& findings) override {
    if (!decided_) RETURN_IF_ERROR(Decide(findings));
    if (file_.valid()) RETURN_IF_ERROR(Run(findings));
    return inner_->Finish(findings);
  }

  event::SourceCounts counts() const override { return inner_->counts(); }

 private:
  Result<> Decide(event::Findings& findings) {
    decided_ = true;
    if (is_binary_(beginning_)) {
      file_ = FileDescriptor(::memfd_create("spoor-import", MFD_CLOEXEC));
      if (!file_.valid()) return FailErrno(errno, "cannot hold the file for {}", client_.name);
    }
    const std::string beginning = std::move(beginning_);
    return FeedDecided(AsBytes(beginning), findings);
  }

  Result<> FeedDecided(std::span<const std::byte> bytes, event::Findings& findings) {
    if (!file_.valid()) return inner_->Feed(bytes, findings);
    size_bytes_ += bytes.size();
    if (size_bytes_ > kClientFileBytesMax) {
      return Fail(ErrorCode::kCorrupt, "longer than the {} bytes that are given to {}",
                  kClientFileBytesMax, client_.name);
    }
    return WriteAll(file_.get(), bytes, client_.name);
  }

  Result<> Run(event::Findings& findings) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return FailErrno(errno, "{}: no pipe", client_.name);
    const FileDescriptor output(ends[0]);
    FileDescriptor input(ends[1]);
    ::lseek(file_.get(), 0, SEEK_SET);
    ASSIGN_OR_RETURN(const pid_t pid, Spawn(input.get()));
    Child child(pid);
    const rlimit limit{.rlim_cur = kCpuSecondsMax, .rlim_max = kCpuSecondsMax};
    // Where it cannot be set, the client is merely not held to it.
    (void)::prlimit(pid, RLIMIT_CPU, &limit, nullptr);
    input.Reset();
    std::array<std::byte, 1 << 16> buffer{};
    for (;;) {
      const ssize_t got = ::read(output.get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return FailErrno(errno, "{}: cannot read what it says", client_.name);
      if (got == 0) break;
      RETURN_IF_ERROR(
          inner_->Feed(std::span(buffer.data(), static_cast<std::size_t>(got)), findings));
    }
    const int status = child.Wait();
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    return Fail(ErrorCode::kCorrupt, "{} could not read the file ({} {})", client_.name,
                WIFEXITED(status) ? "exit code" : "signal",
                WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
  }

  Result<pid_t> Spawn(int output) const {
    std::vector<std::string> words{client_.name};
    words.insert(words.end(), client_.arguments.begin(), client_.arguments.end());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    const char* const path = std::getenv("PATH");
    std::array<std::string, 3> settings{
        fmt::format("PATH={}", path == nullptr ? "/usr/bin:/bin" : path), "TZ=UTC", "LC_ALL=C"};
    std::array<char*, 4> environment{settings[0].data(), settings[1].data(), settings[2].data(),
                                     nullptr};
    posix_spawn_file_actions_t actions{};
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, file_.get(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid = 0;
    const int error = ::posix_spawnp(&pid, client_.name.c_str(), &actions, nullptr,
                                     arguments.data(), environment.data());
    posix_spawn_file_actions_destroy(&actions);
    if (error == ENOENT) {
      return Fail(ErrorCode::kUnavailable,
                  "a binary file: {} reads it, which is not installed ({})", client_.name,
                  client_.package);
    }
    if (error != 0) return FailErrno(error, "{}: cannot be run", client_.name);
    return pid;
  }

  const Client client_;
  bool (*const is_binary_)(std::string_view);
  std::unique_ptr<event::EventSource> inner_;
  std::string beginning_;
  bool decided_ = false;
  FileDescriptor file_;  // of a binary file
  std::uint64_t size_bytes_ = 0;
};

}  // namespace

std::unique_ptr<event::EventSource> MakeClientSource(Client client,
                                                     bool (*is_binary)(std::string_view beginning),
                                                     std::unique_ptr<event::EventSource> inner) {
  return std::make_unique<ClientSource>(std::move(client), is_binary, std::move(inner));
}

}  // namespace spoor::importers
