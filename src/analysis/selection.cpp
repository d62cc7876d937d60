// SPDX-License-Identifier: Apache-2.0
#include "analysis/selection.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "wire/batch.hpp"
#include "wire/batch_sealer.hpp"
#include "wire/retention.hpp"

namespace spoor::analysis {
namespace {

/// Goes through a log and keeps what was chosen.
class Selection {
 public:
  /// `carried`: over from the removed beginning of `log`.
  Selection(Choice choice, const evidence::LogReader& log, const wire::Carried& carried)
      : choice_(std::move(choice)), removed_until_(log.removed_until()) {
    if (removed_until_ == 0) return;
    statement_ = {log.retention_entry() - log.retention()->carried_count,
                  log.retention_entry() + 1};
    for (const wire::CarriedRecording& recording : carried.recordings) {
      cut_.insert(wire::FormatRecordingId(recording.recording_id));
    }
  }

  Result<> Add(std::uint64_t index, std::span<const std::byte> entry) {
    ASSIGN_OR_RETURN(const wire::Batch batch, wire::DecodeBatch(entry));
    const std::string id = wire::FormatRecordingId(batch.recording_id);
    const bool wanted = choice_.recordings.empty() ||
                        std::find(choice_.recordings.begin(), choice_.recordings.end(), id) !=
                            choice_.recordings.end();
    if (!wanted) return {};
    if (!first_wall_ns_) first_wall_ns_ = batch.wall_ns;
    Seen& seen = seen_.try_emplace(id, Seen{index, batch.wall_ns}).first->second;
    // A batch holds what happened since the one before it was sealed.
    const bool in_time =
        batch.wall_ns >= choice_.from_wall_ns && seen.last_wall_ns <= choice_.until_wall_ns;
    seen.last_wall_ns = batch.wall_ns;
    if (!in_time) return {};
    if (choice_.entries && (index < choice_.entries->begin || index >= choice_.entries->end)) {
      return {};
    }
    // What a recording is of stands in its first batch, without which the others say little. When
    // that was removed, it stands in what the log carried over.
    if (!choice_.entries || choice_.entries->begin == 0) indices_.push_back(seen.first_entry);
    if (!choice_.entries && cut_.contains(id)) has_cut_ = true;
    indices_.push_back(index);
    return {};
  }

  /// Whether entries that a policy removed may have been of the choice, too.
  bool LacksRemoved() const {
    if (removed_until_ == 0) return false;
    if (choice_.entries && choice_.entries->begin >= removed_until_) return false;
    if (first_wall_ns_ && choice_.from_wall_ns > *first_wall_ns_) return false;
    return choice_.recordings.empty() ||
           std::ranges::any_of(choice_.recordings, [this](const std::string& recording) {
             return cut_.contains(recording) || !seen_.contains(recording);
           });
  }

  Result<std::vector<evidence::EntryRange>> Ranges() {
    for (const std::string& recording : choice_.recordings) {
      // What was removed may have been all of it.
      if (seen_.contains(recording) || removed_until_ != 0) continue;
      return Fail(ErrorCode::kInvalidArgument, "no recording {} in the log (spoor status)",
                  recording);
    }
    for (std::uint64_t i = statement_.begin; has_cut_ && i < statement_.end; ++i) {
      indices_.push_back(i);
    }
    std::sort(indices_.begin(), indices_.end());
    indices_.erase(std::unique(indices_.begin(), indices_.end()), indices_.end());
    return evidence::RangesOf(indices_);
  }

 private:
  struct Seen {
    std::uint64_t first_entry = 0;
    std::int64_t last_wall_ns = 0;
  };
  const Choice choice_;
  const std::uint64_t removed_until_;
  evidence::EntryRange statement_{};  ///< what says what was removed, and what it carries over
  std::set<std::string> cut_;         ///< recordings that began in the removed entries
  bool has_cut_ = false;              ///< one of them is chosen
  std::optional<std::int64_t> first_wall_ns_;  ///< of the first entry that was looked at
  std::map<std::string, Seen> seen_;
  std::vector<std::uint64_t> indices_;
};

}  // namespace

Result<Selected> Select(evidence::LogReader& log, Choice choice, const Progress& progress) {
  ASSIGN_OR_RETURN(const wire::Carried carried, log.ReadCarried());
  Selection selection(std::move(choice), log, carried);
  RETURN_IF_ERROR(
      log.ForEach(0, [&](std::uint64_t index, std::span<const std::byte> entry) -> Result<> {
        if (progress) progress(index, log.size());
        return selection.Add(index, entry);
      }));
  Selected selected;
  ASSIGN_OR_RETURN(selected.ranges, selection.Ranges());
  selected.lacks_removed = selection.LacksRemoved();
  return selected;
}

}  // namespace spoor::analysis
