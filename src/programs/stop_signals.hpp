// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>

#include "base/file.hpp"

namespace spoor::programs {

/// The signals that ask a program to end, as something to poll; blocked for us and the threads made
/// after: SIGINT, SIGTERM, SIGQUIT, and SIGHUP unless it was ignored when we were started (nohup).
class StopSignals {
 public:
  StopSignals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGQUIT);
    struct sigaction hangup {};
    if (sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
      sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, &before_);
    fd_ = FileDescriptor(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals() { sigprocmask(SIG_SETMASK, &before_, nullptr); }

  /// Until one comes, and takes it: one left pending would end the program when we are gone.
  void Wait() {
    pollfd watched{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    while (!Take()) poll(&watched, 1, -1);
  }
  int fd() const { return fd_.get(); }
  std::optional<signalfd_siginfo> Take() {
    signalfd_siginfo taken{};
    if (read(fd_.get(), &taken, sizeof(taken)) != sizeof(taken)) return std::nullopt;
    return taken;
  }

 private:
  sigset_t before_{};
  FileDescriptor fd_;
};

}  // namespace spoor::programs
