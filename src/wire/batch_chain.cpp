// SPDX-License-Identifier: Apache-2.0
#include "wire/batch_chain.hpp"

#include <algorithm>

#include "wire/batch_sealer.hpp"

namespace spoor::wire {

Result<> BatchChain::Add(std::uint64_t entry_index, std::span<const std::byte> entry) {
  Result<Batch> decoded = DecodeBatch(entry);
  if (!decoded) {
    const bool newer = decoded.error().code == ErrorCode::kUnsupported;
    return Fail(newer ? ErrorCode::kUnsupported : ErrorCode::kUnverified, "entry {}: {}",
                entry_index, decoded.error().message);
  }
  last_batch_ = *std::move(decoded);
  if (last_batch_.kind == BatchKind::kRetention || last_batch_.kind == BatchKind::kCarried)
    return {};
  const Result<> followed = Follow(entry_index, last_batch_, DigestOf(entry));
  if (!followed) {
    return Fail(followed.error().code, "entry {}: {}", entry_index, followed.error().message);
  }
  return {};
}

Result<> BatchChain::Follow(std::uint64_t entry_index, const Batch& batch, const Sha256& sha256) {
  const auto bad = [&](std::string_view what) {
    return Fail(ErrorCode::kUnverified, "batch {} of recording {} {}", batch.batch_index,
                FormatRecordingId(batch.recording_id), what);
  };
  const bool is_account = IsAccount(batch.kind);
  const auto found = recordings_.find(batch.recording_id);
  const bool is_first = found == recordings_.end();
  const Recording before = is_first ? Recording{} : found->second;
  const std::uint64_t due = before.extent.batch_count + before.extent.missing_batch_count;
  if (!is_first && is_account != before.extent.is_account) {
    return bad("is of another kind than the rest");
  }
  const bool skips = batch.batch_index > due;
  if (batch.batch_index < due || (skips && is_account && of_ == Of::kLog)) {
    return bad(fmt::format("where batch {} is due", due));
  }
  if (!skips && batch.previous_sha256 != before.last_sha256) {
    return bad("does not carry the SHA-256 of the batch before it");
  }
  if (before.extent.closed) return bad("follows the recording's end");
  if (!is_account && (batch.kind == BatchKind::kRecordingOpen) != (batch.batch_index == 0)) {
    return bad(batch.batch_index == 0 ? "does not describe the recording, as the first must"
                                      : "describes the recording again");
  }
  if (skips && !first_gap_) {
    first_gap_ =
        Error{ErrorCode::kUnverified,
              fmt::format("entry {}: batch {} of recording {} where batch {} is due", entry_index,
                          batch.batch_index, FormatRecordingId(batch.recording_id), due)};
  }
  if (is_account) has_account_ = true;
  Recording& recording = recordings_[batch.recording_id];
  RecordingExtent& extent = recording.extent;
  if (is_first) {
    extent.first_entry = entry_index;
    extent.first_wall_ns = batch.wall_ns;
    extent.is_account = is_account;
  }
  extent.missing_batch_count += batch.batch_index - due;
  ++extent.batch_count;
  extent.last_entry = entry_index;
  extent.last_wall_ns = batch.wall_ns;
  extent.closed = batch.kind == BatchKind::kRecordingClose;
  recording.last_sha256 = sha256;
  return {};
}

void BatchChain::Continue(const RecordingId& id, const RecordingExtent& extent,
                          const Sha256& last_sha256) {
  if (extent.is_account) has_account_ = true;
  recordings_.insert_or_assign(id, Recording{extent, last_sha256});
}

std::vector<std::pair<RecordingId, BatchChain::Recording>> BatchChain::InOrder() const {
  std::vector<std::pair<RecordingId, Recording>> ordered(recordings_.begin(), recordings_.end());
  std::ranges::stable_sort(
      ordered, {}, [](const auto& recording) { return recording.second.extent.first_entry; });
  return ordered;
}

Result<> BatchChain::Finish() const {
  if (!first_gap_ || has_account_) return {};
  return tl::unexpected<Error>(*first_gap_);
}

}  // namespace spoor::wire
