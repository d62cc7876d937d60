// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "packets/flow_index.hpp"
#include "packets/frame.hpp"

namespace spoor::packets {

/// Remembers the ports of packets whose first fragment was seen, for the later ones. A fixed number
/// of them: of two that share a place the newer is remembered.
class FragmentMemory {
 public:
  FragmentMemory() : places_(kPlaces) {}

  void NoteFirst(const Layer& first, std::int64_t wall_ns);
  /// Gives the ports to `later`, where they are known and not too old.
  void Complete(Layer& later, std::int64_t wall_ns) const;

 private:
  static constexpr std::size_t kPlaces = 4096;
  // RFC 1122 and 8200: what is not whole by then never will be.
  static constexpr std::int64_t kAgeMaxNs = 60'000'000'000;
  struct Place {
    FlowKey key;  ///< without ports
    std::uint32_t identification = 0;
    std::uint16_t source_port = 0, destination_port = 0;
    std::int64_t wall_ns = 0;
    bool used = false;
  };
  static FlowKey KeyOfFragment(const Layer& layer);
  static std::size_t PlaceOf(const FlowKey& key, std::uint32_t identification);

  std::vector<Place> places_;
};

}  // namespace spoor::packets
