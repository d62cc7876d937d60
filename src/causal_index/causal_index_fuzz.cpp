// SPDX-License-Identifier: Apache-2.0
// Files of the index from hostile bytes, under a digest that is right: whatever is opened can be
// read to its end, and what cannot be is said of it, not believed.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "base/check.hpp"
#include "causal_index/index.hpp"

namespace spoor::causal_index {
namespace {

constexpr std::size_t kFlowsSections = 5;
constexpr std::size_t kNodesSections = 8;
constexpr std::uint64_t kReadsMax = 100'000;  // of a file that says it has more

/// The input as sections: each behind its length in two bytes.
std::vector<std::vector<std::byte>> Sections(std::span<const std::byte>& input, std::size_t count) {
  std::vector<std::vector<std::byte>> sections(count);
  for (std::vector<std::byte>& section : sections) {
    if (input.size() < 2) break;
    const std::size_t wanted =
        std::to_integer<std::size_t>(input[0]) | std::to_integer<std::size_t>(input[1]) << 8;
    input = input.subspan(2);
    const std::size_t size = std::min(wanted, input.size());
    section.assign(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(size));
    input = input.subspan(size);
  }
  return sections;
}

void ReadAll(const FlowsPart& part) {
  std::uint64_t reads = 0;
  for (std::uint32_t node = 0; node < part.node_count() && reads < kReadsMax; ++node) {
    (void)part.IdOf(node);
    (void)part.SummaryOf(node);
    (void)part.ForEachFlow(node, [&](std::uint32_t, const PartFlow& flow) {
      SPOOR_CHECK(flow.owner < part.node_count() && flow.other < part.node_count());
      SPOOR_CHECK(flow.boot < part.boots().size() && flow.begin_boot_ns <= flow.end_boot_ns);
      return ++reads < kReadsMax;
    });
    ++reads;
  }
}

void ReadAll(const NodesPart& nodes) {
  for (NodeIndex node = 0; node < nodes.node_count() && node < kReadsMax; ++node) {
    (void)nodes.Find(nodes.IdOf(node));
    (void)nodes.TypeOf(node);
    const NodeIndex peer = nodes.PeerOf(node);
    SPOOR_CHECK(peer == kNoNode || peer < nodes.node_count());
    if (node > 100) continue;
    for (const NodeIndex to : nodes.PeersTo(node)) SPOOR_CHECK(to < nodes.node_count());
    for (const NodesPart::Fork& fork : nodes.ForksOf(node)) {
      SPOOR_CHECK(fork.child < nodes.node_count() && fork.boot < nodes.boots().size());
    }
    (void)nodes.PostingsOf(node);
  }
}

}  // namespace
}  // namespace spoor::causal_index

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  using namespace spoor::causal_index;  // NOLINT(google-build-using-namespace)
  std::span<const std::byte> input = std::as_bytes(std::span(data, size_bytes));
  (void)FlowsPart::Open(HeldBytes({input.begin(), input.end()}), {});
  const auto flows = Sections(input, kFlowsSections);
  const auto nodes = Sections(input, kNodesSections);
  const auto part = FlowsPart::Open(HeldBytes(MakeIndexFile(FileKind::kFlows, {}, flows)), {});
  if (part) ReadAll(*part);
  const auto known = NodesPart::Open(HeldBytes(MakeIndexFile(FileKind::kNodes, {}, nodes)), {});
  if (known) ReadAll(*known);
  return 0;
}
