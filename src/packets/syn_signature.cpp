// SPDX-License-Identifier: Apache-2.0
// What counts as a quirk is told by the README of p0f 3, §5: signatures of its database are written
// in these terms.
#include "packets/syn_signature.hpp"

#include <fmt/format.h>

#include "packets/bytes.hpp"

namespace spoor::packets {
namespace {

constexpr std::uint8_t kUrg = 0x20, kEce = 0x40, kCwr = 0x80, kNonceSum = 0x01;

void TakeIp(Bytes header, SynSignature& signature) {
  constexpr std::uint8_t kCongestionBits = 0x03;
  signature.v6 = header[0] >> 4 == 6;
  if (signature.v6) {
    signature.hops_left = header[7];
    signature.ip_option_bytes = static_cast<std::uint8_t>(header.size() - 40);
    const std::uint32_t first = Big32(header.data());
    if ((first & 0xfffff) != 0) signature.quirks |= kQuirkFlowLabel;
    if ((first >> 20 & kCongestionBits) != 0) signature.quirks |= kQuirkEcn;
    return;
  }
  signature.hops_left = header[8];
  signature.ip_option_bytes = static_cast<std::uint8_t>(header.size() - 20);
  if ((header[1] & kCongestionBits) != 0) signature.quirks |= kQuirkEcn;
  const std::uint16_t identification = Big16(header.data() + 4);
  const std::uint16_t fragment = Big16(header.data() + 6);
  if ((fragment & 0x8000) != 0) signature.quirks |= kQuirkReservedIp;
  if ((fragment & 0x4000) != 0) {
    signature.quirks |= kQuirkDf;
    if (identification != 0) signature.quirks |= kQuirkDfWithId;
  } else if (identification == 0) {
    signature.quirks |= kQuirkNoId;
  }
}

void TakeTcp(Bytes header, SynSignature& signature) {
  const std::uint8_t flags = header[13];
  std::uint32_t& quirks = signature.quirks;
  signature.window = Big16(header.data() + 14);
  if ((flags & (kEce | kCwr)) != 0 || (header[12] & kNonceSum) != 0) quirks |= kQuirkEcn;
  if (Big32(header.data() + 4) == 0) quirks |= kQuirkZeroSequence;
  const bool has_number = Big32(header.data() + 8) != 0;
  if ((flags & kTcpAck) != 0 && !has_number) quirks |= kQuirkNoAckNumber;
  if ((flags & kTcpAck) == 0 && has_number) quirks |= kQuirkAckNumberWithoutAck;
  if ((flags & kUrg) != 0) {
    quirks |= kQuirkUrgent;
  } else if (Big16(header.data() + 18) != 0) {
    quirks |= kQuirkUrgentPointer;
  }
  if ((flags & kTcpPush) != 0) quirks |= kQuirkPush;
}

/// Takes one option from `options`; false: nothing can be read behind it.
bool TakeOption(Bytes& options, bool answer, SynSignature& signature) {
  enum Kind : std::uint8_t { kEnd, kNop, kSegment, kScale, kSackAllowed, kSack, kTimestamp = 8 };
  const std::uint8_t kind = options[0];
  std::string& order = signature.options;
  if (!order.empty()) order += ',';
  if (kind == kEnd) {
    signature.padding_bytes = static_cast<std::uint8_t>(options.size() - 1);
    order += fmt::format("eol+{}", signature.padding_bytes);
    for (const std::uint8_t byte : options.subspan(1)) {
      if (byte != 0) signature.quirks |= kQuirkPadding;
    }
    return false;
  }
  if (kind == kNop) {
    order += "nop";
    options = options.subspan(1);
    return true;
  }
  const std::size_t length = options.size() < 2 ? 0 : options[1];
  const auto is = [&](std::size_t wanted) { return length == wanted && length <= options.size(); };
  bool good = length >= 2 && length <= options.size();
  switch (kind) {
    case kSegment:
      order += "mss";
      good = is(4);
      if (good) signature.segment_bytes_max = Big16(options.data() + 2);
      break;
    case kScale:
      order += "ws";
      good = is(3);
      if (good) signature.window_scale = options[2];
      if (good && options[2] > 14) signature.quirks |= kQuirkLargeScale;
      break;
    case kSackAllowed:
      order += "sok";
      good = is(2);
      break;
    case kSack:
      order += "sack";
      good = good && length >= 10 && length <= 34;
      break;
    case kTimestamp:
      order += "ts";
      good = is(10);
      if (!good) break;
      signature.has_timestamp = Big32(options.data() + 2) != 0;
      if (!signature.has_timestamp) signature.quirks |= kQuirkZeroTimestamp;
      if (!answer && Big32(options.data() + 6) != 0) signature.quirks |= kQuirkPeerTimestamp;
      break;
    default:
      order += fmt::format("?{}", kind);
  }
  if (!good) {
    signature.quirks |= kQuirkBadOptions;
    return false;
  }
  options = options.subspan(length);
  return true;
}

}  // namespace

std::optional<SynSignature> SignatureOf(const Layer& layer) {
  constexpr std::size_t kTcpHeaderMin = 20;
  const Bytes ip = layer.network_header, tcp = layer.transport_header;
  if (layer.fragment || ip.size() < (layer.ends.source.v6 ? 40 : 20)) return std::nullopt;
  if (tcp.size() < kTcpHeaderMin ||
      tcp.size() < std::size_t{4} * (static_cast<unsigned>(tcp[12]) >> 4)) {
    return std::nullopt;
  }
  SynSignature signature;
  signature.header_bytes = static_cast<std::uint16_t>(ip.size() + tcp.size());
  signature.has_payload = layer.payload_bytes != 0;
  TakeIp(ip, signature);
  TakeTcp(tcp, signature);
  Bytes options = tcp.subspan(kTcpHeaderMin);
  const bool answer = (layer.tcp_flags & kTcpAck) != 0;
  while (!options.empty() && TakeOption(options, answer, signature)) {
  }
  return signature;
}

}  // namespace spoor::packets
