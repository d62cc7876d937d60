// SPDX-License-Identifier: Apache-2.0
#include "wire/batch_chain.hpp"

#include "wire/batch_sealer.hpp"

namespace spoor::wire {

Result<> BatchChain::Add(std::uint64_t entry_index, std::span<const std::byte> entry) {
  const Result<Batch> batch = DecodeBatch(entry);
  if (!batch) {
    const bool newer = batch.error().code == ErrorCode::kUnsupported;
    return Fail(newer ? ErrorCode::kUnsupported : ErrorCode::kUnverified, "entry {}: {}",
                entry_index, batch.error().message);
  }
  const auto bad = [&](std::string_view what) {
    return Fail(ErrorCode::kUnverified, "entry {}: batch {} of recording {} {}", entry_index,
                batch->batch_index, FormatRecordingId(batch->recording_id), what);
  };
  Recording& recording = recordings_[batch->recording_id];
  RecordingExtent& extent = recording.extent;
  if (batch->batch_index != extent.batch_count) {
    return bad(fmt::format("where batch {} is due", extent.batch_count));
  }
  if (batch->previous_sha256 != recording.last_sha256) {
    return bad("does not carry the SHA-256 of the batch before it");
  }
  if (extent.closed) return bad("follows the recording's end");
  if ((batch->kind == BatchKind::kRecordingOpen) != (extent.batch_count == 0)) {
    return bad(extent.batch_count == 0 ? "does not describe the recording, as the first must"
                                       : "describes the recording again");
  }
  if (extent.batch_count == 0) {
    extent.first_entry = entry_index;
    extent.first_wall_ns = batch->wall_ns;
  }
  ++extent.batch_count;
  extent.last_entry = entry_index;
  extent.last_wall_ns = batch->wall_ns;
  extent.closed = batch->kind == BatchKind::kRecordingClose;
  recording.last_sha256 = DigestOf(entry);
  return {};
}

}  // namespace spoor::wire
