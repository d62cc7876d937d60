// SPDX-License-Identifier: Apache-2.0
// Every level of tiles, and the entry bundles, is a column of files that only its last one grows:
// NNN.partial. Order of events at a checkpoint: data and folders to disk, checkpoint renamed into
// place, and only then do complete tiles get their final names. So whatever bears a final name is
// covered by a checkpoint, and a checkpoint put back to an older one contradicts the names.
#include <fcntl.h>
#include <unistd.h>

#include <optional>
#include <set>

#include "base/check.hpp"
#include "base/exists.hpp"
#include "base/inside.hpp"
#include "base/time.hpp"
#include "evidence/checkpoint.hpp"
#include "evidence/file_attribute.hpp"
#include "evidence/log.hpp"
#include "evidence/named_key.hpp"
#include "evidence/recovery.hpp"
#include "evidence/tile_tree.hpp"

namespace spoor::evidence {
namespace {

namespace fs = std::filesystem;

/// Written out early, so that memory stays bounded however rarely the caller checkpoints.
constexpr std::size_t kPendingBytesMax = 1 << 20;
/// With more complete tiles than this in one checkpoint, one syncfs is cheaper than an fsync each.
constexpr std::size_t kSyncOneByOneMax = 16;

class TileLogWriter final : public LogWriter {
 public:
  struct Parts {
    fs::path folder;
    std::optional<FileLock> lock;  // let go by Close
    FileDescriptor folder_fd;      // syncfs reports write errors that happen after this was opened
    SigningKey key;
    VerifierKey verifier;
    bool append_only_attribute = false;
  };
  explicit TileLogWriter(Parts parts) : parts_(std::move(parts)) {
    columns_.resize(1 + kTileLevelsMax);
    columns_[0].id.entries = true;
    for (unsigned level = 0; level < kTileLevelsMax; ++level) columns_[1 + level].id.level = level;
  }
  TileLogWriter(const TileLogWriter&) = delete;
  TileLogWriter& operator=(const TileLogWriter&) = delete;
  ~TileLogWriter() override {
    if (parts_.lock) (void)Close();
  }

  Result<> Continue();
  Result<> PublishCheckpoint();

  Result<std::uint64_t> Append(std::span<const std::byte> entry) override;
  Result<> Checkpoint() override { return CloseIfFailed(TryCheckpoint()); }
  Result<> Close() override;
  void Abandon() override {
    if (!closed_because_) closed_because_ = Error{ErrorCode::kUnavailable, "it was abandoned"};
    parts_.lock.reset();
  }
  std::uint64_t size() const override { return tree_.size(); }
  std::uint64_t set_aside_bytes() const override { return set_aside_bytes_; }

 private:
  /// The last, incomplete tile of a level (or bundle) and its open file.
  struct Column {
    TileId id;
    unsigned width = 0;
    FileDescriptor file;
    std::vector<std::byte> pending;
    bool unsynced = false;
  };
  struct CompleteTile {
    TileId id;
    FileDescriptor file;  // closed when there are too many
  };

  Result<> CloseIfFailed(Result<> result) {
    if (!result && !closed_because_) closed_because_ = result.error();
    return result;
  }
  Result<> StillOpen() const {
    if (!closed_because_) return {};
    return Fail(closed_because_->code, "{}: closed for writing since: {}", parts_.folder.string(),
                closed_because_->message);
  }
  fs::path root() const { return RootOf(parts_.folder); }
  bool Exists(const fs::path& path) const { return ExistsInside(root(), path); }
  Result<> AppendToColumns(std::span<const std::byte> entry);
  Result<> AppendTo(Column& column, std::span<const std::byte> bytes);
  Result<> OpenColumn(Column& column);
  Result<> Flush(Column& column);
  Result<> TryCheckpoint();
  Result<> SyncData();
  Result<> SyncChangedFolders();
  Result<> NameCompleteTiles();
  Result<> NameEdgeTiles();
  Result<> Protect(const fs::path& path, FileAttribute attribute) const;
  Result<> Rename(const fs::path& from, const fs::path& to);

  Parts parts_;
  TreeHasher hasher_;
  CompactTree tree_;
  std::uint64_t checkpoint_size_ = 0;
  std::uint64_t set_aside_bytes_ = 0;
  std::vector<Column> columns_;  // bundles, then the tile levels
  std::vector<CompleteTile> complete_;
  std::set<fs::path> changed_folders_;
  std::optional<Error> closed_because_;
};

Result<> TileLogWriter::Continue() {
  ASSIGN_OR_RETURN(const struct Checkpoint checkpoint,
                   ReadCheckpoint(parts_.folder, parts_.verifier));
  const fs::path set_aside = RootOf(parts_.folder) / "set-aside";
  ASSIGN_OR_RETURN(const Recovered recovered, RecoverLog(parts_.folder, set_aside, checkpoint));
  set_aside_bytes_ = recovered.set_aside_bytes;
  checkpoint_size_ = checkpoint.size;
  tree_ = CompactTree(checkpoint.size, recovered.edges, hasher_);
  for (Column& column : columns_) {
    column.width = EdgeWidth(checkpoint.size, column.id.level);
    column.id.index = HashesAtLevel(checkpoint.size, column.id.level) / kTileWidth;
  }
  return {};
}

Result<std::uint64_t> TileLogWriter::Append(std::span<const std::byte> entry) {
  RETURN_IF_ERROR(StillOpen());
  if (entry.empty() || entry.size() > kEntryBytesMax) {
    return Fail(ErrorCode::kInvalidArgument, "entry of {} bytes: must have 1 to {}", entry.size(),
                kEntryBytesMax);
  }
  const std::uint64_t index = tree_.size();
  RETURN_IF_ERROR(CloseIfFailed(AppendToColumns(entry)));
  return index;
}

Result<> TileLogWriter::AppendToColumns(std::span<const std::byte> entry) {
  const std::array<std::byte, 2> length{static_cast<std::byte>(entry.size() >> 8),
                                        static_cast<std::byte>(entry.size() & 0xFF)};
  columns_[0].pending.insert(columns_[0].pending.end(), length.begin(), length.end());
  RETURN_IF_ERROR(AppendTo(columns_[0], entry));
  Result<> result;
  tree_.Append(hasher_.Leaf(entry), hasher_, [&](unsigned level, const Hash& hash) {
    if (result) result = AppendTo(columns_[1 + level], BytesOf(std::span(&hash, 1)));
  });
  return result;
}

Result<> TileLogWriter::AppendTo(Column& column, std::span<const std::byte> bytes) {
  column.pending.insert(column.pending.end(), bytes.begin(), bytes.end());
  ++column.width;
  if (column.pending.size() >= kPendingBytesMax || column.width == kTileWidth) {
    RETURN_IF_ERROR(Flush(column));
  }
  if (column.width < kTileWidth) return {};
  complete_.push_back({column.id, std::move(column.file)});
  if (complete_.size() > kSyncOneByOneMax) complete_.back().file.Reset();
  ++column.id.index;
  column.width = 0;
  column.unsynced = false;
  return {};
}

/// Opens the growing file: new at the start of a tile, else the one that is there.
Result<> TileLogWriter::OpenColumn(Column& column) {
  const fs::path growing = parts_.folder / TilePath(column.id, TileForm::kGrowing);
  const fs::path parent = growing.parent_path();
  if (!Exists(parent)) {
    RETURN_IF_ERROR(CreateFoldersInside(root(), parent));
    for (fs::path made = parent; made != parts_.folder; made = made.parent_path()) {
      changed_folders_.insert(made);
    }
    changed_folders_.insert(parts_.folder);
  }
  const unsigned width = EdgeWidth(checkpoint_size_, column.id.level);
  const bool continues =
      width > 0 && column.id.index == HashesAtLevel(checkpoint_size_, column.id.level) / kTileWidth;
  if (!continues) {
    changed_folders_.insert(parent);
    ASSIGN_OR_RETURN(column.file,
                     OpenInside(root(), growing, O_WRONLY | O_APPEND | O_CREAT | O_EXCL));
    return Protect(growing, FileAttribute::kAppendOnly);
  }
  if (!Exists(growing)) {
    const fs::path closed_folder = parts_.folder / ClosedFolderPath(column.id);
    RETURN_IF_ERROR(Rename(parts_.folder / TilePath(column.id, TileForm::kClosed, width), growing));
    // Before it grows: a file that a power cut left longer under its old name, which says how many
    // hashes it has, would not verify.
    RETURN_IF_ERROR(SyncFolderInside(root(), parent));
    RETURN_IF_ERROR(SyncFolderInside(root(), closed_folder));
    if (RemoveFolderInside(root(), closed_folder)) changed_folders_.erase(closed_folder);
  }
  ASSIGN_OR_RETURN(column.file, OpenInside(root(), growing, O_WRONLY | O_APPEND));
  return Protect(growing, FileAttribute::kAppendOnly);
}

Result<> TileLogWriter::Flush(Column& column) {
  if (column.pending.empty()) return {};
  if (column.file.get() < 0) RETURN_IF_ERROR(OpenColumn(column));
  RETURN_IF_ERROR(WriteAll(column.file.get(), column.pending,
                           parts_.folder / TilePath(column.id, TileForm::kGrowing)));
  column.pending.clear();
  column.unsynced = true;
  return {};
}

Result<> TileLogWriter::TryCheckpoint() {
  RETURN_IF_ERROR(StillOpen());
  if (tree_.size() == checkpoint_size_) return {};
  for (Column& column : columns_) RETURN_IF_ERROR(Flush(column));
  RETURN_IF_ERROR(SyncData());
  RETURN_IF_ERROR(PublishCheckpoint());
  return NameCompleteTiles();
}

Result<> TileLogWriter::SyncData() {
  if (complete_.size() > kSyncOneByOneMax) {
    if (::syncfs(parts_.folder_fd.get()) != 0) {
      return FailErrno(errno, "{}: cannot sync", parts_.folder.string());
    }
    changed_folders_.clear();
    for (Column& column : columns_) column.unsynced = false;
    return {};
  }
  const auto sync = [&](const FileDescriptor& file, TileId id) -> Result<> {
    if (::fdatasync(file.get()) == 0) return {};
    return FailErrno(errno, "{}: cannot sync",
                     (parts_.folder / TilePath(id, TileForm::kGrowing)).string());
  };
  for (const CompleteTile& tile : complete_) RETURN_IF_ERROR(sync(tile.file, tile.id));
  for (Column& column : columns_) {
    if (!column.unsynced) continue;
    RETURN_IF_ERROR(sync(column.file, column.id));
    column.unsynced = false;
  }
  return SyncChangedFolders();
}

Result<> TileLogWriter::SyncChangedFolders() {
  for (const fs::path& folder : changed_folders_) {
    RETURN_IF_ERROR(SyncFolderInside(root(), folder));
  }
  changed_folders_.clear();
  return {};
}

Result<> TileLogWriter::PublishCheckpoint() {
  const std::string text = FormatCheckpoint({.origin = parts_.verifier.name,
                                             .size = tree_.size(),
                                             .root = tree_.Root(hasher_),
                                             .signed_wall_ns = WallNow(),
                                             .other_signatures = 0});
  RETURN_IF_ERROR(WriteFileAtomicallyInside(root(), parts_.folder / kCheckpointName,
                                            AsBytes(SignNote(text, parts_.verifier, parts_.key))));
  checkpoint_size_ = tree_.size();
  return {};
}

Result<> TileLogWriter::NameCompleteTiles() {
  for (const CompleteTile& tile : complete_) {
    RETURN_IF_ERROR(Rename(parts_.folder / TilePath(tile.id, TileForm::kGrowing),
                           parts_.folder / TilePath(tile.id, TileForm::kFull)));
    RETURN_IF_ERROR(
        Protect(parts_.folder / TilePath(tile.id, TileForm::kFull), FileAttribute::kImmutable));
  }
  complete_.clear();
  return {};
}

Result<> TileLogWriter::Close() {
  Result<> result = Checkpoint();
  if (result) result = CloseIfFailed(NameEdgeTiles());
  if (!closed_because_) closed_because_ = Error{ErrorCode::kUnavailable, "it was closed"};
  parts_.lock.reset();
  return result;
}

/// NNN.partial of W hashes becomes NNN.p/W, where a C2SP reader looks for it.
Result<> TileLogWriter::NameEdgeTiles() {
  for (Column& column : columns_) {
    column.file.Reset();
    const fs::path growing = parts_.folder / TilePath(column.id, TileForm::kGrowing);
    if (column.width == 0 || !Exists(growing)) continue;
    RETURN_IF_ERROR(CreateFoldersInside(root(), parts_.folder / ClosedFolderPath(column.id)));
    const fs::path closed = parts_.folder / TilePath(column.id, TileForm::kClosed, column.width);
    RETURN_IF_ERROR(Rename(growing, closed));
    RETURN_IF_ERROR(Protect(closed, FileAttribute::kImmutable));
  }
  return SyncChangedFolders();
}

Result<> TileLogWriter::Protect(const fs::path& path, FileAttribute attribute) const {
  return parts_.append_only_attribute ? SetAttribute(root(), path, attribute) : Result<>();
}

Result<> TileLogWriter::Rename(const fs::path& from, const fs::path& to) {
  RETURN_IF_ERROR(ClearAttributes(root(), from));
  RETURN_IF_ERROR(RenameInside(root(), from, to));
  changed_folders_.insert(from.parent_path());
  changed_folders_.insert(to.parent_path());
  return {};
}

/// The key of the log and its name. `exists`: whether there is a checkpoint already, signed with a
/// key that must not be replaced by a new one.
Result<NamedKey> OpenKey(const LogOptions& options, bool exists) {
  NamedKey::Options wanted{.key_file = options.key_file,
                           .use = KeyUse::kNote,
                           .name = options.origin,
                           .new_name_prefix = "spoor.local/log/",
                           .may_create = !exists};
  fs::path verifier_file = options.key_file;
  ASSIGN_OR_RETURN(const bool named, Exists(verifier_file.replace_extension(".vkey")));
  if (exists && wanted.name.empty() && !named) {
    // Who signed under that name is checked when the log is taken up.
    ASSIGN_OR_RETURN(const std::string note,
                     ReadTextFileInside(RootOf(options.folder), options.folder / kCheckpointName,
                                        kCheckpointBytesMax));
    wanted.name = note.substr(0, note.find('\n'));
  }
  Result<NamedKey> key = NamedKey::Open(wanted);
  if (!key && exists && key.error().code == ErrorCode::kNotFound) {
    return Fail(ErrorCode::kNotFound, "{}, so the existing log cannot be continued",
                key.error().message);
  }
  return key;
}

}  // namespace

Result<std::unique_ptr<LogWriter>> LogWriter::Open(const LogOptions& options) {
  const fs::path root = RootOf(options.folder);
  RETURN_IF_ERROR(CreateFolders(root));
  RETURN_IF_ERROR(CreateFoldersInside(root, options.folder));
  ASSIGN_OR_RETURN(FileDescriptor to_lock,
                   OpenInside(root, options.folder, O_RDONLY | O_DIRECTORY));
  Result<FileLock> lock = FileLock::Lock(std::move(to_lock), options.folder, FileLock::Mode::kTry);
  if (!lock && lock.error().code == ErrorCode::kUnavailable) {
    return Fail(ErrorCode::kUnavailable, "{}: another writer has this log open",
                options.folder.string());
  }
  if (!lock) return tl::unexpected<Error>(lock.error());
  ASSIGN_OR_RETURN(FileDescriptor folder_fd,
                   OpenInside(root, options.folder, O_RDONLY | O_DIRECTORY));
  const bool exists = ExistsInside(root, options.folder / kCheckpointName);
  if (!exists && ExistsInside(root, options.folder / "tile")) {
    return Fail(ErrorCode::kUnverified, "{}: missing, though there are tiles",
                (options.folder / kCheckpointName).string());
  }
  ASSIGN_OR_RETURN(NamedKey key, OpenKey(options, exists));
  auto writer = std::make_unique<TileLogWriter>(TileLogWriter::Parts{
      options.folder, std::move(*lock), std::move(folder_fd), std::move(key.key),
      std::move(key.verifier), options.append_only_attribute});
  // A log has a checkpoint before it has anything else, so that none can be missing later.
  RETURN_IF_ERROR(exists ? writer->Continue() : writer->PublishCheckpoint());
  if (!exists) RETURN_IF_ERROR(SyncFolderInside(root, root));
  if (options.append_only_attribute) {
    // Said now and not at the first entry. The checkpoint itself is replaced, so it stays without.
    const fs::path probe = options.folder / kCheckpointName;
    RETURN_IF_ERROR(SetAttribute(root, probe, FileAttribute::kAppendOnly));
    RETURN_IF_ERROR(ClearAttributes(root, probe));
  }
  return writer;
}

}  // namespace spoor::evidence
