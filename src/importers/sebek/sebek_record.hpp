// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "packets/bytes.hpp"
#include "packets/capture_reader.hpp"

namespace spoor::importers {

enum class SebekType : std::uint16_t { kRead = 0, kWrite = 1, kSocket = 2, kOpen = 3 };

/// One record of a Sebek client, as it is on the wire. Formats: sebek.h of the clients for Linux
/// and Windows, honeysnap's sebekDecode.py.
struct SebekRecord {
  std::string host_ip;        ///< who sent it
  std::uint32_t magic = 0;    ///< chosen by the site
  std::uint16_t version = 0;  ///< 1 and 2 have one layout; 3
  SebekType type = SebekType::kRead;
  std::uint32_t counter = 0;  ///< of the sender, one more for each record
  std::int64_t wall_ns = 0;   ///< clock of the sender
  /// The microseconds are in the byte order of the client for Windows, which knows neither users
  /// nor descriptors and whose seconds are local time.
  bool swapped_microseconds = false;
  std::uint32_t parent_pid = 0;  ///< 0: not told (before version 3)
  std::uint32_t pid = 0, uid = 0;
  std::int32_t fd = -1;
  std::uint32_t inode = 0;  ///< lower half; 0: not told
  std::string command;
  std::uint32_t header_bytes = 0;
  std::uint32_t length_bytes = 0;  ///< of the data, as the record has it
  std::uint32_t told_bytes = 0;    ///< the same, no more than what was sent
  packets::Bytes data;             ///< what of it was captured; lives as long as the packet
};

/// The record that begins where `rest` does. Its length may be longer than what is there. None: a
/// field of its header is impossible, or the header is not captured whole.
std::optional<SebekRecord> ParseSebekRecord(const packets::Rest& rest);

/// Finds the records of Sebek in a capture. The clients wrote wrong lengths into the headers of IP
/// and UDP, so that the frame alone tells how long a record is.
///
/// By itself a packet is a record when every field is possible and its length is exactly that of
/// the frame. Where its port or magic are those of Sebek, or those of a record before it, or the
/// user says that it is one, the length may be wrong. Not thread-safe.
class SebekFinder {
 public:
  static constexpr std::size_t kMagicsMax = 64;

  /// `sure`: the user says that the packets are of Sebek.
  explicit SebekFinder(bool sure) : sure_(sure) {}

  std::optional<SebekRecord> Find(const packets::CapturedPacket& packet);

 private:
  const bool sure_;
  std::set<std::uint32_t> magics_;
};

}  // namespace spoor::importers
