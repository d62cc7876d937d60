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
  const bool is_account = IsAccount(batch->kind);
  const bool is_first = extent.batch_count == 0;
  const std::uint64_t due = extent.batch_count + extent.missing_batch_count;
  if (is_account) has_account_ = true;
  if (!is_first && is_account != extent.is_account) return bad("is of another kind than the rest");
  if (batch->batch_index < due) return bad(fmt::format("where batch {} is due", due));
  if (batch->batch_index > due) {
    const Result<> gap = bad(fmt::format("where batch {} is due", due));
    if (is_account) return gap;
    if (!first_gap_) first_gap_ = gap.error();
    extent.missing_batch_count += batch->batch_index - due;
  } else if (batch->previous_sha256 != recording.last_sha256) {
    return bad("does not carry the SHA-256 of the batch before it");
  }
  if (extent.closed) return bad("follows the recording's end");
  if (!is_account && (batch->kind == BatchKind::kRecordingOpen) != (batch->batch_index == 0)) {
    return bad(batch->batch_index == 0 ? "does not describe the recording, as the first must"
                                       : "describes the recording again");
  }
  if (is_first) {
    extent.first_entry = entry_index;
    extent.first_wall_ns = batch->wall_ns;
    extent.is_account = is_account;
  }
  ++extent.batch_count;
  extent.last_entry = entry_index;
  extent.last_wall_ns = batch->wall_ns;
  extent.closed = batch->kind == BatchKind::kRecordingClose;
  recording.last_sha256 = DigestOf(entry);
  return {};
}

Result<> BatchChain::Finish() const {
  if (!first_gap_ || has_account_) return {};
  return tl::unexpected<Error>(*first_gap_);
}

}  // namespace spoor::wire
