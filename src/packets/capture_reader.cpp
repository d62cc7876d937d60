// SPDX-License-Identifier: Apache-2.0
// A unit is a file header, a record or a block. As long as a unit is whole in the bytes that came,
// it is read where it lies; only one that is cut by the end of a part is copied.
#include "packets/capture_reader.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/saturating.hpp"
#include "packets/bytes.hpp"

namespace spoor::packets {
namespace {

constexpr std::uint32_t kMicroMagic = 0xa1b2c3d4;
constexpr std::uint32_t kNanoMagic = 0xa1b23c4d;
// Of a Linux kernel patch of old: records carry eight bytes more.
constexpr std::uint32_t kPatchedMagic = 0xa1b2cd34;
constexpr std::uint32_t kSectionBlock = 0x0a0d0d0a;
constexpr std::uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr std::size_t kFileHeaderBytes = 24;
constexpr std::int64_t kNsPerSecond = 1'000'000'000;

enum BlockType : std::uint32_t {
  kInterfaceBlock = 1,
  kOldPacketBlock = 2,
  kSimplePacketBlock = 3,
  kStatisticsBlock = 5,
  kPacketBlock = 6,
};
enum OptionCode : std::uint16_t { kResolution = 9, kOffset = 14 };
enum StatisticsOption : std::uint16_t { kStartTime = 2, kInterfaceDrop = 5, kSystemDrop = 7 };

std::uint32_t Little32(const std::uint8_t* at) {
  return static_cast<std::uint32_t>(at[3]) << 24 | static_cast<std::uint32_t>(at[2]) << 16 |
         static_cast<std::uint32_t>(at[1]) << 8 | at[0];
}

bool IsPcapMagic(std::uint32_t magic) {
  return magic == kMicroMagic || magic == kNanoMagic || magic == kPatchedMagic;
}

/// `ticks` of a clock with the resolution of if_tsresol, in ns; the ends of the type where it is
/// beyond them.
std::int64_t TicksToNs(std::uint64_t ticks, std::uint8_t resolution) {
  __extension__ using Wide = unsigned __int128;
  constexpr Wide kMax = std::numeric_limits<std::int64_t>::max();
  Wide ns = 0;
  if ((resolution & 0x80) != 0) {
    const unsigned power = std::min(resolution & 0x7fu, 64u);
    ns = Wide{ticks} * static_cast<std::uint64_t>(kNsPerSecond) >> power;
  } else {
    ns = ticks;
    for (unsigned digit = resolution; digit < 9; ++digit) ns *= 10;
    for (unsigned digit = 9; digit < resolution; ++digit) ns /= 10;
  }
  return static_cast<std::int64_t>(std::min(ns, kMax));
}

}  // namespace

bool LooksLikeCapture(std::string_view first_bytes) {
  if (first_bytes.size() < 4) return false;
  const auto* at = reinterpret_cast<const std::uint8_t*>(first_bytes.data());
  return IsPcapMagic(Little32(at)) || IsPcapMagic(Big32(at)) || Big32(at) == kSectionBlock;
}

std::uint16_t CaptureReader::Number16(const std::uint8_t* at) const {
  return big_endian_ ? Big16(at) : static_cast<std::uint16_t>(at[1] << 8 | at[0]);
}

std::uint32_t CaptureReader::Number32(const std::uint8_t* at) const {
  return big_endian_ ? Big32(at) : Little32(at);
}

std::uint64_t CaptureReader::Number64(const std::uint8_t* at) const {
  const std::uint64_t low = Number32(at + (big_endian_ ? 4 : 0));
  const std::uint64_t high = Number32(at + (big_endian_ ? 0 : 4));
  return high << 32 | low;
}

Result<> CaptureReader::Feed(std::span<const std::uint8_t> bytes, const Visit& visit) {
  for (;;) {
    const std::size_t passed = std::min<std::uint64_t>(skip_, bytes.size());
    bytes = bytes.subspan(passed);
    skip_ -= passed;
    if (format_ == Format::kLost || bytes.empty()) return {};
    if (held_.size() + bytes.size() < need_) {
      held_.insert(held_.end(), bytes.begin(), bytes.end());
      return {};
    }
    std::span<const std::uint8_t> unit = bytes;
    std::size_t from_held = held_.size();
    if (from_held != 0) {
      const std::size_t missing = need_ - from_held;  // need_ exceeds what is held
      held_.insert(held_.end(), bytes.begin(),
                   bytes.begin() + static_cast<std::ptrdiff_t>(missing));
      bytes = bytes.subspan(missing);
      unit = held_;
    }
    const bool first = format_ == Format::kUnknown;
    const std::size_t used = Parse(unit, visit);
    if (first && format_ == Format::kLost) {
      return Fail(ErrorCode::kCorrupt, "not a capture: it begins as neither pcap nor pcapng");
    }
    offset_ += used + skip_;
    if (from_held == 0) {
      bytes = bytes.subspan(std::min(used, bytes.size()));
    } else if (used != 0 || format_ == Format::kLost) {
      held_.clear();  // a unit is used whole
    }
  }
}

Result<> CaptureReader::Finish() {
  if (format_ == Format::kUnknown) {
    return Fail(ErrorCode::kCorrupt, "not a capture: it ends before its first header does");
  }
  if (format_ != Format::kLost && (!held_.empty() || skip_ != 0)) ++counts_.malformed;
  held_.clear();
  return {};
}

/// Reads the unit that `unit` begins with and returns its size; 0 when it takes more bytes, which
/// need_ says then.
std::size_t CaptureReader::Parse(std::span<const std::uint8_t> unit, const Visit& visit) {
  switch (format_) {
    case Format::kUnknown:
      return ParseFileHeader(unit);
    case Format::kPcap:
      return ParseRecord(unit, visit);
    case Format::kPcapng:
      return ParseBlock(unit, visit);
    case Format::kLost:
      break;
  }
  return 0;
}

std::size_t CaptureReader::GiveUp() {
  ++counts_.malformed;
  format_ = Format::kLost;
  return 0;
}

std::size_t CaptureReader::ParseFileHeader(std::span<const std::uint8_t> unit) {
  if (Big32(unit.data()) == kSectionBlock) {
    format_ = Format::kPcapng;
    need_ = 12;
    return 0;
  }
  big_endian_ = IsPcapMagic(Big32(unit.data()));
  const std::uint32_t magic = Number32(unit.data());
  if (!IsPcapMagic(magic)) {
    format_ = Format::kLost;
    return 0;
  }
  if (unit.size() < kFileHeaderBytes) {
    need_ = kFileHeaderBytes;
    return 0;
  }
  ns_per_tick_ = magic == kNanoMagic ? 1 : 1000;
  record_header_bytes_ = magic == kPatchedMagic ? 24 : 16;
  minor_version_ = Number16(unit.data() + 6);
  // The upper half says how long a frame check sequence is, which lengths of IP leave out.
  link_type_ = static_cast<std::uint16_t>(Number32(unit.data() + 20) & 0xffff);
  format_ = Format::kPcap;
  need_ = record_header_bytes_;
  return kFileHeaderBytes;
}

std::size_t CaptureReader::ParseRecord(std::span<const std::uint8_t> unit, const Visit& visit) {
  std::uint32_t captured = Number32(unit.data() + 8);
  std::uint32_t wire = Number32(unit.data() + 12);
  // Before version 2.3 the two were the other way round; 2.3 was written both ways.
  if (minor_version_ < 3 || (minor_version_ == 3 && captured > wire)) std::swap(captured, wire);
  if (captured > kRecordBytesMax) return GiveUp();
  const std::size_t size = std::size_t{record_header_bytes_} + captured;
  if (unit.size() < size) {
    need_ = size;
    return 0;
  }
  const std::int64_t seconds = Number32(unit.data());
  const std::int64_t ticks = Number32(unit.data() + 4);
  Deliver({.link_type = link_type_,
           .wall_ns = seconds * kNsPerSecond + ticks * ns_per_tick_,
           .wire_bytes = std::max(wire, captured),
           .offset = offset_,
           .data = unit.subspan(record_header_bytes_, captured)},
          visit);
  need_ = record_header_bytes_;
  return size;
}

void CaptureReader::Deliver(CapturedPacket packet, const Visit& visit) {
  ++counts_.packets;
  last_wall_ns_ = packet.wall_ns;
  if (!first_wall_ns_) first_wall_ns_ = packet.wall_ns;
  visit(packet);
}

std::size_t CaptureReader::ParseBlock(std::span<const std::uint8_t> unit, const Visit& visit) {
  const bool section = Big32(unit.data()) == kSectionBlock;
  if (section) {
    big_endian_ = Big32(unit.data() + 8) == kByteOrderMagic;
    if (!big_endian_ && Little32(unit.data() + 8) != kByteOrderMagic) return GiveUp();
  }
  const std::uint32_t type = Number32(unit.data());
  const std::uint32_t size = Number32(unit.data() + 4);
  if (size < 12 || size % 4 != 0) return GiveUp();
  const bool read = section || type == kInterfaceBlock || type == kOldPacketBlock ||
                    type == kSimplePacketBlock || type == kStatisticsBlock || type == kPacketBlock;
  if (!read || size > kRecordBytesMax) {
    if (read) ++counts_.malformed;
    if (section) return GiveUp();
    const std::size_t here = std::min<std::size_t>(size, need_);
    skip_ = size - here;
    need_ = 12;
    return here;
  }
  if (unit.size() < size) {
    need_ = size;
    return 0;
  }
  need_ = 12;
  const std::span<const std::uint8_t> body = unit.subspan(8, size - 12);
  if (Number32(unit.data() + size - 4) != size) {
    ++counts_.malformed;
    return size;
  }
  if (section) {
    interfaces_.clear();
  } else if (type == kInterfaceBlock) {
    ParseInterface(body);
  } else if (type == kStatisticsBlock) {
    ParseStatistics(body);
  } else {
    ParsePacketBlock(type, body, visit);
  }
  return size;
}

void CaptureReader::ParseInterface(std::span<const std::uint8_t> body) {
  if (body.size() < 8 || interfaces_.size() >= kInterfacesMax) {
    ++counts_.malformed;
    return;
  }
  Interface& interface = interfaces_.emplace_back();
  interface.link_type = Number16(body.data());
  interface.snapshot_bytes = Number32(body.data() + 4);
  std::span<const std::uint8_t> options = body.subspan(8);
  while (options.size() >= 4) {
    const std::uint16_t code = Number16(options.data());
    const std::uint16_t length = Number16(options.data() + 2);
    options = options.subspan(4);
    if (code == 0 || length > options.size()) break;
    if (code == kResolution && length == 1) interface.resolution = options[0];
    if (code == kOffset && length == 8) {
      interface.offset_s = static_cast<std::int64_t>(Number64(options.data()));
    }
    options = options.subspan(std::min<std::size_t>((length + 3u) & ~3u, options.size()));
  }
}

std::int64_t CaptureReader::TimeIn(const Interface& interface, const std::uint8_t* at) const {
  const std::uint64_t ticks = std::uint64_t{Number32(at)} << 32 | Number32(at + 4);
  return SaturatingAdd(TicksToNs(ticks, interface.resolution),
                       SaturatingMul(interface.offset_s, kNsPerSecond));
}

// Counters say what was lost since the capture began; what is new since they were last said was
// lost between.
void CaptureReader::ParseStatistics(std::span<const std::uint8_t> body) {
  if (body.size() < 12 || Number32(body.data()) >= interfaces_.size()) {
    ++counts_.malformed;
    return;
  }
  Interface& interface = interfaces_[Number32(body.data())];
  const std::int64_t wall_ns = TimeIn(interface, body.data() + 4);
  std::optional<std::int64_t> start_wall_ns;
  std::uint64_t lost_count = 0;
  std::span<const std::uint8_t> options = body.subspan(12);
  while (options.size() >= 4) {
    const std::uint16_t code = Number16(options.data());
    const std::uint16_t length = Number16(options.data() + 2);
    options = options.subspan(4);
    if (code == 0 || length > options.size()) break;
    if (code == kStartTime && length == 8) start_wall_ns = TimeIn(interface, options.data());
    if ((code == kInterfaceDrop || code == kSystemDrop) && length == 8) {
      lost_count = SaturatingAdd(lost_count, Number64(options.data()));
    }
    options = options.subspan(std::min<std::size_t>((length + 3u) & ~3u, options.size()));
  }
  if (lost_count > interface.lost_count) {
    std::int64_t from_wall_ns = first_wall_ns_.value_or(wall_ns);
    if (start_wall_ns) from_wall_ns = *start_wall_ns;
    if (interface.statistics_wall_ns) from_wall_ns = *interface.statistics_wall_ns;
    AddLoss({.from_wall_ns = std::min(from_wall_ns, wall_ns),
             .until_wall_ns = wall_ns,
             .count = lost_count - interface.lost_count});
  }
  interface.lost_count = lost_count;
  interface.statistics_wall_ns = wall_ns;
}

void CaptureReader::AddLoss(const CaptureLoss& loss) {
  if (losses_.size() < kLossesMax) {
    losses_.push_back(loss);
    return;
  }
  CaptureLoss& last = losses_.back();
  last.from_wall_ns = std::min(last.from_wall_ns, loss.from_wall_ns);
  last.until_wall_ns = std::max(last.until_wall_ns, loss.until_wall_ns);
  last.count = SaturatingAdd(last.count, loss.count);
}

void CaptureReader::ParsePacketBlock(std::uint32_t type, std::span<const std::uint8_t> body,
                                     const Visit& visit) {
  const bool simple = type == kSimplePacketBlock;
  const std::size_t header_bytes = simple ? 4 : 20;
  if (body.size() < header_bytes) {
    ++counts_.malformed;
    return;
  }
  std::uint32_t number = 0;
  if (type == kPacketBlock) number = Number32(body.data());
  if (type == kOldPacketBlock) number = Number16(body.data());
  if (number >= interfaces_.size()) {
    ++counts_.malformed;
    return;
  }
  const Interface& interface = interfaces_[number];
  const std::size_t room = body.size() - header_bytes;
  CapturedPacket packet;
  packet.link_type = interface.link_type;
  packet.offset = offset_;
  std::size_t captured = 0;
  if (simple) {
    packet.wire_bytes = Number32(body.data());
    packet.wall_ns = last_wall_ns_;
    captured = packet.wire_bytes;
    if (interface.snapshot_bytes != 0) {
      captured = std::min<std::size_t>(captured, interface.snapshot_bytes);
    }
    captured = std::min(captured, room);
  } else {
    packet.wall_ns = TimeIn(interface, body.data() + 4);
    captured = Number32(body.data() + 12);
    packet.wire_bytes = Number32(body.data() + 16);
  }
  if (captured > room) {
    ++counts_.malformed;
    return;
  }
  packet.wire_bytes = std::max(packet.wire_bytes, static_cast<std::uint32_t>(captured));
  packet.data = body.subspan(header_bytes, captured);
  Deliver(packet, visit);
}

}  // namespace spoor::packets
