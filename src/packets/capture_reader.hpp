// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace spoor::packets {

/// One frame of a capture.
struct CapturedPacket {
  std::uint16_t link_type = 0;  ///< LINKTYPE_ number
  std::int64_t wall_ns = 0;     ///< as the capture says; where it says none, that of the one before
  std::uint32_t wire_bytes = 0;        ///< of the whole frame; never less than what was captured
  std::uint64_t offset = 0;            ///< of its record in the file
  std::span<const std::uint8_t> data;  ///< what was captured; valid during the call
};

/// Packets that passed and that whoever captured could not keep, as it says itself.
struct CaptureLoss {
  std::int64_t from_wall_ns = 0, until_wall_ns = 0;
  std::uint64_t count = 0;
};

struct CaptureCounts {
  std::uint64_t packets = 0;
  std::uint64_t malformed = 0;  ///< records and blocks that cannot be what they say
};

/// Reads captures of both formats, pcap (all byte orders and resolutions of time) and pcapng
/// (several sections and interfaces, each with its link type and clock), from bytes that come in
/// parts of any size. Memory is bounded by one record (kRecordBytesMax) and by kInterfacesMax.
/// Formats: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng. Not thread-safe.
class CaptureReader {
 public:
  static constexpr std::uint32_t kRecordBytesMax = 1 << 20;
  static constexpr std::size_t kInterfacesMax = 1 << 16;
  using Visit = std::function<void(const CapturedPacket&)>;

  /// Takes the next bytes and calls `visit` for the packets that they complete.
  /// Fails: kCorrupt when the file is no capture. What is wrong later on is counted: a pcapng block
  /// that is not what it says is left out, a pcap record that cannot be ends what is read of the
  /// file, for nothing says where the next one begins.
  Result<> Feed(std::span<const std::uint8_t> bytes, const Visit& visit);
  /// There are no more bytes. A record that is cut off counts as malformed. Fails: kCorrupt when
  /// there was not even the beginning of a capture.
  Result<> Finish();

  const CaptureCounts& counts() const { return counts_; }
  /// What interface statistics (pcapng) say was dropped, by the kernel or the interface, each time
  /// that there was more of it. The last of kLossesMax says all that follow it.
  const std::vector<CaptureLoss>& losses() const { return losses_; }
  static constexpr std::size_t kLossesMax = 1000;

 private:
  struct Interface {
    std::uint16_t link_type = 0;
    std::uint32_t snapshot_bytes = 0;
    std::uint8_t resolution = 6;  ///< as in if_tsresol
    std::int64_t offset_s = 0;
    std::uint64_t lost_count = 0;  ///< as the last statistics say
    std::optional<std::int64_t> statistics_wall_ns{};
  };
  enum class Format { kUnknown, kPcap, kPcapng, kLost };

  std::size_t Parse(std::span<const std::uint8_t> unit, const Visit& visit);
  std::size_t ParseFileHeader(std::span<const std::uint8_t> unit);
  std::size_t ParseRecord(std::span<const std::uint8_t> unit, const Visit& visit);
  std::size_t ParseBlock(std::span<const std::uint8_t> unit, const Visit& visit);
  void ParseInterface(std::span<const std::uint8_t> body);
  void ParseStatistics(std::span<const std::uint8_t> body);
  void AddLoss(const CaptureLoss& loss);
  std::int64_t TimeIn(const Interface& interface, const std::uint8_t* at) const;
  std::uint64_t Number64(const std::uint8_t* at) const;
  void ParsePacketBlock(std::uint32_t type, std::span<const std::uint8_t> body, const Visit& visit);
  void Deliver(CapturedPacket packet, const Visit& visit);
  std::size_t GiveUp();
  std::uint16_t Number16(const std::uint8_t* at) const;
  std::uint32_t Number32(const std::uint8_t* at) const;

  Format format_ = Format::kUnknown;
  bool big_endian_ = false;
  std::vector<std::uint8_t> held_;  ///< the beginning of a unit that is not complete yet
  std::size_t need_ = 4;            ///< bytes of the unit that must be there to go on
  std::uint64_t skip_ = 0;          ///< bytes to pass over
  std::uint64_t offset_ = 0;        ///< of the unit in the file
  CaptureCounts counts_;
  std::vector<CaptureLoss> losses_;
  std::optional<std::int64_t> first_wall_ns_;
  std::int64_t last_wall_ns_ = 0;
  // pcap
  std::uint16_t link_type_ = 0;
  std::uint32_t ns_per_tick_ = 1000;
  std::uint32_t record_header_bytes_ = 16;
  std::uint16_t minor_version_ = 4;
  // pcapng
  std::vector<Interface> interfaces_;
};

/// Whether a file that begins with `first_bytes` is a capture of one of the formats.
bool LooksLikeCapture(std::string_view first_bytes);

}  // namespace spoor::packets
