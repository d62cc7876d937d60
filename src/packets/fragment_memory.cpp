// SPDX-License-Identifier: Apache-2.0
#include "packets/fragment_memory.hpp"

#include "base/saturating.hpp"

namespace spoor::packets {

FlowKey FragmentMemory::KeyOfFragment(const Layer& layer) {
  // From and to, not low and high: each end numbers its own packets.
  return {.low = layer.ends.source.bytes,
          .high = layer.ends.destination.bytes,
          .low_port = 0,
          .high_port = 0,
          .protocol = layer.ends.protocol,
          .v6 = layer.ends.source.v6,
          .has_ports = 0};
}

// Which of two that share a place is forgotten shows in the flows: the seed is always the same.
std::size_t FragmentMemory::PlaceOf(const FlowKey& key, std::uint32_t identification) {
  return HashOf(key, identification) % kPlaces;
}

void FragmentMemory::NoteFirst(const Layer& first, std::int64_t wall_ns) {
  if (!first.ends.has_ports) return;
  const FlowKey key = KeyOfFragment(first);
  places_[PlaceOf(key, first.identification)] = {.key = key,
                                                 .identification = first.identification,
                                                 .source_port = first.ends.source_port,
                                                 .destination_port = first.ends.destination_port,
                                                 .wall_ns = wall_ns,
                                                 .used = true};
}

void FragmentMemory::Complete(Layer& later, std::int64_t wall_ns) const {
  const FlowKey key = KeyOfFragment(later);
  const Place& place = places_[PlaceOf(key, later.identification)];
  if (!place.used || place.identification != later.identification || !(place.key == key)) return;
  const std::int64_t age_ns = SaturatingSub(wall_ns, place.wall_ns);
  if (age_ns < -kAgeMaxNs || age_ns > kAgeMaxNs) return;
  later.ends.has_ports = true;
  later.ends.source_port = place.source_port;
  later.ends.destination_port = place.destination_port;
}

}  // namespace spoor::packets
