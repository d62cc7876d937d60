// SPDX-License-Identifier: Apache-2.0
// Ingest is a function of the entries of a recording, so what it made once it makes again: the same
// rows in the same segments. Each segment is compared as soon as it is made, and removed.
#include "ingest/derivation_check.hpp"

#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "base/file.hpp"
#include "base/saturating.hpp"
#include "evidence/log.hpp"
#include "evidence/named_key.hpp"
#include "ingest/recording_ingest.hpp"
#include "ingest/removal_gap.hpp"
#include "store/catalog.hpp"
#include "store/compare_segments.hpp"
#include "store/held_catalog.hpp"
#include "wire/batch.hpp"
#include "wire/batch_sealer.hpp"
#include "wire/removed_beginning.hpp"

namespace spoor::ingest {
namespace {

/// What tells a segment from all others of its store. The open ones of a table are one together:
/// how they are cut is a matter of who asked when.
using SegmentKey = std::tuple<std::string, std::string, store::SegmentLife, std::uint64_t,
                              std::uint64_t, std::string, std::string>;

SegmentKey KeyOf(const store::Segment& segment) {
  if (segment.life == store::SegmentLife::kOpen) {
    return {segment.table, segment.recording_id, segment.life, 0, 0, "", ""};
  }
  return {segment.table,      segment.recording_id, segment.life, segment.first_entry,
          segment.last_entry, segment.day,          segment.host};
}

class Check {
 public:
  Check(const StoreLayout& layout, const CatchUpOptions& options, store::Catalog catalog,
        const std::filesystem::path& scratch, wire::Carried carried, std::uint64_t removed_until)
      : layout_(layout), scratch_{scratch}, options_(options), catalog_(std::move(catalog)) {
    for (const store::IngestedRecording& recording : catalog_.recordings) {
      if (recording.first_entry < removed_until) {
        removed_.insert(recording.recording_id);
      } else {
        recordings_.emplace(recording.recording_id, &recording);
      }
    }
    for (wire::CarriedRecording& recording : carried.recordings) {
      carried_.emplace(recording.recording_id, std::move(recording));
    }
    report_.removed_count = removed_.size();
    report_.next_entry = catalog_.next_entry;
  }

  /// That the files are the catalog's, and that no two claim to hold the same.
  Result<> Begin() {
    for (const store::Segment& segment : catalog_.segments) {
      RETURN_IF_ERROR(store::CheckSegment(layout_, segment, /*hash_all=*/true));
      if (removed_.contains(segment.recording_id)) continue;
      std::vector<const store::Segment*>& stored = segments_[KeyOf(segment)];
      stored.push_back(&segment);
      if (stored.size() > 1 && segment.life != store::SegmentLife::kOpen) {
        return Wrong(segment, "is there twice");
      }
    }
    return {};
  }

  Result<> Take(std::uint64_t index, std::span<const std::byte> entry) {
    if (index >= catalog_.next_entry) return {};
    ASSIGN_OR_RETURN(const wire::Batch batch, wire::DecodeBatch(entry));
    if (batch.kind == wire::BatchKind::kRetention) {
      if (auto retention = wire::ParseRetention(AsText(batch.payload))) {
        removal_ = wire::RemovedBeginning{
            .retention = *std::move(retention), .carried = {}, .entry = index};
      }
    }
    if (!wire::IsOfRecording(batch.kind)) return {};
    const std::string id = wire::FormatRecordingId(batch.recording_id);
    if (removed_.contains(id)) return {};
    const auto known = recordings_.find(id);
    if (known == recordings_.end()) {
      return Fail(ErrorCode::kUnverified,
                  "{}: leaves out recording {}, though it claims entry {}, which is of it",
                  layout_.catalog().string(), id, index);
    }
    const store::IngestedRecording& recording = *known->second;
    if (index > recording.last_entry) {
      return WrongExtent(recording, "last", recording.last_entry, index);
    }
    std::unique_ptr<RecordingIngest>& ingest = open_[id];
    if (ingest == nullptr) {
      if (index != recording.first_entry) {
        return WrongExtent(recording, "first", recording.first_entry, index);
      }
      ASSIGN_OR_RETURN(ingest, RecordingIngest::Begin(scratch_, options_, batch.recording_id,
                                                      catalog_.generation, index));
      const auto before = carried_.find(batch.recording_id);
      if (batch.batch_index > 0 && before != carried_.end()) {
        RETURN_IF_ERROR(ingest->Resume(before->second));
      }
    }
    RETURN_IF_ERROR(ingest->Take(batch, index, wire::DigestOf(entry), entry.size()));
    if (index < recording.last_entry) return Compare(ingest->segments());
    RETURN_IF_ERROR(End(recording, *ingest));
    RETURN_IF_ERROR(Compare(ingest->segments()));
    open_.erase(id);
    ++ended_count_;
    return {};
  }

  Result<DerivationReport> Finish() {
    for (const auto& [id, ingest] : open_) {
      const store::IngestedRecording& recording = *recordings_.at(id);
      return WrongExtent(recording, "last", recording.last_entry, ingest->last_entry());
    }
    RETURN_IF_ERROR(CheckRemovalGap());
    if (ended_count_ != recordings_.size() ||
        recordings_.size() + removed_.size() != catalog_.recordings.size()) {
      return Fail(ErrorCode::kUnverified,
                  "{}: names {} recordings, and the evidence has {} in these entries",
                  layout_.catalog().string(), catalog_.recordings.size(), ended_count_);
    }
    if (!segments_.empty()) {
      return Wrong(*segments_.begin()->second.front(), "the evidence gives no such rows");
    }
    return report_;
  }

 private:
  Result<> End(const store::IngestedRecording& recording, RecordingIngest& ingest) {
    if (recording.provisional && ingest.closed()) {
      return Fail(ErrorCode::kUnverified, "{}: calls recording {} open, which was closed",
                  layout_.catalog().string(), recording.recording_id);
    }
    if (recording.provisional) {
      ++report_.provisional_count;
      RETURN_IF_ERROR(ingest.Pause());
      RETURN_IF_ERROR(CheckState(recording, ingest.Description(true)));
    } else {
      RETURN_IF_ERROR(ingest.End(!ingest.closed()));
    }
    if (ingest.event_count() != recording.event_count) {
      return Fail(ErrorCode::kUnverified,
                  "{}: recording {} has {} events, and the evidence gives {}",
                  layout_.catalog().string(), recording.recording_id, recording.event_count,
                  ingest.event_count());
    }
    return {};
  }

  /// That the next catch-up goes on from what the evidence gives. A state of another build is left
  /// by that one (RecordingIngest::Continue).
  Result<> CheckState(const store::IngestedRecording& recording,
                      const store::IngestedRecording& derived) {
    if (!recording.state || !derived.state || recording.state->sha256 == derived.state->sha256) {
      return {};
    }
    std::vector<store::Segment> segments;
    for (const store::Segment& segment : catalog_.segments) {
      if (segment.recording_id == recording.recording_id) segments.push_back(segment);
    }
    const auto continued =
        RecordingIngest::Continue(layout_, options_, recording, segments, catalog_.generation + 1);
    if (!continued) return {};
    return Fail(ErrorCode::kUnverified,
                "{}: is not what entries {} to {} of the evidence give: `spoor rebuild` makes it "
                "again",
                (layout_.ingest_state() /
                 store::StateFileName(recording.recording_id, recording.state->generation))
                    .string(),
                recording.first_entry, recording.last_entry);
  }

  /// That the tables say which entries a policy removed.
  Result<> CheckRemovalGap() {
    if (!removal_) return {};
    const auto known = recordings_.find(std::string(kRemovalRecordingId));
    if (known == recordings_.end()) {
      return Fail(ErrorCode::kUnverified,
                  "{}: leaves out that entries were removed by policy, as entry {} says",
                  layout_.catalog().string(), removal_->entry);
    }
    if (known->second->first_entry != removal_->entry) {
      return WrongExtent(*known->second, "first", known->second->first_entry, removal_->entry);
    }
    ++ended_count_;
    ASSIGN_OR_RETURN(
        std::vector<store::Segment> derived,
        WriteRemovalGap(scratch_, removal_->retention, removal_->entry, catalog_.generation));
    return Compare(derived);
  }

  /// Takes the segments, which are as derived, off their list.
  Result<> Compare(std::vector<store::Segment>& segments) {
    std::map<SegmentKey, std::vector<const store::Segment*>> together;
    for (const store::Segment& derived : segments) together[KeyOf(derived)].push_back(&derived);
    for (const auto& [key, of_key] : together) {
      const store::Segment& derived = *of_key.front();
      const auto found = segments_.find(key);
      if (found == segments_.end()) {
        return Fail(ErrorCode::kUnverified,
                    "{}: leaves out the {} rows of table {} that entries {} to {} of recording {} "
                    "give",
                    layout_.catalog().string(), derived.row_count, derived.table,
                    derived.first_entry, derived.last_entry, derived.recording_id);
      }
      RETURN_IF_ERROR(CompareOne(found->second, of_key));
      segments_.erase(found);
    }
    segments.clear();
    return {};
  }

  Result<> CompareOne(const std::vector<const store::Segment*>& stored,
                      const std::vector<const store::Segment*>& derived) {
    const store::Segment& first = *stored.front();
    store::SegmentsToCompare files{.stored = {}, .derived = {}, .scratch = scratch_.root};
    std::uint64_t stored_count = 0, derived_count = 0;
    for (const store::Segment* segment : stored) {
      files.stored.push_back(layout_.segments() / segment->file);
      stored_count = SaturatingAdd(stored_count, segment->row_count);
    }
    for (const store::Segment* segment : derived) {
      files.derived.push_back(scratch_.segments() / segment->file);
      derived_count += segment->row_count;
    }
    report_.segment_count += stored.size();
    report_.row_count += derived_count;
    if (stored.size() == 1 && derived.size() == 1 && first.sha256 == derived.front()->sha256 &&
        stored_count == derived_count) {
      ++report_.same_bytes_count;
    } else {
      ASSIGN_OR_RETURN(const std::optional<std::string> difference, store::CompareSegments(files));
      if (difference) return Wrong(first, *difference);
      if (stored_count != derived_count) {
        return Wrong(
            first, fmt::format("the catalog says {} rows, it has {}", stored_count, derived_count));
      }
    }
    for (const std::filesystem::path& path : files.derived) {
      std::error_code error;
      if (!std::filesystem::remove(path, error)) {
        return Fail(ErrorCode::kIo, "{}: cannot remove: {}", path.string(), error.message());
      }
    }
    return {};
  }

  [[nodiscard]] tl::unexpected<Error> Wrong(const store::Segment& segment,
                                            std::string_view what) const {
    return Fail(
        ErrorCode::kUnverified,
        "segment {}: is not what entries {} to {} of the evidence give: {} (when this build "
        "ingests otherwise than the one that made it: `spoor rebuild`)",
        (layout_.segments() / segment.file).string(), segment.first_entry, segment.last_entry,
        what);
  }

  [[nodiscard]] tl::unexpected<Error> WrongExtent(const store::IngestedRecording& recording,
                                                  std::string_view which, std::uint64_t said,
                                                  std::uint64_t found) const {
    return Fail(ErrorCode::kUnverified,
                "{}: says that the {} entry of recording {} is {}, and in the evidence it is {}",
                layout_.catalog().string(), which, recording.recording_id, said, found);
  }

  const StoreLayout& layout_;
  const StoreLayout scratch_;
  const CatchUpOptions& options_;
  const store::Catalog catalog_;
  std::map<std::string, const store::IngestedRecording*> recordings_;
  /// That nothing derived was like yet.
  std::map<SegmentKey, std::vector<const store::Segment*>> segments_;
  std::map<std::string, std::unique_ptr<RecordingIngest>> open_;
  std::set<std::string> removed_;  ///< recordings that began in entries that are gone
  std::map<wire::RecordingId, wire::CarriedRecording> carried_;
  std::optional<wire::RemovedBeginning> removal_;  ///< as the newest entry says
  std::uint64_t ended_count_ = 0;
  DerivationReport report_;
};

}  // namespace

Result<DerivationReport> CheckDerivation(const StoreLayout& layout, const std::string& public_key,
                                         const CatchUpOptions& options,
                                         const std::filesystem::path& scratch,
                                         const DerivationProgress& progress) {
  // The catalog first: what it names is under every later checkpoint.
  ASSIGN_OR_RETURN(store::HeldCatalog held, store::HoldCatalog(layout));
  store::Catalog& catalog = held.catalog;
  if (catalog.schema_version != schema::kSchemaVersion) {
    return tl::unexpected<Error>(store::EarlierSchema(layout, catalog));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<evidence::LogReader> log,
                   evidence::LogReader::Open(layout.evidence(), public_key));
  const std::uint64_t to_do = catalog.next_entry;
  if (to_do > log->size()) {
    return Fail(ErrorCode::kUnverified,
                "{}: was made from {} entries of evidence, of which {} are there now: the log was "
                "put back to an older state",
                layout.catalog().string(), to_do, log->size());
  }
  ASSIGN_OR_RETURN(wire::Carried carried, log->ReadCarried());
  Check check(layout, options, std::move(catalog), scratch, std::move(carried),
              log->removed_until());
  RETURN_IF_ERROR(check.Begin());
  RETURN_IF_ERROR(
      log->ForEach(0, [&](std::uint64_t index, std::span<const std::byte> entry) -> Result<> {
        const Result<> wanted = progress ? progress(std::min(index, to_do), to_do) : Result<>();
        return wanted ? check.Take(index, entry) : wanted;
      }));
  return check.Finish();
}

}  // namespace spoor::ingest
