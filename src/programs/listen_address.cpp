// SPDX-License-Identifier: Apache-2.0
#include "programs/listen_address.hpp"

#include <charconv>

namespace spoor::programs {

Result<ListenAddress> ListenAddress::Parse(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  ListenAddress listen;
  bool good = colon != text.npos && colon != 0;
  if (good) {
    listen.address = text.substr(0, colon);
    if (listen.address.starts_with('[') && listen.address.ends_with(']')) {
      listen.address = listen.address.substr(1, listen.address.size() - 2);
    }
    const char* end = text.data() + text.size();
    const auto [stopped, status] = std::from_chars(text.data() + colon + 1, end, listen.port);
    good = status == std::errc{} && stopped == end && listen.port >= 0 && listen.port <= 65535;
  }
  if (!good) return Fail(ErrorCode::kInvalidArgument, "--listen {}: must be ADDRESS:PORT", text);
  return listen;
}

}  // namespace spoor::programs
