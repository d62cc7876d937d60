// SPDX-License-Identifier: Apache-2.0
#include "ingest/removal_gap.hpp"

#include <fmt/format.h>

#include <string>

#include "store/segment_writer.hpp"

namespace spoor::ingest {

Result<std::vector<store::Segment>> WriteRemovalGap(const StoreLayout& layout,
                                                    const wire::Retention& retention,
                                                    std::uint64_t entry, std::uint64_t generation) {
  ASSIGN_OR_RETURN(const std::unique_ptr<store::SegmentWriter> rows,
                   store::SegmentWriter::Open({.layout = layout,
                                               .recording_id = std::string(kRemovalRecordingId),
                                               .generation = generation}));
  const std::int64_t until_wall_ns = retention.first_kept_wall_ns > 0
                                         ? retention.first_kept_wall_ns
                                         : retention.removals.back().wall_ns;
  rows->table(store::Table::kGap)
      .Null()  // every host
      .Text(kRemovalRecordingId)
      .Unsigned(0)
      .Unsigned(0)  // no host's boot
      .Integer(0)
      .Integer(until_wall_ns)
      .Text("retention")
      .Null()
      .Text(fmt::format("entries 0 to {} were removed from the evidence by policy (spoor verify "
                        "says when and by whom)",
                        retention.removed_until_entry - 1))
      .EndRow();
  return rows->Write(entry, entry);
}

}  // namespace spoor::ingest
