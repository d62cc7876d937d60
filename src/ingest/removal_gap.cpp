// SPDX-License-Identifier: Apache-2.0
#include "ingest/removal_gap.hpp"

#include <fmt/format.h>

#include <string>

#include "schema/evidence_tables.hpp"
#include "schema/loss_class.hpp"
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
  const std::string reason = fmt::format(
      "entries 0 to {} were removed from the evidence by policy (spoor verify says when and by "
      "whom)",
      retention.removed_until_entry - 1);
  rows->Append(schema::GapRow{.host_id = std::nullopt,  // every host
                              .recording_id = kRemovalRecordingId,
                              .from_boot_ns = 0,  // no host's boot
                              .until_boot_ns = 0,
                              .from_wall_ns = 0,
                              .until_wall_ns = until_wall_ns,
                              .loss_class = schema::LossClassName(schema::LossClass::kRetention),
                              .count = std::nullopt,
                              .reason = reason});
  return rows->Write({.first_entry = entry, .last_entry = entry});
}

}  // namespace spoor::ingest
