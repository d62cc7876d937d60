// SPDX-License-Identifier: Apache-2.0
#include "packets/flow_index.hpp"

#include <netinet/in.h>
#include <xxhash.h>

#include <utility>

#include "event/community_id.hpp"

namespace spoor::packets {

FlowKey KeyOf(const Ends& ends) {
  FlowKey key{.low = ends.source.bytes,
              .high = ends.destination.bytes,
              .low_port = ends.source_port,
              .high_port = ends.destination_port,
              .protocol = ends.protocol,
              .v6 = ends.source.v6,
              .has_ports = ends.has_ports};
  const bool icmp = ends.protocol == IPPROTO_ICMP || ends.protocol == IPPROTO_ICMPV6;
  if (icmp && !event::IcmpCounterpart(ends.protocol, static_cast<std::uint8_t>(ends.source_port))) {
    return key;
  }
  if (std::pair(key.low, key.low_port) > std::pair(key.high, key.high_port)) {
    std::swap(key.low, key.high);
    std::swap(key.low_port, key.high_port);
  }
  return key;
}

std::uint64_t HashOf(const FlowKey& key, std::uint64_t seed) {
  return XXH3_64bits_withSeed(&key, sizeof(key), seed);
}

void FlowIndex::Place(const Slot& slot) {
  std::size_t at = slot.hash & Mask();
  while (slots_[at].number != kNone) at = (at + 1) & Mask();
  slots_[at] = slot;
}

void FlowIndex::Insert(std::uint64_t hash, std::uint32_t number) {
  if (++count_ * 2 > slots_.size()) {
    std::vector<Slot> before(slots_.size() * 2);
    before.swap(slots_);
    for (const Slot& slot : before) {
      if (slot.number != kNone) Place(slot);
    }
  }
  Place({.hash = hash, .number = number});
}

// What stands behind the removed moves up, unless it would come before its own place.
void FlowIndex::Remove(std::uint64_t hash, std::uint32_t number) {
  std::size_t hole = hash & Mask();
  while (slots_[hole].number != number) hole = (hole + 1) & Mask();
  --count_;
  for (std::size_t at = (hole + 1) & Mask(); slots_[at].number != kNone; at = (at + 1) & Mask()) {
    const std::size_t home = slots_[at].hash & Mask();
    if (((at - home) & Mask()) < ((at - hole) & Mask())) continue;
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole] = Slot{};
}

}  // namespace spoor::packets
