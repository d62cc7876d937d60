// SPDX-License-Identifier: Apache-2.0
#include "wire/removed_beginning.hpp"

#include "base/file.hpp"

namespace spoor::wire {

Result<> RemovedBeginningFinder::Add(std::uint64_t entry_index, std::span<const std::byte> entry) {
  const std::optional<BatchKind> kind = PeekKind(entry);
  if (kind != BatchKind::kCarried && kind != BatchKind::kRetention) return {};
  ASSIGN_OR_RETURN(Batch batch, DecodeBatch(entry));
  if (carried_until_ != entry_index) {
    payloads_.clear();
    carried_from_ = carried_until_ = entry_index;
  }
  if (kind == BatchKind::kCarried) {
    payloads_.push_back(std::move(batch.payload));
    ++carried_until_;
    return {};
  }
  RemovedBeginning beginning{.retention = {}, .carried = {}, .entry = entry_index};
  ASSIGN_OR_RETURN(beginning.retention, ParseRetention(AsText(batch.payload)));
  const std::uint64_t carried_count = beginning.retention.carried_count;
  // A part of a log may have the entry without all that it carries: then it is of no use.
  if (carried_count > carried_until_ - carried_from_) return {};
  for (std::uint64_t i = payloads_.size() - carried_count; i < payloads_.size(); ++i) {
    RETURN_IF_ERROR(DecodeCarried(payloads_[i], beginning.carried));
  }
  found_ = std::move(beginning);
  payloads_.clear();
  carried_from_ = carried_until_ = entry_index + 1;
  return {};
}

}  // namespace spoor::wire
