// SPDX-License-Identifier: Apache-2.0
#include "causal_index/index.hpp"

#include <map>
#include <string_view>
#include <utility>

namespace spoor::causal_index {
namespace {

using BootKey = std::pair<std::int64_t, std::string_view>;

void KeepEarlier(std::optional<ClockSample>& best, const std::optional<ClockSample>& sample) {
  if (sample && (!best || sample->end_boot_ns < best->end_boot_ns)) best = sample;
}

}  // namespace

std::vector<Boot> MergeBoots(const std::vector<FlowsPart>& parts) {
  std::map<BootKey, SegmentBoot> merged;
  for (const FlowsPart& part : parts) {
    for (const SegmentBoot& boot : part.boots()) {
      SegmentBoot& known = merged[{boot.host_id, boot.boot_id}];
      KeepEarlier(known.sound, boot.sound);
      KeepEarlier(known.any, boot.any);
    }
  }
  std::vector<Boot> boots;
  for (const auto& [key, known] : merged) {
    const std::optional<ClockSample> sample = known.sound ? known.sound : known.any;
    boots.push_back({.host_id = key.first,
                     .boot_id = std::string(key.second),
                     .shift_ns = sample ? sample->wall_minus_boot_ns : 0});
  }
  return boots;
}

Result<std::shared_ptr<const Index>> Index::Make(std::vector<FlowsPart> parts, NodesPart nodes) {
  constexpr std::uint64_t kFlowsMax = 0xfffffff0;
  std::shared_ptr<Index> index(new Index);
  index->parts_ = std::move(parts);
  index->nodes_ = std::move(nodes);
  std::map<BootKey, std::uint32_t> places;
  for (std::uint32_t i = 0; i < index->nodes_.boots().size(); ++i) {
    const Boot& boot = index->nodes_.boots()[i].boot;
    places[{boot.host_id, boot.boot_id}] = i;
  }
  std::uint64_t flow_count = index->nodes_.fork_count();
  for (const FlowsPart& part : index->parts_) {
    index->first_flows_.push_back(static_cast<FlowNumber>(flow_count));
    flow_count += part.flow_count();
    if (flow_count > kFlowsMax) {
      return Fail(ErrorCode::kUnsupported, "more than {} flows: give a store of less", kFlowsMax);
    }
    std::vector<std::uint32_t>& boots = index->boots_.emplace_back();
    for (const SegmentBoot& boot : part.boots()) {
      const auto place = places.find({boot.host_id, boot.boot_id});
      if (place == places.end()) {
        return Fail(ErrorCode::kCorrupt, "the nodes of the index lack a boot of its flows");
      }
      boots.push_back(place->second);
    }
  }
  index->flow_count_ = static_cast<FlowNumber>(flow_count);
  return std::shared_ptr<const Index>(std::move(index));
}

std::vector<Boot> Index::Boots() const {
  std::vector<Boot> boots;
  for (const BootClock& clock : nodes_.boots()) boots.push_back(clock.boot);
  return boots;
}

std::uint64_t Index::size_bytes() const {
  std::uint64_t size = nodes_.size_bytes();
  for (const FlowsPart& part : parts_) size += part.size_bytes();
  return size;
}

}  // namespace spoor::causal_index
