// SPDX-License-Identifier: Apache-2.0
// Two passes: one over everything, for the age and size of each bundle and for which recordings go
// on; one over what goes, for how things stand where it ends. Then the log is told, and only when
// that is under a checkpoint are files removed, the first bundle first: its absence is what makes
// readers look for the retention entry.
#include "collector/retention.hpp"

#include <algorithm>
#include <map>

#include "base/file.hpp"
#include "base/time.hpp"
#include "collector/collected_record.hpp"
#include "evidence/removal.hpp"
#include "evidence/tree.hpp"
#include "wire/batch_chain.hpp"
#include "wire/batch_sealer.hpp"

namespace spoor::collector {
namespace {

using evidence::kTileWidth;

struct Bundle {
  std::uint64_t size_bytes = 0;
  std::int64_t wall_ns = 0;  ///< when the newest of its entries came
};

/// Ages and sizes by bundle, from the first that is there.
class Survey {
 public:
  explicit Survey(std::uint64_t first_bundle) : first_bundle_(first_bundle) {}

  Result<> Add(std::uint64_t index, std::span<const std::byte> entry) {
    ASSIGN_OR_RETURN(const wire::Batch batch, wire::DecodeBatch(entry));
    const std::size_t at = index / kTileWidth - first_bundle_;
    if (at >= bundles_.size()) bundles_.resize(at + 1);
    bundles_[at].size_bytes += 2 + entry.size();
    bundles_[at].wall_ns = std::max(bundles_[at].wall_ns, batch.wall_ns);
    if (wire::IsOfRecording(batch.kind)) {
      last_entries_[batch.recording_id] = index;
      return {};
    }
    // By our own clock: what came since the last such entry came before this one.
    for (; dated_until_ <= at; ++dated_until_) bundles_[dated_until_].wall_ns = batch.wall_ns;
    dated_until_ = at;
    if (wire::IsAccount(batch.kind)) last_entries_[batch.recording_id] = index;
    if (batch.kind == wire::BatchKind::kRetention) {
      ASSIGN_OR_RETURN(newest_, wire::ParseRetention(AsText(batch.payload)));
    }
    return {};
  }

  /// The first entry that the policy keeps.
  std::uint64_t CutFor(const RetentionPolicy& policy, std::uint64_t size) const {
    const std::size_t whole_count = size / kTileWidth - first_bundle_;
    std::uint64_t kept_bytes = 0;
    for (const Bundle& bundle : bundles_) kept_bytes += bundle.size_bytes;
    const std::int64_t cut_wall_ns = WallNow() - policy.keep_ns.value_or(0);
    std::size_t cut = 0;
    for (; cut < whole_count; ++cut) {
      const bool too_old = policy.keep_ns && bundles_[cut].wall_ns < cut_wall_ns;
      const bool too_much = policy.keep_bytes && kept_bytes > *policy.keep_bytes;
      if (!too_old && !too_much) break;
      kept_bytes -= bundles_[cut].size_bytes;
    }
    return (first_bundle_ + cut) * kTileWidth;
  }

  void Describe(RetentionPlan& plan) const {
    const std::size_t cut = plan.remove_until / kTileWidth - first_bundle_;
    for (std::size_t i = 0; i < bundles_.size(); ++i) {
      (i < cut ? plan.bundle_bytes : plan.kept_bytes) += bundles_[i].size_bytes;
    }
    if (cut < bundles_.size()) plan.first_kept_wall_ns = bundles_[cut].wall_ns;
  }

  /// Whether already the oldest bundle, dated by our own clock, is to stay: then so are all.
  bool KeepsAll(const RetentionPolicy& policy) const {
    return policy.keep_ns && !policy.keep_bytes && dated_until_ > 0 &&
           bundles_[0].wall_ns >= WallNow() - *policy.keep_ns;
  }

  const std::optional<wire::Retention>& newest() const { return newest_; }
  bool GoesOnAfter(std::uint64_t cut, const wire::RecordingId& id) const {
    const auto found = last_entries_.find(id);
    return found != last_entries_.end() && found->second >= cut;
  }

 private:
  std::uint64_t first_bundle_;
  std::vector<Bundle> bundles_;
  std::size_t dated_until_ = 0;
  std::map<wire::RecordingId, std::uint64_t> last_entries_;
  std::optional<wire::Retention> newest_;
};

/// How recordings and chains stand at the cut.
class StateAtCut {
 public:
  explicit StateAtCut(const wire::Carried& before) {
    for (const wire::CarriedRecording& recording : before.recordings) {
      recordings_.Continue(recording.recording_id, recording.extent, recording.last_sha256);
      first_batches_[recording.recording_id] = recording.first_batch;
    }
    for (const wire::CarriedChain& chain : before.chains) chains_[chain.chain_id] = chain;
  }

  Result<> Add(std::uint64_t index, std::span<const std::byte> entry) {
    RETURN_IF_ERROR(recordings_.Add(index, entry));
    const wire::Batch& batch = recordings_.last_batch();
    if (batch.kind == wire::BatchKind::kRecordingOpen) {
      first_batches_[batch.recording_id] = {entry.begin(), entry.end()};
    } else if (batch.kind == wire::BatchKind::kRecordingClose) {
      first_batches_.erase(batch.recording_id);
    } else if (batch.kind == wire::BatchKind::kCollected) {
      ASSIGN_OR_RETURN(const std::vector<CollectedRecord> records, ParseRecords(batch.payload));
      for (const CollectedRecord& record : records) RETURN_IF_ERROR(AddRecord(record));
    }
    return {};
  }

  /// What never goes on after a whole period is carried no further: it would be for ever.
  wire::Carried Carry(const Survey& survey, std::uint64_t cut, std::uint64_t cut_before) const {
    wire::Carried carried;
    for (const auto& [id, recording] : recordings_.recordings()) {
      const wire::RecordingExtent& extent = recording.extent;
      const bool may_go_on = !extent.is_account && extent.last_entry >= cut_before;
      if (extent.closed || (!survey.GoesOnAfter(cut, id) && !may_go_on)) continue;
      const auto first_batch = first_batches_.find(id);
      carried.recordings.push_back({.recording_id = id,
                                    .extent = extent,
                                    .last_sha256 = recording.last_sha256,
                                    .first_batch = first_batch == first_batches_.end()
                                                       ? std::vector<std::byte>()
                                                       : first_batch->second});
    }
    for (const auto& [id, chain] : chains_) carried.chains.push_back(chain);
    return carried;
  }

 private:
  Result<> AddRecord(const CollectedRecord& record) {
    if (record.verdict == Verdict::kRefused || record.verdict == Verdict::kMissing) return {};
    ASSIGN_OR_RETURN(const wire::FrameHeader header, wire::DecodeFrameHeader(record.head));
    wire::CarriedChain& chain = chains_[header.chain_id];
    chain.chain_id = header.chain_id;
    chain.sensor = record.sensor;
    chain.next_sequence = header.sequence + 1;
    chain.last_wall_ns = header.wall_ns;
    chain.last_sha256 = wire::DigestOf(header);
    if (record.verdict == Verdict::kOpened) chain.open_frame = record.head;
    if (record.verdict == Verdict::kClosed) {
      chain.closed = true;
      chain.open_frame.clear();
    }
    return {};
  }

  wire::BatchChain recordings_;
  std::map<wire::RecordingId, std::vector<std::byte>> first_batches_;
  std::map<wire::ChainId, wire::CarriedChain> chains_;
};

/// The oldest two become one, as often as needed.
void Shorten(std::vector<wire::Removal>& removals) {
  while (removals.size() > wire::kRemovalsMax) {
    const wire::Removal oldest = removals.front();
    removals.erase(removals.begin());
    removals.front().from_entry = oldest.from_entry;
    removals.front().bundle_bytes += oldest.bundle_bytes;
  }
}

}  // namespace

Result<RetentionPlan> PlanRetention(evidence::LogReader& log, const RetentionPolicy& policy,
                                    const std::string& by, const RetentionProgress& progress) {
  if (!policy.keep_ns && !policy.keep_bytes) {
    return Fail(ErrorCode::kInvalidArgument, "no policy: neither an age nor a size is to be kept");
  }
  RetentionPlan plan;
  plan.removed_until = log.removed_until();
  Survey survey(plan.removed_until / kTileWidth);
  bool keeps_all = false;
  const Result<> surveyed =
      log.ForEach(0, [&](std::uint64_t index, std::span<const std::byte> entry) -> Result<> {
        if (progress) progress(index, log.size());
        RETURN_IF_ERROR(survey.Add(index, entry));
        keeps_all = survey.KeepsAll(policy);
        if (keeps_all) return Fail(ErrorCode::kUnavailable, "enough was read");
        return {};
      });
  if (keeps_all) {
    // What a run that was ended left; by the reader's own count, for the newest entry was not read.
    plan.remove_until = plan.removed_until;
    plan.stated = true;
    return plan;
  }
  RETURN_IF_ERROR(surveyed);
  plan.remove_until = survey.CutFor(policy, log.size());
  if (survey.newest()) {
    plan.removals = survey.newest()->removals;
    plan.stated = survey.newest()->removed_until_entry >= plan.remove_until;
    plan.remove_until = std::max(plan.remove_until, survey.newest()->removed_until_entry);
  }
  survey.Describe(plan);
  if (plan.stated || plan.remove_until == plan.removed_until) return plan;

  ASSIGN_OR_RETURN(const wire::Carried before, log.ReadCarried());
  StateAtCut state(before);
  RETURN_IF_ERROR(
      log.ForEach(0, [&](std::uint64_t index, std::span<const std::byte> entry) -> Result<> {
        return index < plan.remove_until ? state.Add(index, entry) : Result<>();
      }));
  plan.carried = state.Carry(survey, plan.remove_until, plan.removed_until);
  ASSIGN_OR_RETURN(
      plan.root, evidence::RootOfFirst(plan.remove_until, [&](unsigned level, std::uint64_t index) {
        return log.Node(level, index);
      }));
  plan.removals.push_back(
      {.from_entry = plan.removals.empty() ? 0 : plan.removals.back().until_entry,
       .until_entry = plan.remove_until,
       .bundle_bytes = plan.bundle_bytes,
       .wall_ns = WallNow(),
       .policy = policy.text,
       .by = by});
  Shorten(plan.removals);
  return plan;
}

Result<std::uint64_t> CarryOutRetention(const RetentionPlan& plan, evidence::LogWriter& writer,
                                        const std::filesystem::path& folder) {
  if (plan.remove_until == 0) return 0;
  if (!plan.stated && plan.remove_until > plan.removed_until) {
    wire::BatchSealer sealer(
        wire::MakeRecordingId(), [&](const wire::DigestedBytes& batch) -> Result<> {
          ASSIGN_OR_RETURN([[maybe_unused]] const std::uint64_t index, writer.Append(batch.bytes));
          return {};
        });
    const auto seal = [&](wire::BatchKind kind, std::span<const std::byte> payload) {
      const std::uint64_t boot_ns = BootNow();
      return sealer.Seal(
          kind, payload,
          {.boot_ns = boot_ns, .wall_ns = WallNow(), .complete_until_boot_ns = boot_ns});
    };
    const std::vector<std::vector<std::byte>> payloads = wire::EncodeCarried(plan.carried);
    for (const std::vector<std::byte>& payload : payloads) {
      RETURN_IF_ERROR(seal(wire::BatchKind::kCarried, payload));
    }
    const std::string said = wire::RetentionJson({.removed_until_entry = plan.remove_until,
                                                  .root = plan.root,
                                                  .carried_count = payloads.size(),
                                                  .first_kept_wall_ns = plan.first_kept_wall_ns,
                                                  .removals = plan.removals});
    RETURN_IF_ERROR(seal(wire::BatchKind::kRetention, AsBytes(said)));
    RETURN_IF_ERROR(writer.Checkpoint());
  }
  return evidence::RemoveBundles(folder, plan.remove_until);
}

}  // namespace spoor::collector
