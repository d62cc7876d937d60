// SPDX-License-Identifier: Apache-2.0
// The child reads and writes unlinked temporary files, so that neither side can block the other.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.hpp"
#include "causality/render.hpp"

extern char** environ;

namespace spoor::causality {
namespace {

Result<FileDescriptor> MemoryFile(const char* name) {
  FileDescriptor fd(memfd_create(name, MFD_CLOEXEC));
  if (!fd.valid()) return FailErrno(errno, "cannot make a temporary file");
  return fd;
}

Result<std::string> ReadFromStart(int fd) {
  std::string text;
  char buffer[65536];
  for (off_t offset = 0;;) {
    const ssize_t count = pread(fd, buffer, sizeof buffer, offset);
    if (count < 0) return FailErrno(errno, "cannot read what graphviz wrote");
    if (count == 0) return text;
    text.append(buffer, static_cast<std::size_t>(count));
    offset += count;
  }
}

/// Starts dot with the three files as its standard descriptors.
Result<pid_t> StartDot(int input, int output, int errors) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
  char name[] = "dot";
  char format[] = "-Tsvg";
  char* arguments[] = {name, format, nullptr};
  pid_t pid = -1;
  const int failure = posix_spawnp(&pid, name, &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failure == ENOENT) {
    return Fail(ErrorCode::kUnavailable,
                "no program 'dot' in PATH: install graphviz, or take --format dot");
  }
  if (failure != 0) return FailErrno(failure, "cannot start dot");
  return pid;
}

/// The exit status as waitpid gives it; kills the child after the timeout.
Result<int> WaitForEnd(pid_t pid, unsigned timeout_seconds) {
  const FileDescriptor handle(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  bool timed_out = false;
  if (handle.valid()) {
    pollfd end{.fd = handle.get(), .events = POLLIN, .revents = 0};
    timed_out = poll(&end, 1, static_cast<int>(timeout_seconds * 1000)) == 0;
    if (timed_out) kill(pid, SIGKILL);
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return FailErrno(errno, "cannot wait for dot");
  }
  if (timed_out) {
    return Fail(ErrorCode::kIo,
                "dot took longer than {} s and was ended: take --limit, or --format dot",
                timeout_seconds);
  }
  return status;
}

}  // namespace

Result<std::string> RenderSvg(const std::string& dot, unsigned timeout_seconds) {
  ASSIGN_OR_RETURN(const FileDescriptor input, MemoryFile("dot-input"));
  ASSIGN_OR_RETURN(const FileDescriptor output, MemoryFile("dot-output"));
  ASSIGN_OR_RETURN(const FileDescriptor errors, MemoryFile("dot-errors"));
  RETURN_IF_ERROR(WriteAll(input.get(), AsBytes(dot), "graphviz input"));
  if (lseek(input.get(), 0, SEEK_SET) != 0) return FailErrno(errno, "graphviz input");
  ASSIGN_OR_RETURN(const pid_t pid, StartDot(input.get(), output.get(), errors.get()));
  ASSIGN_OR_RETURN(const int status, WaitForEnd(pid, timeout_seconds));
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    ASSIGN_OR_RETURN(std::string message, ReadFromStart(errors.get()));
    message = message.substr(0, message.find('\n'));
    return Fail(ErrorCode::kIo, "dot failed: {}", message.empty() ? "no message" : message.c_str());
  }
  return ReadFromStart(output.get());
}

}  // namespace spoor::causality
