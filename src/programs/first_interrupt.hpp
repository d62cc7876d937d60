// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <csignal>

namespace spoor::programs {

/// While it lives, the first SIGINT is noted instead of ending the program, for who can stop early
/// with what was found; the second ends it as always. One at a time.
class FirstInterrupt {
 public:
  FirstInterrupt() {
    came_ = 0;
    struct sigaction noted {};
    noted.sa_handler = [](int) { came_ = 1; };
    noted.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
    sigaction(SIGINT, &noted, &before_);
  }
  FirstInterrupt(const FirstInterrupt&) = delete;
  FirstInterrupt& operator=(const FirstInterrupt&) = delete;
  ~FirstInterrupt() { sigaction(SIGINT, &before_, nullptr); }

  static bool came() { return came_ != 0; }

 private:
  inline static volatile std::sig_atomic_t came_ = 0;
  struct sigaction before_ {};
};

}  // namespace spoor::programs
