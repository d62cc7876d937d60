// SPDX-License-Identifier: Apache-2.0
// What was taken is in the evidence itself: each recording says which part of which file it holds,
// so that no other state has to be kept, nor can differ from it.
#include "analysis/follow_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <utility>

#include "base/exists.hpp"
#include "base/file.hpp"
#include "base/saturating.hpp"
#include "evidence/log.hpp"
#include "importers/kinds.hpp"
#include "store/sha256.hpp"

namespace spoor::analysis {
namespace {

constexpr std::size_t kReadBytes = 48 << 10;
constexpr std::size_t kSniffBytes = 4096;
constexpr std::size_t kBeginBytes = 256;
constexpr std::size_t kHeadBytesMax = 64 << 10;
constexpr std::size_t kLineBytesMax = 1 << 20;
constexpr std::uint64_t kRecordingBytesMax = 256 << 20;
constexpr int kPollMs = 200, kQuietPolls = 5;

/// A file, whatever its name is.
struct FileIdentity {
  std::uint64_t device = 0, inode = 0;
  auto operator<=>(const FileIdentity&) const = default;
};

struct Taken {
  std::uint64_t until_bytes = 0;
  std::uint64_t begin_bytes = 0;
  std::string begin_sha256;
};

Result<struct stat> StatOf(int file, const std::string& name) {
  struct stat found {};
  if (::fstat(file, &found) != 0) return FailErrno(errno, "{}: cannot be looked at", name);
  return found;
}

Result<std::string> ReadAt(int file, std::uint64_t offset, std::size_t size,
                           const std::string& name) {
  std::string bytes(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    const ssize_t got =
        ::pread(file, bytes.data() + have, size - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailErrno(errno, "{}: cannot read", name);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

std::string DigestOf(std::string_view bytes) {
  store::Sha256Stream digester;
  digester.Add(AsBytes(bytes));
  return digester.Finish();
}

class Follower {
 public:
  explicit Follower(const FollowFileOptions& options)
      : options_(options), path_(std::filesystem::absolute(options.file).string()) {}

  Result<> Run() {
    RETURN_IF_ERROR(LookUpTaken());
    ASSIGN_OR_RETURN(log_, evidence::LogWriter::Open({.folder = options_.layout.evidence(),
                                                      .key_file = options_.layout.private_key()}));
    const Result<> followed = Follow();
    // Whatever happened: what was taken is kept.
    RETURN_IF_ERROR(log_->Close());
    RETURN_IF_ERROR(followed);
    return IngestNewEvidence(options_.layout, options_.narration);
  }

 private:
  /// What earlier runs took, of each file that this name had.
  Result<> LookUpTaken() {
    ASSIGN_OR_RETURN(const bool is_there, Exists(options_.layout.evidence()));
    if (!is_there) return {};
    ASSIGN_OR_RETURN(const ReadableStore store,
                     OpenStoreForReading(options_.layout.root.string(), options_.narration));
    ASSIGN_OR_RETURN(
        const std::unique_ptr<store::RowReader> rows,
        store->Sql("SELECT r.description, CAST(coalesce(sum(b.payload_bytes), 0) AS BIGINT) "
                   "FROM recording AS r LEFT JOIN evidence_batch AS b "
                   "ON b.recording_id = r.recording_id AND b.kind = 'import_data' "
                   "WHERE r.kind = 'import' AND json_extract_string(r.description, '$.file') = $1 "
                   "AND json_exists(r.description, '$.followed') "
                   "GROUP BY r.recording_id, r.description",
                   {path_}));
    std::vector<store::Value> row;
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, rows->Next(row));
      if (!more) return {};
      ASSIGN_OR_RETURN(const ingest::ImportDescription description,
                       ingest::ParseImportDescription(std::get<std::string>(row[0])));
      if (!description.followed) continue;
      const ingest::FollowedPart& part = *description.followed;
      const std::uint64_t bytes = static_cast<std::uint64_t>(std::get<std::int64_t>(row[1]));
      const std::uint64_t until =
          SaturatingAdd(part.offset_bytes, bytes - std::min(bytes, part.head_bytes));
      Taken& taken = taken_[{part.device, part.inode}];
      if (until < taken.until_bytes) continue;
      taken = {until, part.begin_bytes, part.begin_sha256};
    }
  }

  Result<> Follow() {
    RETURN_IF_ERROR(TakeRotatedAway());
    for (;;) {
      if (!file_.valid()) RETURN_IF_ERROR(OpenLive());
      bool grew = false;
      if (file_.valid()) {
        ASSIGN_OR_RETURN(grew, TakeMore());
        // Who writes may go on for a moment with a file that was renamed.
        ASSIGN_OR_RETURN(const bool replaced, IsReplaced());
        quiet_polls_ = replaced && !grew ? quiet_polls_ + 1 : 0;
        if (quiet_polls_ > kQuietPolls) {
          RETURN_IF_ERROR(EndFile());
          continue;
        }
      }
      if (MustStop(grew ? 0 : kPollMs)) break;
    }
    RETURN_IF_ERROR(TakeWhatIsThere());
    return EndRecording("told to end");
  }

  /// What was written before we were told to end.
  Result<> TakeWhatIsThere() {
    if (!file_.valid()) return {};
    ASSIGN_OR_RETURN(const struct stat found, StatOf(file_.get(), path_));
    const auto size = static_cast<std::uint64_t>(found.st_size);
    for (bool more = true; more && offset_ + pending_.size() < size;) {
      ASSIGN_OR_RETURN(more, TakeMore());
    }
    return {};
  }

  bool MustStop(int wait_ms) const {
    pollfd watched{.fd = options_.stop_fd, .events = POLLIN, .revents = 0};
    return ::poll(&watched, 1, wait_ms) > 0;
  }

  /// Files beside ours that had its name when an earlier run took of them, and were renamed since.
  Result<> TakeRotatedAway() {
    const std::filesystem::path path(path_);
    std::map<std::int64_t, std::string> by_time;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(path.parent_path(), error), end; entry != end;
         entry.increment(error)) {
      if (error) break;
      const std::string name = entry->path().string();
      struct stat found {};
      if (name == path_ || !name.starts_with(path_) || ::stat(name.c_str(), &found) != 0) continue;
      const auto taken = taken_.find({found.st_dev, found.st_ino});
      const bool more = taken != taken_.end() && S_ISREG(found.st_mode) &&
                        static_cast<std::uint64_t>(found.st_size) > taken->second.until_bytes;
      if (more) by_time.emplace(found.st_mtime, name);
    }
    for (const auto& [time, name] : by_time) {
      FileDescriptor file(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
      if (!file.valid()) continue;
      RETURN_IF_ERROR(BeginFile(std::move(file)));
      for (bool more = offset_ != 0; more;) {
        ASSIGN_OR_RETURN(more, TakeMore());
      }
      if (offset_ != 0) RETURN_IF_ERROR(EndFile());
      file_.Reset();
    }
    return {};
  }

  /// Leaves file_ invalid where there is none.
  Result<> OpenLive() {
    FileDescriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file.valid() && errno == ENOENT) return {};
    if (!file.valid()) return FailErrno(errno, "{}: cannot be opened", path_);
    return BeginFile(std::move(file));
  }

  Result<> BeginFile(FileDescriptor file) {
    ASSIGN_OR_RETURN(const struct stat found, StatOf(file.get(), path_));
    if (!S_ISREG(found.st_mode)) {
      return Fail(ErrorCode::kInvalidArgument, "{}: only a regular file can be followed", path_);
    }
    file_ = std::move(file);
    identity_ = {found.st_dev, found.st_ino};
    offset_ = 0;
    pending_.clear();
    const auto taken = taken_.find(identity_);
    if (taken == taken_.end()) return {};
    const Taken& before = taken->second;
    ASSIGN_OR_RETURN(const std::string begin, ReadAt(file_.get(), 0, before.begin_bytes, path_));
    const bool same = begin.size() == before.begin_bytes &&
                      DigestOf(begin) == before.begin_sha256 &&
                      static_cast<std::uint64_t>(found.st_size) >= before.until_bytes;
    ASSIGN_OR_RETURN(const std::string first, ReadAt(file_.get(), 0, kSniffBytes, path_));
    // Of a file that is no text a part cannot be read by itself: it is taken again, and what is the
    // same is shown once.
    if (same && first.find('\0') == first.npos) offset_ = before.until_bytes;
    return {};
  }

  /// Whether anything came.
  Result<bool> TakeMore() {
    ASSIGN_OR_RETURN(const struct stat found, StatOf(file_.get(), path_));
    if (static_cast<std::uint64_t>(found.st_size) < offset_) {
      RETURN_IF_ERROR(EndRecording("the file was emptied"));
      offset_ = 0;
      pending_.clear();
      return true;
    }
    ASSIGN_OR_RETURN(std::string fresh,
                     ReadAt(file_.get(), offset_ + pending_.size(), kReadBytes, path_));
    if (fresh.empty()) return false;
    pending_ += fresh;
    RETURN_IF_ERROR(TakePending(false));
    return true;
  }

  /// Takes the lines that are whole; `all`: what follows them as well, for nothing more will come.
  Result<> TakePending(bool all) {
    if (!recording_) {
      // What it is, is told by its beginning.
      ASSIGN_OR_RETURN(const std::string first, ReadAt(file_.get(), 0, kSniffBytes, path_));
      binary_ = first.find('\0') != first.npos;
      if (!DetectKind(first)) {
        if (!all && pending_.size() < kSniffBytes) return {};
        return Fail(ErrorCode::kInvalidArgument, "{}: not of a kind that can be told: say --kind",
                    path_);
      }
    }
    std::size_t size = pending_.size();
    if (!all && !binary_ && size < kLineBytesMax) {
      const std::size_t end = pending_.rfind('\n');
      size = end == pending_.npos ? 0 : end + 1;
    }
    if (size == 0) return {};
    if (!recording_) RETURN_IF_ERROR(BeginRecording());
    RETURN_IF_ERROR(Seal(std::string_view(pending_).substr(0, size)));
    offset_ += size;
    pending_.erase(0, size);
    RETURN_IF_ERROR(log_->Checkpoint());
    if (recording_->bytes < kRecordingBytesMax) return {};
    return EndRecording("long enough");
  }

  /// Sets kind_; a file that cannot be told yet is of the kind of the one before.
  bool DetectKind(std::string_view first) {
    if (!options_.kind.empty()) {
      kind_ = options_.kind;
    } else if (const auto* const kind = importers::DetectImporterKind(
                   first, std::filesystem::path(path_).filename().string())) {
      kind_ = kind->name;
    }
    return !kind_.empty();
  }

  struct Recording {
    ImportedFile file;
    std::unique_ptr<event::EventSource> importer;
    std::unique_ptr<wire::BatchSealer> sealer;
    std::uint64_t bytes = 0;
  };

  Result<> BeginRecording() {
    auto recording = std::make_unique<Recording>();
    ingest::ImportDescription& description = recording->file.description;
    description.kind = kind_;
    description.file = path_;
    description.host = options_.host;
    description.year = options_.year;
    description.date = options_.date;
    description.utc_offset_ns = options_.utc_offset_ns;
    if (HasPackets(description.kind)) {
      description.flow_timeouts = options_.flow_timeouts;
      description.fingerprint_database = options_.fingerprint_database;
    }
    description.clock_offset_ns = options_.clock_offset_ns;
    ASSIGN_OR_RETURN(
        const std::string begin,
        ReadAt(file_.get(), 0, std::min<std::uint64_t>(kBeginBytes, offset_ + pending_.size()),
               path_));
    std::string head;
    if (offset_ != 0) {
      ASSIGN_OR_RETURN(head, Head());
    }
    description.followed = ingest::FollowedPart{.device = identity_.device,
                                                .inode = identity_.inode,
                                                .offset_bytes = offset_,
                                                .head_bytes = head.size(),
                                                .begin_bytes = begin.size(),
                                                .begin_sha256 = DigestOf(begin)};
    ASSIGN_OR_RETURN(recording->importer, MakeImporter(description));
    recording->sealer = std::make_unique<wire::BatchSealer>(
        wire::MakeRecordingId(), [this](const wire::DigestedBytes& batch) -> Result<> {
          ASSIGN_OR_RETURN([[maybe_unused]] const std::uint64_t index, log_->Append(batch.bytes));
          return {};
        });
    recording_ = std::move(recording);
    RETURN_IF_ERROR(recording_->sealer->Seal(wire::BatchKind::kRecordingOpen,
                                             AsBytes(ingest::ImportDescriptionJson(description)),
                                             ImportMoment()));
    return head.empty() ? Result<>() : Seal(head);
  }

  /// The lines at the beginning of the file without which others cannot be read.
  Result<std::string> Head() {
    ASSIGN_OR_RETURN(std::string first, ReadAt(file_.get(), 0, kHeadBytesMax, path_));
    const bool remarks = kind_ == "zeek", names = kind_ == "argus" || kind_ == "nfdump";
    std::size_t size = 0;
    while (size < first.size() && (remarks ? first[size] == '#' : names && size == 0)) {
      const std::size_t end = first.find('\n', size);
      if (end == first.npos) break;
      size = end + 1;
    }
    first.resize(std::min<std::uint64_t>(size, offset_));
    return first;
  }

  Result<> Seal(std::string_view bytes) {
    event::Findings findings;
    const Result<> read = recording_->importer->Feed(AsBytes(bytes), findings);
    if (!read) return Fail(ErrorCode::kInvalidArgument, "{}: {}", path_, read.error().message);
    recording_->file.Count(findings);
    recording_->bytes += bytes.size();
    recording_->file.description.size_bytes += bytes.size();
    return recording_->sealer->Seal(wire::BatchKind::kImportData, AsBytes(bytes), ImportMoment());
  }

  Result<> EndRecording(std::string_view reason) {
    if (!recording_) return {};
    const std::unique_ptr<Recording> recording = std::move(recording_);
    event::Findings findings;
    // What cannot be read of its end is counted.
    static_cast<void>(recording->importer->Finish(findings));
    recording->file.Count(findings);
    recording->file.source = recording->importer->counts();
    RETURN_IF_ERROR(
        recording->sealer->Seal(wire::BatchKind::kRecordingClose,
                                AsBytes(fmt::format("{{\"reason\":\"{}\",\"event_count\":{}}}",
                                                    reason, recording->file.event_count)),
                                ImportMoment()));
    RETURN_IF_ERROR(log_->Checkpoint());
    if (options_.done) options_.done(recording->file);
    return {};
  }

  /// Another file has the name. One that has none goes on to be read.
  Result<bool> IsReplaced() const {
    struct stat found {};
    if (::stat(path_.c_str(), &found) != 0) {
      if (errno == ENOENT) return false;
      return FailErrno(errno, "{}: cannot be looked at", path_);
    }
    return FileIdentity{found.st_dev, found.st_ino} != identity_;
  }

  /// Nothing more will come to the file, for whoever writes has another one.
  Result<> EndFile() {
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, TakeMore());
      if (!more) break;
    }
    if (!pending_.empty()) RETURN_IF_ERROR(TakePending(true));
    RETURN_IF_ERROR(EndRecording("the file was renamed"));
    file_.Reset();
    return {};
  }

  const FollowFileOptions& options_;
  const std::string path_;
  std::map<FileIdentity, Taken> taken_;
  std::unique_ptr<evidence::LogWriter> log_;
  FileDescriptor file_;
  FileIdentity identity_;
  std::string kind_;
  bool binary_ = false;
  int quiet_polls_ = 0;       // since the file was replaced
  std::uint64_t offset_ = 0;  // of what was not sealed yet
  std::string pending_;       // read from there
  std::unique_ptr<Recording> recording_;
};

}  // namespace

Result<> FollowFile(const FollowFileOptions& options) {
  return Follower(options).Run();
}

}  // namespace spoor::analysis
