// SPDX-License-Identifier: Apache-2.0
#include "ingest/catch_up.hpp"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <system_error>

#include "base/inside.hpp"
#include "evidence/log.hpp"
#include "evidence/named_key.hpp"
#include "ingest/derived_files.hpp"
#include "ingest/recording_ingest.hpp"
#include "ingest/removal_gap.hpp"
#include "store/catalog.hpp"
#include "wire/batch.hpp"
#include "wire/batch_sealer.hpp"
#include "wire/removed_beginning.hpp"

namespace spoor::ingest {
namespace {

constexpr std::uint64_t kEntriesBetweenProgress = 16;

Result<std::unique_ptr<evidence::LogReader>> OpenLog(const StoreLayout& layout) {
  auto key = evidence::ReadPublicKey(layout);
  if (!key && key.error().code == ErrorCode::kNotFound) {
    return Fail(ErrorCode::kNotFound, "{}: no store there (it has no {})", layout.root.string(),
                layout.public_key().lexically_relative(layout.root).string());
  }
  if (!key) return tl::unexpected<Error>(key.error());
  return evidence::LogReader::Open(layout.evidence(), *key);
}

/// One ingests at a time.
Result<FileLock> LockForIngest(const StoreLayout& layout, FileLock::Mode mode) {
  ASSIGN_OR_RETURN(FileDescriptor file,
                   OpenInside(layout.root, layout.ingest_lock(), O_RDWR | O_CREAT));
  return FileLock::Lock(std::move(file), layout.ingest_lock(), mode);
}

/// Held while the tables are made again.
Result<FileLock> LockSegments(const StoreLayout& layout, FileLock::Mode mode) {
  ASSIGN_OR_RETURN(FileDescriptor folder,
                   OpenInside(layout.root, layout.segments(), O_RDONLY | O_DIRECTORY));
  return FileLock::Lock(std::move(folder), layout.segments(), mode);
}

/// One catch-up: reads entries, leads each to its recording.
class Run {
 public:
  /// `carried`: over from the removed beginning of the log, its first `removed_until` entries.
  Run(const StoreLayout& layout, const CatchUpOptions& options, store::Catalog catalog,
      const wire::Carried& carried, std::uint64_t removed_until)
      : layout_(layout),
        options_(options),
        catalog_(std::move(catalog)),
        removed_until_(removed_until) {
    for (const store::IngestedRecording& recording : catalog_.recordings) {
      if (recording.first_entry < removed_until_) {
        forgotten_.insert(recording.recording_id);
      } else if (!recording.provisional) {
        done_before_.insert(recording.recording_id);
      }
    }
    for (const wire::CarriedRecording& recording : carried.recordings) {
      carried_.emplace(recording.recording_id, recording);
    }
  }

  /// Where to read from: the open recordings are read again.
  std::uint64_t first_entry() const {
    std::uint64_t first = catalog_.next_entry;
    for (const store::IngestedRecording& recording : catalog_.recordings) {
      const bool cut = recording.first_entry < removed_until_;
      if (recording.provisional || cut) first = std::min(first, recording.first_entry);
    }
    return std::max(first, removed_until_);
  }

  Result<> Take(std::uint64_t index, std::span<const std::byte> entry) {
    auto batch = wire::DecodeBatch(entry);
    if (!batch) {
      return Fail(batch.error().code, "evidence entry {}: {}", index, batch.error().message);
    }
    if (batch->kind == wire::BatchKind::kCollected) collected_ = true;
    if (batch->kind == wire::BatchKind::kRetention) TakeRetention(index, *batch);
    if (!wire::IsOfRecording(batch->kind)) return {};
    const std::string id = wire::FormatRecordingId(batch->recording_id);
    if (done_before_.contains(id)) {
      // An import can bring more of a recording that was taken to be over.
      if (index >= catalog_.next_entry) continued_.insert(id);
      return {};
    }
    if (done_.contains(id)) return {};
    std::unique_ptr<RecordingIngest>& recording = open_[id];
    if (recording == nullptr) {
      ASSIGN_OR_RETURN(recording, RecordingIngest::Begin(layout_, options_, batch->recording_id,
                                                         catalog_.generation + 1, index));
      const auto before = carried_.find(batch->recording_id);
      if (batch->batch_index > 0 && before != carried_.end()) {
        RETURN_IF_ERROR(recording->Resume(before->second));
      }
    }
    RETURN_IF_ERROR(recording->Take(*batch, index, wire::DigestOf(entry), entry.size()));
    if (!recording->closed()) return {};
    RETURN_IF_ERROR(End(*recording, false));
    done_.insert(id);
    open_.erase(id);
    return {};
  }

  /// Segments that no catalog names any more once this run has published its own.
  void Supersede(std::vector<std::string> files) { superseded_ = std::move(files); }

  /// Recordings that were done, and of which there was more: they must be ingested anew.
  const std::set<std::string>& continued() const { return continued_; }

  /// `size`: entries of the log. Publishes the new catalog.
  Result<CatchUpSummary> Finish(std::uint64_t size, bool has_writer) {
    // One writer at a time: of the open recordings only the newest can go on. Not so where a
    // collector gathered them: any sensor may deliver more, whenever the collector runs again.
    const RecordingIngest* newest = nullptr;
    for (const auto& [id, recording] : open_) {
      if (newest == nullptr || recording->first_entry() > newest->first_entry()) {
        newest = recording.get();
      }
    }
    std::set<std::string> going_on;
    for (const auto& [id, recording] : open_) {
      const bool goes_on = collected_ || (recording.get() == newest && has_writer &&
                                          recording->last_entry() + 1 == size);
      if (goes_on) going_on.insert(id);
    }
    return FinishKnowing(size, going_on);
  }

  /// As Finish, when it is known which recordings go on.
  Result<CatchUpSummary> FinishKnowing(std::uint64_t size, const std::set<std::string>& going_on) {
    for (const auto& [id, recording] : open_) {
      RETURN_IF_ERROR(End(*recording, !going_on.contains(id)));
    }
    CatchUpSummary summary{.entry_count = size - first_entry(), .event_count = event_count_};
    RETURN_IF_ERROR(Publish(size));
    return summary;
  }

  /// Removes the files that no catalog names.
  void Discard() {
    for (const store::Segment& segment : segments_) Remove(segment.file);
    for (const auto& [id, recording] : open_) {
      if (recording == nullptr) continue;
      for (const store::Segment& segment : recording->segments()) Remove(segment.file);
    }
  }

 private:
  /// The newest says all that the ones before it said.
  void TakeRetention(std::uint64_t index, const wire::Batch& batch) {
    auto retention = wire::ParseRetention(AsText(batch.payload));
    if (!retention) return;  // the log's reader says so when it needs it
    removal_ =
        wire::RemovedBeginning{.retention = *std::move(retention), .carried = {}, .entry = index};
  }

  Result<> AddRemovalGap() {
    if (!removal_) return {};
    ASSIGN_OR_RETURN(
        const std::vector<store::Segment> written,
        WriteRemovalGap(layout_, removal_->retention, removal_->entry, catalog_.generation + 1));
    segments_.insert(segments_.end(), written.begin(), written.end());
    ended_.push_back({.recording_id = std::string(kRemovalRecordingId),
                      .first_entry = removal_->entry,
                      .last_entry = removal_->entry,
                      .provisional = false,
                      .event_count = 0});
    return {};
  }

  Result<> End(RecordingIngest& recording, bool over) {
    RETURN_IF_ERROR(recording.End(over));
    event_count_ += recording.event_count();
    ended_.push_back({.recording_id = recording.recording_id(),
                      .first_entry = recording.first_entry(),
                      .last_entry = recording.last_entry(),
                      .provisional = !recording.closed() && !over,
                      .event_count = recording.event_count()});
    segments_.insert(segments_.end(), recording.segments().begin(), recording.segments().end());
    recording.segments().clear();
    return {};
  }

  Result<> Publish(std::uint64_t size) {
    RETURN_IF_ERROR(AddRemovalGap());
    const auto replaced = [&](const std::string& id) {
      // What came from removed entries cannot be derived again: it goes with them.
      return forgotten_.contains(id) ||
             std::any_of(ended_.begin(), ended_.end(),
                         [&](const auto& ended) { return ended.recording_id == id; });
    };
    store::Catalog next;
    next.generation = catalog_.generation + 1;
    next.next_entry = size;
    for (const store::IngestedRecording& recording : catalog_.recordings) {
      if (!replaced(recording.recording_id)) next.recordings.push_back(recording);
    }
    next.recordings.insert(next.recordings.end(), ended_.begin(), ended_.end());
    for (const store::Segment& segment : catalog_.segments) {
      if (replaced(segment.recording_id)) {
        next.retired.push_back(segment.file);
      } else {
        next.segments.push_back(segment);
      }
    }
    next.segments.insert(next.segments.end(), segments_.begin(), segments_.end());
    next.retired.insert(next.retired.end(), superseded_.begin(), superseded_.end());
    RETURN_IF_ERROR(store::SaveCatalog(layout_, next));
    for (const std::string& file : catalog_.retired) Remove(file);
    return {};
  }

  void Remove(const std::string& file) const {
    // A file that stays takes room, nothing else.
    (void)RemoveInside(layout_.root, layout_.segments() / file);
  }

  const StoreLayout& layout_;
  const CatchUpOptions& options_;
  store::Catalog catalog_;
  const std::uint64_t removed_until_;
  std::set<std::string> done_before_;  ///< in catalog_
  std::set<std::string> done_;         ///< in this run
  std::set<std::string> forgotten_;    ///< recordings that began in the removed entries
  std::map<wire::RecordingId, wire::CarriedRecording> carried_;
  std::map<std::string, std::unique_ptr<RecordingIngest>> open_;
  std::vector<store::IngestedRecording> ended_;
  std::vector<store::Segment> segments_;
  std::vector<std::string> superseded_;
  std::uint64_t event_count_ = 0;
  std::set<std::string> continued_;
  std::optional<wire::RemovedBeginning> removal_;  ///< as the newest entry says
  bool collected_ = false;                         ///< a collector's account is among what was read
};

/// An empty catalog where there is none yet.
Result<store::Catalog> LoadCatalogOrNone(const StoreLayout& layout) {
  auto catalog = store::LoadCatalog(layout);
  if (!catalog && catalog.error().code == ErrorCode::kNotFound) return store::Catalog{};
  return catalog;
}

/// Whether `catalog` shows all entries that are left of `log`, and no recording that it calls open
/// has lost its writer since.
bool IsUpToDate(const store::Catalog& catalog, const evidence::LogReader& log, bool has_writer) {
  if (catalog.schema_version != schema::kSchemaVersion) return false;
  const bool cut = std::any_of(
      catalog.recordings.begin(), catalog.recordings.end(),
      [&](const auto& recording) { return recording.first_entry < log.removed_until(); });
  if (cut) return false;
  const bool open = std::any_of(catalog.recordings.begin(), catalog.recordings.end(),
                                [](const auto& recording) { return recording.provisional; });
  return catalog.generation > 0 && catalog.next_entry >= log.size() && (has_writer || !open);
}

/// When the tables are of another schema version: says of which, and lets all be ingested again.
std::optional<int> ForgetEarlierSchema(store::Catalog& catalog) {
  if (catalog.schema_version == schema::kSchemaVersion) return std::nullopt;
  catalog.next_entry = 0;
  for (store::IngestedRecording& recording : catalog.recordings) recording.provisional = true;
  return catalog.schema_version;
}

/// The lock of whoever ingests.
Result<FileLock> LockForCatchUp(const StoreLayout& layout, const CatchUpOptions& options) {
  if (!options.wait_for_rebuild && ExistsInside(layout.root, layout.catalog())) {
    Result<FileLock> lock = LockForIngest(layout, FileLock::Mode::kTry);
    if (lock || lock.error().code != ErrorCode::kUnavailable) return lock;
    const Result<FileLock> sign = LockSegments(layout, FileLock::Mode::kTry);
    if (!sign && sign.error().code == ErrorCode::kUnavailable) {
      return Fail(ErrorCode::kUnavailable, "{}: spoor rebuild makes the tables again",
                  layout.root.string());
    }
  }
  return LockForIngest(layout, FileLock::Mode::kWait);
}

/// Brings `catalog` up to what `log` has and publishes it. `superseded`: segments that no catalog
/// names from then on.
Result<CatchUpSummary> Ingest(const StoreLayout& layout, const CatchUpOptions& options,
                              const CatchUpProgress& progress, evidence::LogReader& log,
                              bool has_writer, store::Catalog catalog,
                              std::vector<std::string> superseded) {
  const std::uint64_t size = log.size();
  ASSIGN_OR_RETURN(const wire::Carried carried, log.ReadCarried());
  for (;;) {
    Run run(layout, options, catalog, carried, log.removed_until());
    run.Supersede(superseded);
    const std::uint64_t first = run.first_entry();
    auto result =
        log.ForEach(first, [&](std::uint64_t index, std::span<const std::byte> entry) -> Result<> {
          if (progress && index % kEntriesBetweenProgress == 0)
            progress(index - first, size - first);
          return run.Take(index, entry);
        });
    if (result && !run.continued().empty()) {
      run.Discard();
      for (store::IngestedRecording& recording : catalog.recordings) {
        if (run.continued().contains(recording.recording_id)) recording.provisional = true;
      }
      continue;
    }
    Result<CatchUpSummary> summary;
    if (result) {
      summary = run.Finish(size, has_writer);
      if (!summary) result = tl::unexpected<Error>(summary.error());
    }
    if (!result) {
      run.Discard();
      return tl::unexpected<Error>(result.error());
    }
    return summary;
  }
}

/// Removes the segments that the catalog does not name any more, which ended runs left, and what
/// was derived from segments, and lists what is not ours.
Result<> RemoveUnnamed(const StoreLayout& layout, std::vector<std::string>& strangers) {
  ASSIGN_OR_RETURN(const store::Catalog catalog, store::LoadCatalog(layout));
  std::set<std::string> named(catalog.retired.begin(), catalog.retired.end());
  for (const store::Segment& segment : catalog.segments) named.insert(segment.file);
  ASSIGN_OR_RETURN(DerivedFiles files, ListDerivedFiles(layout));
  for (const std::string& file : files.segments) {
    // A file that stays takes room, nothing else.
    if (!named.contains(file)) (void)RemoveInside(layout.root, layout.segments() / file);
  }
  for (const std::string& file : files.spills) {
    const std::filesystem::path path = layout.segments() / file;
    (void)RemoveInside(layout.root, path);
    (void)RemoveFolderInside(layout.root, path.parent_path());  // while it is empty
  }
  // Whoever asks next makes them again.
  for (const std::string& file : files.indexes) {
    (void)RemoveInside(layout.root, layout.index() / file);
  }
  strangers = std::move(files.strangers);
  return {};
}

}  // namespace

bool HasWriter(const StoreLayout& layout) {
  auto folder = OpenInside(layout.root, layout.evidence(), O_RDONLY | O_DIRECTORY);
  if (!folder) return false;  // the log's reader says why
  const auto lock = FileLock::Lock(*std::move(folder), layout.evidence(), FileLock::Mode::kTry);
  return !lock && lock.error().code == ErrorCode::kUnavailable;
}

Result<CatchUpSummary> CatchUp(const StoreLayout& layout, const CatchUpOptions& options,
                               const CatchUpProgress& progress) {
  {
    // Nothing to do needs no lock, and works where nothing may be written.
    const bool has_writer = HasWriter(layout);
    ASSIGN_OR_RETURN(const std::unique_ptr<evidence::LogReader> log, OpenLog(layout));
    ASSIGN_OR_RETURN(const store::Catalog catalog, LoadCatalogOrNone(layout));
    if (IsUpToDate(catalog, *log, has_writer)) return CatchUpSummary{};
  }
  ASSIGN_OR_RETURN(const FileLock lock, LockForCatchUp(layout, options));
  // Asked before the log is read: what is written after this moment is read next time.
  const bool has_writer = HasWriter(layout);
  ASSIGN_OR_RETURN(const std::unique_ptr<evidence::LogReader> log, OpenLog(layout));
  ASSIGN_OR_RETURN(store::Catalog catalog, LoadCatalogOrNone(layout));
  if (IsUpToDate(catalog, *log, has_writer)) return CatchUpSummary{};
  const std::optional<int> earlier = ForgetEarlierSchema(catalog);
  ASSIGN_OR_RETURN(CatchUpSummary summary,
                   Ingest(layout, options, progress, *log, has_writer, std::move(catalog), {}));
  summary.earlier_schema_version = earlier;
  return summary;
}

Result<RebuildSummary> Rebuild(const StoreLayout& layout, const CatchUpOptions& options,
                               const CatchUpProgress& progress) {
  ASSIGN_OR_RETURN([[maybe_unused]] const DerivedFiles checked, ListDerivedFiles(layout));
  ASSIGN_OR_RETURN(const FileLock lock, LockForIngest(layout, FileLock::Mode::kWait));
  RETURN_IF_ERROR(CreateFoldersInside(layout.root, layout.segments()));
  ASSIGN_OR_RETURN(const FileLock sign, LockSegments(layout, FileLock::Mode::kWait));
  const bool has_writer = HasWriter(layout);
  ASSIGN_OR_RETURN(const std::unique_ptr<evidence::LogReader> log, OpenLog(layout));
  ASSIGN_OR_RETURN(const DerivedFiles before, ListDerivedFiles(layout));
  // A catalog that cannot be read is one of the reasons to rebuild.
  const Result<store::Catalog> old = store::LoadCatalog(layout);
  if (!old && old.error().code == ErrorCode::kIo) return tl::unexpected<Error>(old.error());
  store::Catalog none;
  none.generation = std::max(before.generation_max, old ? old->generation : 0);
  std::vector<std::string> superseded;
  for (const store::Segment& segment : old ? old->segments : std::vector<store::Segment>()) {
    superseded.push_back(segment.file);
  }
  RebuildSummary summary;
  ASSIGN_OR_RETURN(summary.made, Ingest(layout, options, progress, *log, has_writer,
                                        std::move(none), std::move(superseded)));
  RETURN_IF_ERROR(RemoveUnnamed(layout, summary.strangers));
  return summary;
}

Result<EntryRange> NotIngested(const StoreLayout& layout) {
  ASSIGN_OR_RETURN(const std::unique_ptr<evidence::LogReader> log, OpenLog(layout));
  ASSIGN_OR_RETURN(const store::Catalog catalog, LoadCatalogOrNone(layout));
  const std::uint64_t begin = std::max(catalog.next_entry, log->removed_until());
  return EntryRange{begin, std::max(begin, log->size())};
}

Result<CatchUpSummary> IngestFrom(const EntryFeed& feed, const FeedOrigin& origin,
                                  const StoreLayout& layout, const CatchUpOptions& options) {
  Run run(layout, options, store::Catalog{}, origin.carried, 0);
  std::uint64_t size = 0;
  RETURN_IF_ERROR(feed([&](std::uint64_t index, std::span<const std::byte> entry) {
    size = index + 1;
    return run.Take(index, entry);
  }));
  return run.FinishKnowing(size, origin.open_recordings);
}

}  // namespace spoor::ingest
