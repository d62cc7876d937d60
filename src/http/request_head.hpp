// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "http/message.hpp"

namespace spoor::http {

inline constexpr std::size_t kHeadBytesMax = 16 << 10;
inline constexpr std::size_t kTargetBytesMax = 4 << 10;
inline constexpr std::size_t kHeadersMax = 64;

/// Why a request is not answered as it wishes.
struct Refusal {
  int status = 400;
  std::string why;
};

struct RequestHead {
  Request request;
  bool has_length = false;        ///< says how long its body is, which may be nothing
  bool keeps_connection = true;   ///< as it wishes
  bool expects_continue = false;  ///< waits for leave to send its body
};

/// Parses the head of a request (RFC 9112), its empty last line included. Strict, so that no two
/// readers can differ on where a request ends: one Content-Length in digits and no
/// Transfer-Encoding, no folded lines, no bare line feed. Ranges are not served.
tl::expected<RequestHead, Refusal> ParseRequestHead(std::string_view head);

/// Reads header lines up to the empty one that ends them, which it takes off `rest`, too. At most
/// kHeadersMax; nothing: all good.
std::optional<Refusal> ParseHeaders(std::string_view& rest, std::vector<Header>& headers);

/// Undoes %XX. Nothing where that is malformed.
std::optional<std::string> DecodePercent(std::string_view text, bool plus_is_space = false);

}  // namespace spoor::http
