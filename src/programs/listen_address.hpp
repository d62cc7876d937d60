// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/result.hpp"

namespace spoor::programs {

/// Where a subcommand listens.
struct ListenAddress {
  std::string address;
  int port = 0;  ///< 0: any free one

  /// "ADDRESS:PORT", IPv6 in brackets. Fails: kInvalidArgument.
  static Result<ListenAddress> Parse(const std::string& text);
};

}  // namespace spoor::programs
