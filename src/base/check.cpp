// SPDX-License-Identifier: Apache-2.0
#include "base/check.hpp"

#include <cstdio>
#include <cstdlib>

#include "base/visible_text.hpp"

namespace spoor::internal {

CheckFailure::CheckFailure(const char* file, int line, const char* condition) {
  stream_ << file << ':' << line << ": check failed: " << condition << ' ';
}

CheckFailure::~CheckFailure() {
  std::fprintf(stderr, "spoor: %s\n", VisibleLine(stream_.str()).c_str());
  std::abort();
}

}  // namespace spoor::internal
