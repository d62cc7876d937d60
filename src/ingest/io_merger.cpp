// SPDX-License-Identifier: Apache-2.0
#include "ingest/io_merger.hpp"

#include "base/saturating.hpp"

namespace spoor::ingest {
namespace {

/// Above it all held rows are handed on: bounded memory, only a little less merging.
constexpr std::size_t kHeldRowsMax = 1 << 16;

}  // namespace

std::size_t IoMerger::KeyHash::operator()(const Key& key) const {
  std::uint64_t hash = static_cast<std::uint64_t>(key.process_id) * 0x9e3779b97f4a7c15;
  hash ^= static_cast<std::uint64_t>(key.object_id) + (hash >> 29);
  hash = (hash ^ key.descriptor ^ (std::uint64_t{key.tid} << 32)) * 0xbf58476d1ce4e5b9;
  hash ^= static_cast<std::uint64_t>(key.kind) + (hash >> 31);
  return hash * 0x94d049bb133111eb >> 7;
}

std::int64_t IoMerger::Add(const EventRow& row, std::uint64_t descriptor, FlowCounters& process,
                           FlowCounters& object) {
  const bool moved = row.size_bytes > 0;
  const Key key{.process_id = row.process_id,
                .object_id = row.object_id,
                .descriptor = descriptor,
                .failure = moved            ? 0
                           : row.result < 0 ? row.result
                                            : 1,
                .tid = row.tid,
                .uid = row.uid,
                .euid = row.euid,
                .kind = row.kind};
  FlowCounters& source = event::IsOutput(row.kind) ? process : object;
  FlowCounters& target = event::IsOutput(row.kind) ? object : process;
  std::int64_t event_id = row.event_id;
  const auto found = held_.find(key);
  if (found != held_.end() && found->second.source_in_count == source.in_count &&
      found->second.target_out_count == target.out_count &&
      found->second.row.baseline == row.baseline) {
    EventRow& merged = found->second.row;
    merged.end_boot_ns = row.end_boot_ns;
    merged.wall_ns = row.wall_ns;
    merged.size_bytes = SaturatingAdd(merged.size_bytes, row.size_bytes);
    merged.count = SaturatingAdd(merged.count, row.count);
    merged.result = row.result;
    event_id = merged.event_id;
  } else {
    if (found != held_.end()) {
      sink_(found->second.row);
      held_.erase(found);
    }
    if (held_.size() >= kHeldRowsMax) Flush();
    held_.emplace(key, Held{row, source.in_count, target.out_count});
  }
  if (moved) {
    ++source.out_count;
    ++target.in_count;
  }
  return event_id;
}

void IoMerger::Flush() {
  for (const auto& [key, held] : held_) sink_(held.row);
  held_.clear();
}

}  // namespace spoor::ingest
