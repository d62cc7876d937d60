// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/file.hpp"
#include "base/result.hpp"

namespace spoor::http {

struct Listening {
  FileDescriptor socket;  ///< does not block
  int port = 0;
};
/// `address`: a host name or an IP address; `port`: 0 takes a free one.
/// Fails: kUnavailable (no such address here, or it is taken).
Result<Listening> ListenAt(const std::string& address, int port);

}  // namespace spoor::http
