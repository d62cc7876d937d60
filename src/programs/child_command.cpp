// SPDX-License-Identifier: Apache-2.0
#include "programs/child_command.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace spoor::programs {
namespace {

constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct Pipe {
  FileDescriptor read_end, write_end;
};

Result<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return FailErrno(errno, "pipe");
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

// Looked up here and not by execvp in the child, whose misses would be recorded as refused execs.
Result<std::string> FindProgram(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* from_environment = std::getenv("PATH");
  std::string_view rest = from_environment != nullptr ? from_environment : kDefaultPath;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    std::string candidate(end == 0 ? "." : rest.substr(0, end));
    candidate.append("/").append(name);
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return Fail(ErrorCode::kNotFound, "{}: no such command in PATH", name);
}

// In the child: only async-signal-safe calls.
[[noreturn]] void WaitAndExec(const char* program, char* const* arguments, int go, int exec_error) {
  char byte = 0;
  if (read(go, &byte, 1) != 1) _exit(127);
  std::signal(SIGPIPE, SIG_DFL);
  std::signal(SIGXFSZ, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execv(program, arguments);
  const int error = errno;
  static_cast<void>(!write(exec_error, &error, sizeof(error)));
  _exit(127);
}

}  // namespace

Result<std::unique_ptr<ChildCommand>> ChildCommand::Start(const std::vector<std::string>& words) {
  ASSIGN_OR_RETURN(const std::string program, FindProgram(words.front()));
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ASSIGN_OR_RETURN(Pipe go, MakePipe());
  ASSIGN_OR_RETURN(Pipe exec_error, MakePipe());
  const pid_t pid = fork();
  if (pid < 0) return FailErrno(errno, "fork");
  if (pid == 0) {
    // Our copy of the writing end would keep the read from seeing that the parent is gone.
    close(go.write_end.get());
    WaitAndExec(program.c_str(), arguments.data(), go.read_end.get(), exec_error.write_end.get());
  }
  // No wrapper in glibc 2.36's headers for C++ without extensions.
  FileDescriptor pid_fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  std::unique_ptr<ChildCommand> child(new ChildCommand(
      pid, std::move(pid_fd), std::move(go.write_end), std::move(exec_error.read_end)));
  if (!child->pid_fd_.valid()) return FailErrno(errno, "pidfd_open {}", pid);
  return child;
}

ChildCommand::~ChildCommand() {
  if (pid_ <= 0 || !go_.valid()) return;
  go_.Reset();  // its read ends with nothing, and so does the child
  waitpid(pid_, nullptr, 0);
}

Result<> ChildCommand::Exec() {
  const std::byte go{1};
  RETURN_IF_ERROR(WriteAll(go_.get(), std::span(&go, 1), "child"));
  go_.Reset();
  int error = 0;
  ssize_t size = 0;
  do {
    size = read(exec_error_.get(), &error, sizeof(error));
  } while (size < 0 && errno == EINTR);
  if (size == sizeof(error)) return FailErrno(error, "the command cannot be started");
  return {};
}

void ChildCommand::Signal(int signal_number) const {
  syscall(SYS_pidfd_send_signal, pid_fd_.get(), signal_number, nullptr, 0);
}

std::optional<std::string> ChildCommand::Ended() {
  int status = 0;
  if (pid_ <= 0 || waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  pid_ = -1;
  if (WIFEXITED(status)) return fmt::format("exited {}", WEXITSTATUS(status));
  return fmt::format("was killed by signal {} ({})", WTERMSIG(status),
                     sigdescr_np(WTERMSIG(status)));
}

}  // namespace spoor::programs
