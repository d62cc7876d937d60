// SPDX-License-Identifier: Apache-2.0
// Any bytes as a capture, in parts whose size the first byte says: nothing may crash, the parts may
// not matter, and what is given out must add up.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.hpp"
#include "packets/flow_builder.hpp"
#include "packets/syn_signature.hpp"

namespace {

struct Sums {
  std::uint64_t flows = 0, packets = 0;
  std::int64_t ids = 0;
  bool operator==(const Sums&) const = default;
};

Sums Read(std::span<const std::uint8_t> file, std::size_t step) {
  using namespace spoor::packets;
  Sums sums;
  FlowBuilder builder(
      {.flows_max = 64, .conversation_bytes_max = 4096}, "fuzz",
      [&](const Flow& flow) {
        ++sums.flows;
        sums.packets += flow.source.packet_count + flow.destination.packet_count;
        sums.ids ^= flow.flow_id;
        SPOOR_CHECK(flow.begin_wall_ns <= flow.end_wall_ns);
        SPOOR_CHECK(!flow.State().empty());
        static_cast<void>(flow.CommunityId());
      },
      [&](const FlowBuilder::Handshake& handshake) {
        const auto seen = SignatureOf(handshake.segment);
        sums.ids ^= seen ? seen->quirks : 1;
      });
  CaptureReader reader;
  std::uint64_t layers = 0;
  for (std::size_t at = 0; at < file.size(); at += step) {
    const auto fed =
        reader.Feed(file.subspan(at, std::min(step, file.size() - at)),
                    [&](const CapturedPacket& packet) { layers += builder.Add(packet).size(); });
    if (!fed) return {};
  }
  static_cast<void>(reader.Finish());
  builder.Finish();
  SPOOR_CHECK(sums.flows == builder.counts().flows);
  SPOOR_CHECK(sums.packets == layers);
  return sums;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::span<const std::uint8_t> file(data + 1, size - 1);
  const Sums whole = Read(file, file.size());
  SPOOR_CHECK(Read(file, std::size_t{data[0]} + 1) == whole);
  return 0;
}
