// SPDX-License-Identifier: Apache-2.0
#include "analysis/recordings_json.hpp"

#include <nlohmann/json.hpp>

#include "wire/batch_chain.hpp"
#include "wire/batch_sealer.hpp"

namespace spoor::analysis {

nlohmann::json RecordingsJson(const wire::BatchChain& recordings) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [id, recording] : recordings.InOrder()) {
    const wire::RecordingExtent& extent = recording.extent;
    if (extent.is_account) continue;
    list.push_back({{"recording_id", wire::FormatRecordingId(id)},
                    {"first_entry", extent.first_entry},
                    {"last_entry", extent.last_entry},
                    {"batch_count", extent.batch_count},
                    {"missing_batch_count", extent.missing_batch_count},
                    {"first_wall_ns", extent.first_wall_ns},
                    {"last_wall_ns", extent.last_wall_ns},
                    {"closed", extent.closed}});
  }
  return list;
}

}  // namespace spoor::analysis
