// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace spoor::http {

/// Where somebody answers.
struct Url {
  bool tls = false;  ///< https
  std::string host;  ///< IPv6 without brackets
  int port = 0;      ///< as written, else the scheme's usual one
  bool port_said = false;
  std::string path;  ///< empty, or begins with '/'; without a '/' at its end

  /// "https://HOST:PORT", as it is connected to.
  std::string Origin() const;
};

/// http:// or https://, a host, an optional port, an optional path; neither user, query nor
/// fragment. Fails: kInvalidArgument (the reason, without naming the URL).
Result<Url> ParseUrl(std::string_view text);

}  // namespace spoor::http
