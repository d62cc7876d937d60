// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"

namespace spoor::programs {

/// A command run as a child with our standard streams and terminal, held before its exec until
/// Exec.
class ChildCommand {
 public:
  /// Forks; `words` is the program (looked up in PATH when it has no slash) and its arguments.
  /// Fails: kNotFound when there is no such program, kIo.
  static Result<std::unique_ptr<ChildCommand>> Start(const std::vector<std::string>& words);
  ChildCommand(const ChildCommand&) = delete;
  ChildCommand& operator=(const ChildCommand&) = delete;
  /// Ends a child that was never let go; leaves a running command alone.
  ~ChildCommand();

  pid_t pid() const { return pid_; }
  /// Becomes readable when the command has ended.
  int pid_fd() const { return pid_fd_.get(); }
  /// Lets it go. Fails: kIo when the program could not be started; it has ended then.
  Result<> Exec();
  /// Sends it a signal, if it still runs.
  void Signal(int signal_number) const;
  /// "exited 0" or "was killed by signal 9 (Killed)"; empty while it runs.
  std::optional<std::string> Ended();

 private:
  ChildCommand(pid_t pid, FileDescriptor pid_fd, FileDescriptor go, FileDescriptor exec_error)
      : pid_(pid),
        pid_fd_(std::move(pid_fd)),
        go_(std::move(go)),
        exec_error_(std::move(exec_error)) {}

  pid_t pid_;
  FileDescriptor pid_fd_;
  FileDescriptor go_;          ///< a byte written here lets the child exec
  FileDescriptor exec_error_;  ///< carries errno when that fails, closes when it does not
};

}  // namespace spoor::programs
