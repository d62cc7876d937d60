// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "packets/capture_reader.hpp"

namespace spoor::capture {

struct LiveOptions {
  std::string interface;
  std::string filter{};                   ///< in the language of pcap-filter(7); empty: all
  std::uint32_t snapshot_bytes = 262144;  ///< at most so much of each packet
  std::size_t buffer_bytes = 16 << 20;    ///< of the kernel, until we come to them
};

/// Packets of an interface that nobody has read yet; others may capture there as well. Not
/// thread-safe.
class LiveSource {
 public:
  using Visit = std::function<void(const packets::CapturedPacket&)>;
  /// How long a packet may wait until it can be read.
  static constexpr int kWaitMs = 50;

  virtual ~LiveSource() = default;
  /// From now on packets are kept. Fails: kInvalidArgument (the filter), kNotFound (no such
  /// interface), kUnavailable (it may not be captured from, or is down).
  static Result<std::unique_ptr<LiveSource>> Open(const LiveOptions& options);

  virtual std::uint16_t link_type() const = 0;  ///< LINKTYPE_ number
  /// Readable when there may be packets.
  virtual int fd() const = 0;
  /// Calls `visit` with those that are there, some thousands at most; returns how many there were.
  /// Their `offset` is 0. Fails: kUnavailable (the interface is gone).
  virtual Result<std::size_t> Read(const Visit& visit) = 0;

  /// Since it was opened.
  struct Counts {
    std::uint64_t received = 0;  ///< that the filter let through, also those that were dropped
    std::uint64_t dropped = 0;   ///< of these: there was no room for them
    std::uint64_t missed = 0;    ///< by the interface itself, before
  };
  virtual Result<Counts> ReadCounts() = 0;
};

}  // namespace spoor::capture
