// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sstream>

namespace spoor::internal {

/// Collects the reason of a failed check and aborts the program when destroyed.
class CheckFailure {
 public:
  CheckFailure(const char* file, int line, const char* condition);
  CheckFailure(const CheckFailure&) = delete;
  CheckFailure& operator=(const CheckFailure&) = delete;
  ~CheckFailure();
  std::ostream& stream() { return stream_; }

 private:
  std::ostringstream stream_;
};

struct Voidify {
  void operator&(std::ostream&) const {}
};

}  // namespace spoor::internal

/// An invariant of the program itself: aborts with file, line, condition and `<< why` when broken.
/// Never for input: foreign bytes give an Error.
// No parentheses around it all: `<< why` follows. NOLINTBEGIN(bugprone-macro-parentheses)
#define SPOOR_CHECK(condition)                 \
  (condition) ? static_cast<void>(0)           \
              : ::spoor::internal::Voidify() & \
                    ::spoor::internal::CheckFailure(__FILE__, __LINE__, #condition).stream()
// NOLINTEND(bugprone-macro-parentheses)
