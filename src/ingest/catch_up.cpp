// SPDX-License-Identifier: Apache-2.0
#include "ingest/catch_up.hpp"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <thread>

#include "base/inside.hpp"
#include "evidence/log.hpp"
#include "evidence/named_key.hpp"
#include "ingest/derived_files.hpp"
#include "ingest/recording_ingest.hpp"
#include "ingest/removal_gap.hpp"
#include "store/catalog.hpp"
#include "store/catalog_check.hpp"
#include "store/held_catalog.hpp"
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

/// Whether somebody holds `folder` alone.
bool IsHeld(const StoreLayout& layout, const std::filesystem::path& folder) {
  auto opened = OpenInside(layout.root, folder, O_RDONLY | O_DIRECTORY);
  if (!opened) return false;
  const auto lock = FileLock::Lock(*std::move(opened), folder, FileLock::Mode::kTryShared);
  return !lock && lock.error().code == ErrorCode::kUnavailable;
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
        removed_until_(removed_until),
        collected_(catalog_.collected) {
    for (const store::IngestedRecording& recording : catalog_.recordings) {
      if (recording.first_entry < removed_until_) {
        forgotten_.insert(recording.recording_id);
      } else if (!recording.provisional) {
        done_before_.insert(recording.recording_id);
      } else if (recording.state) {
        paused_.emplace(recording.recording_id, recording);
      }
    }
    for (const wire::CarriedRecording& recording : carried.recordings) {
      carried_.emplace(recording.recording_id, recording);
    }
  }

  /// The digest of an entry of the log: what a state claims to come after is looked up by it.
  using DigestOfEntry = std::function<Result<wire::Sha256>(std::uint64_t)>;
  void LookUpBy(DigestOfEntry digest_of_entry) { digest_of_entry_ = std::move(digest_of_entry); }

  /// Where to read from: open recordings without a state are read again.
  std::uint64_t first_entry() const {
    std::uint64_t first = catalog_.next_entry;
    for (const store::IngestedRecording& recording : catalog_.recordings) {
      const bool again = recording.provisional && !recording.state;
      const bool cut = recording.first_entry < removed_until_;
      if (again || cut) first = std::min(first, recording.first_entry);
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
    if (done_.contains(id) || anew_.contains(id)) return {};
    if (paused_.contains(id) && index < catalog_.next_entry) return {};
    std::unique_ptr<RecordingIngest>& recording = open_[id];
    if (recording == nullptr) {
      ASSIGN_OR_RETURN(recording, Open(id, *batch, index));
      if (recording == nullptr) return {};
    }
    const auto taken = recording->Take(*batch, index, wire::DigestOf(entry), entry.size());
    if (!taken) return AnewOrFail(id, taken.error());
    if (!recording->closed()) return {};
    if (const auto ended = End(*recording, false); !ended) return AnewOrFail(id, ended.error());
    done_.insert(id);
    closed_.push_back({recording->first_entry(), recording->last_entry(), recording->beside()});
    open_.erase(id);
    return {};
  }

  /// Segments that no catalog names any more once this run has published its own.
  void Supersede(std::vector<std::string> files) { superseded_ = std::move(files); }

  /// Recordings that must be ingested from their first entries: they were done and there was more
  /// of them, or their state is not to be believed (then with what to tell).
  std::map<std::string, std::string> Anew() const {
    std::map<std::string, std::string> anew = anew_;
    for (const std::string& id : continued_) anew.try_emplace(id);
    return anew;
  }

  /// `size`: entries of the log. Publishes the new catalog.
  Result<CatchUpSummary> Finish(std::uint64_t size, bool has_writer) {
    std::map<std::string, Extent> extents;
    for (const auto& [id, recording] : open_) {
      if (recording == nullptr) continue;
      extents[id] = {recording->first_entry(), recording->last_entry()};
    }
    for (const auto& [id, recording] : paused_) {
      if (!done_.contains(id) && !anew_.contains(id)) {
        extents.try_emplace(id, Extent{recording.first_entry, recording.last_entry});
      }
    }
    const std::set<std::string> together = WrittenWithTheNewest(extents);
    const bool is_written = has_writer && WroteTheLast(together, extents, size);
    std::set<std::string> going_on;
    for (const auto& [id, extent] : extents) {
      const auto open = open_.find(id);
      const bool is_open = open != open_.end();
      const bool is_import = is_open && open->second->import();
      // Of a collector's log: any sensor may deliver more, whenever the collector runs again. A
      // capture has no state, so that one of which nothing came is not read again in vain.
      const bool came = is_open && open->second->captured() && extent.last_entry >= next_entry();
      if ((collected_ && (!is_import || came)) || (is_written && together.contains(id))) {
        going_on.insert(id);
      } else if (!is_open) {
        ASSIGN_OR_RETURN(open_[id], Continue(id));  // to end it
      }
    }
    return FinishKnowing(size, going_on);
  }

  /// As Finish, where the log goes on behind `size`: all that is open may go on there.
  Result<CatchUpSummary> FinishForNow(std::uint64_t size) {
    std::set<std::string> going_on;
    for (const auto& [id, recording] : open_) going_on.insert(id);
    return FinishKnowing(size, going_on);
  }

  /// Whether a catch-up that ends at `size` need not read again what it has read.
  bool MayEndAt(std::uint64_t size) const {
    return size >= catalog_.next_entry &&
           std::none_of(open_.begin(), open_.end(), [](const auto& open) {
             return open.second != nullptr && open.second->import();
           });
  }

  /// As Finish, when it is known which recordings go on.
  Result<CatchUpSummary> FinishKnowing(std::uint64_t size, const std::set<std::string>& going_on) {
    for (const auto& [id, recording] : open_) {
      if (recording == nullptr) continue;
      const bool pauses = going_on.contains(id) && options_.pauses;
      // Of what a collector received, it says itself what is missing.
      const bool ends_known = collected_ && recording->captured();
      const auto ended =
          pauses ? Pause(*recording) : End(*recording, !going_on.contains(id), ends_known);
      if (!ended) RETURN_IF_ERROR(AnewOrFail(id, ended.error()));
    }
    if (!Anew().empty()) return CatchUpSummary{};
    CatchUpSummary summary{.entry_count = size - first_entry(), .event_count = event_count_};
    RETURN_IF_ERROR(Publish(size));
    return summary;
  }

  /// Removes the files that no catalog names.
  void Discard() {
    for (const auto& [id, recording] : open_) {
      if (recording != nullptr) RemoveAll(recording->made_files());
    }
    RemoveAll(made_files_);
  }

 private:
  struct Extent {
    std::uint64_t first_entry = 0, last_entry = 0;
  };

  /// A recording that ended in this run.
  struct Closed {
    std::uint64_t first_entry = 0, last_entry = 0;
    std::string beside;
  };

  std::uint64_t next_entry() const { return catalog_.next_entry; }

  /// One writes at a time, but may write several recordings, a sensor's and those of captures: of
  /// those that are open, the newest, what is mixed with it, and what it says it runs beside.
  std::set<std::string> WrittenWithTheNewest(const std::map<std::string, Extent>& extents) const {
    const auto newest = std::ranges::max_element(
        extents, {}, [](const auto& extent) { return extent.second.first_entry; });
    if (newest == extents.end()) return {};
    std::set<std::string> together{newest->first};
    const auto open = open_.find(newest->first);
    const std::string beside = open == open_.end() ? std::string() : open->second->beside();
    for (const auto& [id, extent] : extents) {
      if (id == beside || extent.last_entry > newest->second.first_entry) together.insert(id);
    }
    return together;
  }

  /// Whether who writes `together` wrote the last of `size` entries; it may have closed a recording
  /// with it.
  bool WroteTheLast(const std::set<std::string>& together,
                    const std::map<std::string, Extent>& extents, std::uint64_t size) const {
    return std::ranges::any_of(together, [&](const std::string& id) {
      const Extent& extent = extents.at(id);
      return extent.last_entry + 1 == size ||
             std::ranges::any_of(closed_, [&](const Closed& closed) {
               const bool is_mixed = closed.first_entry < extent.last_entry;
               return closed.last_entry + 1 == size && (is_mixed || closed.beside == id);
             });
    });
  }

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
    for (const store::Segment& segment : written) {
      made_files_.push_back(layout_.segments() / segment.file);
    }
    ended_.push_back({.recording_id = std::string(kRemovalRecordingId),
                      .first_entry = removal_->entry,
                      .last_entry = removal_->entry,
                      .provisional = false,
                      .event_count = 0});
    return {};
  }

  /// Null: it must be ingested anew.
  Result<std::unique_ptr<RecordingIngest>> Open(const std::string& id, const wire::Batch& batch,
                                                std::uint64_t index) {
    if (paused_.contains(id)) return Continue(id);
    ASSIGN_OR_RETURN(std::unique_ptr<RecordingIngest> recording,
                     RecordingIngest::Begin(layout_, options_, batch.recording_id,
                                            catalog_.generation + 1, index));
    const auto before = carried_.find(batch.recording_id);
    if (batch.batch_index > 0 && before != carried_.end()) {
      RETURN_IF_ERROR(recording->Resume(before->second));
    }
    return recording;
  }

  Result<std::unique_ptr<RecordingIngest>> Continue(const std::string& id) {
    const store::IngestedRecording& paused = paused_.at(id);
    std::vector<store::Segment> segments;
    for (const store::Segment& segment : catalog_.segments) {
      if (segment.recording_id == id) segments.push_back(segment);
    }
    auto recording =
        RecordingIngest::Continue(layout_, options_, paused, segments, catalog_.generation + 1);
    if (!recording) {
      RETURN_IF_ERROR(AnewOrFail(id, recording.error()));
      return std::unique_ptr<RecordingIngest>();
    }
    ASSIGN_OR_RETURN(const wire::Sha256 sha256, digest_of_entry_(paused.last_entry));
    if (sha256 != (*recording)->last_sha256()) {
      anew_.emplace(id, fmt::format("the state of recording {} is of other evidence", id));
      return std::unique_ptr<RecordingIngest>();
    }
    return *std::move(recording);
  }

  /// What a paused recording stands on was damaged, or made up: it is ingested from its beginning.
  Result<> AnewOrFail(const std::string& id, const Error& error) {
    const bool state_is_bad = paused_.contains(id) && (error.code == ErrorCode::kCorrupt ||
                                                       error.code == ErrorCode::kNotFound);
    if (!state_is_bad) return tl::unexpected<Error>(error);
    anew_.emplace(id, error.message);
    return {};
  }

  Result<> Pause(RecordingIngest& recording) {
    RETURN_IF_ERROR(recording.Pause());
    Ended(recording, true);
    return {};
  }

  /// `over`: nothing more will come; `quietly`: which is no reason for a gap.
  Result<> End(RecordingIngest& recording, bool over, bool quietly = false) {
    RETURN_IF_ERROR(recording.End(over && !quietly));
    Ended(recording, !recording.closed() && !over);
    return {};
  }

  void Ended(RecordingIngest& recording, bool provisional) {
    ended_.push_back(recording.Description(provisional));
    event_count_ += recording.event_count();
    if (const auto paused = paused_.find(recording.recording_id()); paused != paused_.end()) {
      event_count_ -= std::min(event_count_, paused->second.event_count);
    }
    segments_.insert(segments_.end(), recording.segments().begin(), recording.segments().end());
    made_files_.insert(made_files_.end(), recording.made_files().begin(),
                       recording.made_files().end());
  }

  Result<> Publish(std::uint64_t size) {
    RETURN_IF_ERROR(AddRemovalGap());
    const std::set<std::string> held = store::FilesHeldByReaders(layout_);
    const auto replaced = [&](const std::string& id) {
      // What came from removed entries cannot be derived again: it goes with them.
      return forgotten_.contains(id) ||
             std::any_of(ended_.begin(), ended_.end(),
                         [&](const auto& ended) { return ended.recording_id == id; });
    };
    store::Catalog next;
    next.generation = catalog_.generation + 1;
    next.next_entry = size;
    next.collected = collected_;
    std::set<std::string> live;
    for (const store::Segment& segment : segments_) live.insert(segment.file);
    for (const store::IngestedRecording& recording : catalog_.recordings) {
      if (!replaced(recording.recording_id)) next.recordings.push_back(recording);
    }
    next.recordings.insert(next.recordings.end(), ended_.begin(), ended_.end());
    for (const store::Segment& segment : catalog_.segments) {
      if (replaced(segment.recording_id)) {
        if (!live.contains(segment.file)) next.retired.push_back(segment.file);
      } else {
        next.segments.push_back(segment);
      }
    }
    next.segments.insert(next.segments.end(), segments_.begin(), segments_.end());
    next.retired.insert(next.retired.end(), superseded_.begin(), superseded_.end());
    std::vector<std::string> unheld;
    for (const std::string& file : catalog_.retired) {
      (held.contains(file) ? next.retired : unheld).push_back(file);
    }
    store::KeepCatalog(layout_);
    RETURN_IF_ERROR(store::SaveCatalog(layout_, next));
    for (const std::string& file : unheld) Remove(file);
    // Open segments that were made and merged in this run have no name in any catalog.
    for (const std::filesystem::path& file : made_files_) {
      const std::filesystem::path name = file.lexically_relative(layout_.segments());
      if (*name.begin() != ".." && !live.contains(name.string())) Remove(name.string());
    }
    RemoveOldStates(next);
    return {};
  }

  /// Those that the catalog does not name, whoever left them.
  void RemoveOldStates(const store::Catalog& catalog) const {
    constexpr std::size_t kStatesMax = 1'000'000;
    std::set<std::string> named;
    for (const store::IngestedRecording& recording : catalog.recordings) {
      if (!recording.state) continue;
      named.insert(store::StateFileName(recording.recording_id, recording.state->generation));
    }
    const auto names = ListInside(layout_.root, layout_.ingest_state(), kStatesMax);
    if (!names) return;
    for (const std::string& name : *names) {
      if (store::IsStateFileName(name) && !named.contains(name)) {
        (void)RemoveInside(layout_.root, layout_.ingest_state() / name);
      }
    }
  }

  void RemoveAll(const std::vector<std::filesystem::path>& files) const {
    for (const std::filesystem::path& file : files) (void)RemoveInside(layout_.root, file);
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
  std::vector<Closed> closed_;
  std::set<std::string> forgotten_;  ///< recordings that began in the removed entries
  std::map<std::string, store::IngestedRecording> paused_;  ///< in catalog_, with their state
  std::map<wire::RecordingId, wire::CarriedRecording> carried_;
  std::map<std::string, std::unique_ptr<RecordingIngest>> open_;
  std::vector<store::IngestedRecording> ended_;
  std::vector<store::Segment> segments_;  ///< of the recordings that ended_ names
  std::vector<std::filesystem::path> made_files_;
  std::vector<std::string> superseded_;
  std::uint64_t event_count_ = 0;
  std::set<std::string> continued_;
  std::map<std::string, std::string> anew_;  ///< with what to tell
  DigestOfEntry digest_of_entry_;
  std::optional<wire::RemovedBeginning> removal_;  ///< as the newest entry says
  bool collected_;                                 ///< a collector's account is among what was read
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
  // What a collector gathered may go on whoever writes; but not an import, which has no state.
  const bool open =
      std::any_of(catalog.recordings.begin(), catalog.recordings.end(), [&](const auto& recording) {
        return recording.provisional && !(catalog.collected && recording.state);
      });
  return catalog.generation > 0 && catalog.next_entry >= log.size() && (has_writer || !open);
}

/// When the tables are of another schema version: says of which, and lets all be ingested again.
std::optional<int> ForgetEarlierSchema(store::Catalog& catalog) {
  if (catalog.schema_version == schema::kSchemaVersion) return std::nullopt;
  catalog.next_entry = 0;
  for (store::IngestedRecording& recording : catalog.recordings) {
    recording.provisional = true;
    recording.state.reset();
  }
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

Result<wire::Sha256> DigestOfEntry(evidence::LogReader& log, std::uint64_t index) {
  std::optional<wire::Sha256> sha256;
  const auto read = log.ForEach(index, [&](std::uint64_t, std::span<const std::byte> entry) {
    sha256 = wire::DigestOf(entry);
    return Result<>(Fail(ErrorCode::kInvalidArgument, "read enough"));
  });
  if (!sha256 && !read) return tl::unexpected<Error>(read.error());
  return sha256.value_or(wire::Sha256{});
}

/// Brings `catalog` up to what `log` has and publishes it. `superseded`: segments that no catalog
/// names from then on.
Result<CatchUpSummary> Ingest(const StoreLayout& layout, const CatchUpOptions& options,
                              const CatchUpProgress& progress, evidence::LogReader& log,
                              bool has_writer, store::Catalog catalog,
                              std::vector<std::string> superseded) {
  const std::uint64_t size = log.size();
  ASSIGN_OR_RETURN(const wire::Carried carried, log.ReadCarried());
  std::vector<std::string> not_continued;
  for (;;) {
    Run run(layout, options, catalog, carried, log.removed_until());
    run.Supersede(superseded);
    run.LookUpBy([&](std::uint64_t index) { return DigestOfEntry(log, index); });
    const std::uint64_t first = run.first_entry();
    std::uint64_t read_bytes = 0, end = size;
    auto result =
        log.ForEach(first, [&](std::uint64_t index, std::span<const std::byte> entry) -> Result<> {
          if (progress && index % kEntriesBetweenProgress == 0)
            progress(index - first, size - first);
          if (options.cancelled && options.cancelled()) {
            return Fail(ErrorCode::kUnavailable, "cancelled");
          }
          RETURN_IF_ERROR(run.Take(index, entry));
          read_bytes += entry.size();
          const bool enough = index + 1 < size && options.enough && options.enough(read_bytes) &&
                              run.MayEndAt(index + 1);
          if (!enough) return {};
          end = index + 1;
          return Fail(ErrorCode::kUnavailable, "read enough");
        });
    if (end < size) result = {};
    Result<CatchUpSummary> summary;
    if (result && run.Anew().empty()) {
      summary = end < size ? run.FinishForNow(end) : run.Finish(size, has_writer);
      if (!summary) result = tl::unexpected<Error>(summary.error());
    }
    if (const auto anew = run.Anew(); result && !anew.empty()) {
      run.Discard();
      for (store::IngestedRecording& recording : catalog.recordings) {
        const auto found = anew.find(recording.recording_id);
        if (found == anew.end()) continue;
        recording.provisional = true;
        recording.state.reset();
        if (!found->second.empty()) not_continued.push_back(found->second);
      }
      continue;
    }
    if (!result) {
      run.Discard();
      return tl::unexpected<Error>(result.error());
    }
    summary->not_continued = std::move(not_continued);
    summary->more = end < size;
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
  return IsHeld(layout, layout.evidence());  // where it cannot be opened its reader says why
}

Result<FileLock> BecomeResident(const StoreLayout& layout) {
  RETURN_IF_ERROR(CreateFoldersInside(layout.root, layout.ingest_state()));
  ASSIGN_OR_RETURN(FileDescriptor folder,
                   OpenInside(layout.root, layout.ingest_state(), O_RDONLY | O_DIRECTORY));
  return FileLock::Lock(std::move(folder), layout.ingest_state(), FileLock::Mode::kTry);
}

bool HasResident(const StoreLayout& layout) {
  return IsHeld(layout, layout.ingest_state());
}

Result<> AwaitResident(const StoreLayout& layout, std::chrono::milliseconds time_max) {
  constexpr std::chrono::milliseconds kLookInterval{20};
  const auto deadline = std::chrono::steady_clock::now() + time_max;
  ASSIGN_OR_RETURN(const EntryRange left, NotIngested(layout));
  for (EntryRange now = left; now.begin < left.end;) {
    if (!HasResident(layout)) {
      return Fail(ErrorCode::kUnavailable, "who was to ingest them has ended");
    }
    if (std::chrono::steady_clock::now() > deadline) {
      return Fail(ErrorCode::kUnavailable, "spoor serve, which ingests, has not come to them yet");
    }
    std::this_thread::sleep_for(kLookInterval);
    ASSIGN_OR_RETURN(now, NotIngested(layout));
  }
  return {};
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
  std::set<std::string> superseded = store::FilesHeldByReaders(layout);
  if (old) {
    for (const store::Segment& segment : old->segments) superseded.insert(segment.file);
  }
  RebuildSummary summary;
  ASSIGN_OR_RETURN(summary.made, Ingest(layout, options, progress, *log, has_writer,
                                        std::move(none), {superseded.begin(), superseded.end()}));
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
  CatchUpOptions in_one_go = options;
  in_one_go.pauses = false;
  Run run(layout, in_one_go, store::Catalog{}, origin.carried, 0);
  std::uint64_t size = 0;
  RETURN_IF_ERROR(feed([&](std::uint64_t index, std::span<const std::byte> entry) {
    size = index + 1;
    return run.Take(index, entry);
  }));
  return run.FinishKnowing(size, origin.open_recordings);
}

}  // namespace spoor::ingest
