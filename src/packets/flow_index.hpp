// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "packets/frame.hpp"

namespace spoor::packets {

/// The two ends of a flow in an order that does not depend on who speaks; bytes without padding.
struct FlowKey {
  std::array<std::uint8_t, 16> low{}, high{};
  std::uint16_t low_port = 0, high_port = 0;
  std::uint8_t protocol = 0;
  std::uint8_t v6 = 0;
  std::uint16_t has_ports = 0;

  bool operator==(const FlowKey&) const = default;
};
static_assert(sizeof(FlowKey) == 40);

/// The key of a packet from one end to the other. ICMP messages that ask for no answer keep their
/// order: they go one way.
FlowKey KeyOf(const Ends& ends);

std::uint64_t HashOf(const FlowKey& key, std::uint64_t seed);

/// Numbers of flows by the hash of their key: open addressing, half empty, nothing allocated but to
/// grow.
class FlowIndex {
 public:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  FlowIndex() : slots_(kSlotsMin) {}

  /// The first number under `hash` for which `is_it(number)`; kNone: there is none.
  template <typename IsIt>
  std::uint32_t Find(std::uint64_t hash, IsIt&& is_it) const {
    for (std::size_t at = hash & Mask();; at = (at + 1) & Mask()) {
      const Slot& slot = slots_[at];
      if (slot.number == kNone) return kNone;
      if (slot.hash == hash && is_it(slot.number)) return slot.number;
    }
  }
  void Insert(std::uint64_t hash, std::uint32_t number);
  /// `number` is there under `hash`.
  void Remove(std::uint64_t hash, std::uint32_t number);

 private:
  static constexpr std::size_t kSlotsMin = 1024;
  struct Slot {
    std::uint64_t hash = 0;
    std::uint32_t number = kNone;
  };
  std::size_t Mask() const { return slots_.size() - 1; }
  void Place(const Slot& slot);

  std::vector<Slot> slots_;
  std::size_t count_ = 0;
};

}  // namespace spoor::packets
