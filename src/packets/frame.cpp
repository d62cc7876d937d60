// SPDX-License-Identifier: Apache-2.0
// What a cut frame still tells is taken: lengths come from IP, and a transport header that is not
// captured whole gives what of it is there. RFC 791, 8200, 9293, 768, 9260, 792, 4443.
#include "packets/frame.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "event/community_id.hpp"
#include "packets/layer_decoder.hpp"
#include "packets/link_layer.hpp"

namespace spoor::packets {

std::string Address::Text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (::inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), text.data(), text.size()) == nullptr) {
    return {};
  }
  return text.data();
}

void DecodeFrame(std::uint16_t link_type, Bytes captured, std::uint32_t wire_bytes, Frame& frame) {
  frame.layer_count = 0;
  Rest rest{.captured = captured, .wire_bytes = std::max<std::size_t>(wire_bytes, captured.size())};
  switch (SkipLink(link_type, rest)) {
    case Network::kNone:
      frame.verdict = Verdict::kNotDecoded;
      return;
    case Network::kMalformed:
      frame.verdict = Verdict::kMalformed;
      return;
    case Network::kIp:
      break;
  }
  frame.verdict = DecodeIp(rest, 0, frame);
}

}  // namespace spoor::packets
