// SPDX-License-Identifier: Apache-2.0
#include "importers/sebek/sebek_record.hpp"

#include <netinet/in.h>

#include <algorithm>

#include "packets/frame.hpp"
#include "packets/link_layer.hpp"

namespace spoor::importers {
namespace {

using packets::Big16;
using packets::Big32;
using packets::Bytes;
using packets::Rest;

constexpr std::size_t kIpHeader = 20, kUdpHeader = 8;
constexpr std::size_t kCommandBytes = 12;
constexpr std::uint32_t kDefaultMagic = 0xd0d0d0d0;
constexpr std::uint16_t kDefaultPort = 1101;
/// A client sends no more in one record; 4 KiB leave room for others of its kind.
constexpr std::uint32_t kLengthBytesMax = 4096;
/// What can be behind a record in a frame: its check sequence, or what fills it up.
constexpr std::size_t kTrailerBytesMax = 8;
constexpr std::uint32_t kPidMax = 1 << 22;
constexpr std::uint32_t kYear1998 = 883'612'800;
constexpr std::uint32_t kMicrosecondsPerSecond = 1'000'000;

/// Offsets of what the two layouts have at different places.
struct Layout {
  std::size_t pid, uid, fd, command, length, size;
};
constexpr Layout kTwo{20, 24, 28, 32, 44, 48};
constexpr Layout kThree{24, 28, 32, 40, 52, 56};

/// A name behind which there are zeros only; it may fill its place.
std::optional<std::string> CommandAt(const std::uint8_t* at) {
  const std::uint8_t* const end = at + kCommandBytes;
  const std::uint8_t* const nul = std::find(at, end, 0);
  const bool printable =
      std::all_of(at, nul, [](std::uint8_t byte) { return byte >= 0x20 && byte != 0x7f; });
  if (!printable) return std::nullopt;
  return std::string(at, nul);
}

/// What of an IPv4 packet is behind its UDP header, whatever lengths the headers tell.
std::optional<Rest> BehindUdp(const packets::CapturedPacket& packet, Bytes& ip_header) {
  Rest rest{.captured = packet.data,
            .wire_bytes = std::max<std::size_t>(packet.wire_bytes, packet.data.size())};
  if (packets::SkipLink(packet.link_type, rest) != packets::Network::kIp) return std::nullopt;
  if (!rest.Has(kIpHeader) || rest.data()[0] >> 4u != 4) return std::nullopt;
  const std::size_t header_bytes = 4 * std::size_t{rest.data()[0] & 0x0fu};
  const bool fragment = (Big16(rest.data() + 6) & 0x3fff) != 0;
  if (header_bytes < kIpHeader || rest.data()[9] != IPPROTO_UDP || fragment ||
      !rest.Has(header_bytes + kUdpHeader)) {
    return std::nullopt;
  }
  ip_header = rest.captured.first(header_bytes + kUdpHeader);
  rest.Skip(header_bytes + kUdpHeader);
  return rest;
}

/// Whether a record that says to be `record_bytes` long is what the frame holds, or what UDP says.
bool Fits(std::size_t record_bytes, const Rest& rest, std::size_t udp_bytes) {
  if (record_bytes > rest.wire_bytes) return false;
  return rest.wire_bytes - record_bytes <= kTrailerBytesMax ||
         record_bytes + kUdpHeader == udp_bytes;
}

}  // namespace

std::optional<SebekRecord> ParseSebekRecord(const Rest& rest) {
  if (!rest.Has(kTwo.size)) return std::nullopt;
  const std::uint8_t* const at = rest.data();
  SebekRecord record;
  record.magic = Big32(at);
  record.version = Big16(at + 4);
  const std::uint16_t type = Big16(at + 6);
  if (record.version < 1 || record.version > 3) return std::nullopt;
  if (type > (record.version == 3 ? 3 : 1)) return std::nullopt;
  const Layout& layout = record.version == 3 ? kThree : kTwo;
  if (!rest.Has(layout.size)) return std::nullopt;
  record.type = static_cast<SebekType>(type);
  record.counter = Big32(at + 8);
  const std::uint32_t second = Big32(at + 12);
  std::uint32_t microsecond = Big32(at + 16);
  if (microsecond >= kMicrosecondsPerSecond) {
    microsecond = __builtin_bswap32(microsecond);
    record.swapped_microseconds = true;
  }
  if (second < kYear1998 || microsecond >= kMicrosecondsPerSecond) return std::nullopt;
  record.wall_ns = std::int64_t{second} * 1'000'000'000 + std::int64_t{microsecond} * 1000;
  if (record.version == 3) {
    record.parent_pid = Big32(at + 20);
    record.inode = Big32(at + 36);
  }
  record.pid = Big32(at + layout.pid);
  record.uid = Big32(at + layout.uid);
  const std::uint32_t fd = Big32(at + layout.fd);
  if (record.pid > kPidMax || record.parent_pid > kPidMax || fd > kPidMax) return std::nullopt;
  record.fd = static_cast<std::int32_t>(fd);
  std::optional<std::string> command = CommandAt(at + layout.command);
  if (!command) return std::nullopt;
  record.command = *std::move(command);
  record.header_bytes = static_cast<std::uint32_t>(layout.size);
  record.length_bytes = Big32(at + layout.length);
  if (record.length_bytes > kLengthBytesMax) return std::nullopt;
  // Of several vectors each record can tell the length of all.
  const std::size_t sent_bytes = rest.wire_bytes - layout.size;
  record.told_bytes =
      static_cast<std::uint32_t>(std::min<std::size_t>(record.length_bytes, sent_bytes));
  const Bytes behind = rest.captured.subspan(layout.size);
  record.data = behind.first(std::min<std::size_t>(record.told_bytes, behind.size()));
  return record;
}

std::optional<SebekRecord> SebekFinder::Find(const packets::CapturedPacket& packet) {
  Bytes headers;
  const std::optional<Rest> rest = BehindUdp(packet, headers);
  if (!rest) return std::nullopt;
  std::optional<SebekRecord> record = ParseSebekRecord(*rest);
  if (!record) return std::nullopt;
  const Bytes udp = headers.last(kUdpHeader);
  if (Fits(std::size_t{record->header_bytes} + record->length_bytes, *rest,
           Big16(udp.data() + 4))) {
    if (magics_.size() < kMagicsMax) magics_.insert(record->magic);
  } else if (!sure_ && record->magic != kDefaultMagic && Big16(udp.data() + 2) != kDefaultPort &&
             !magics_.contains(record->magic)) {
    return std::nullopt;
  }
  packets::Address sender;
  std::copy_n(headers.data() + 12, 4, sender.bytes.begin());
  record->host_ip = sender.Text();
  return record;
}

}  // namespace spoor::importers
