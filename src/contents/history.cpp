// SPDX-License-Identifier: Apache-2.0
// Two passes. The first sorts the calls without their bytes, which tells which bytes are still
// there; the second takes the bytes as they come, so that no sort ever holds them.
#include "contents/history.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <tuple>

#include "base/inside.hpp"
#include "base/saturating.hpp"
#include "base/scratch_folder.hpp"
#include "event/open_flags.hpp"
#include "store/lookup.hpp"
#include "store/row.hpp"

namespace spoor::contents {
namespace {

using store::IntegerOf;

/// More processes than these are looked up in the whole table.
constexpr std::size_t kProcessesMax = 5000;
constexpr std::int64_t kInMemoryBytesMax = 16 << 20;

// open(2), as recorded: the numbers of x86-64 and arm64.
constexpr std::int64_t kAccessMode = 03, kReadAndWrite = 02;
constexpr std::int64_t kCreate = 0100, kExclusive = 0200, kTruncate = 01000;
constexpr std::int64_t kTemporary = 020000000;

// io has a call each, in the order of their ends; `event` has calls that were merged. Boots follow
// each other in the order of recording.
constexpr std::string_view kActsSql = R"(
SELECT e.kind, e.process_id, coalesce(e.flags, 0), coalesce(e."value", 0), e."count", e.offset_bytes,
       e.size_bytes, coalesce(i.wall_ns, e.wall_ns), e.event_id, i.event_id IS NOT NULL,
       i.offset_bytes, i.size_bytes, octet_length(i.data), coalesce(i.boot_ns, e.end_boot_ns) AS at_boot_ns,
       e.baseline, o.type, count(i.event_id) OVER (PARTITION BY e.event_id),
       _bigint(sum(i.size_bytes) OVER (PARTITION BY e.event_id)),
       row_number() OVER (PARTITION BY e.event_id ORDER BY i.boot_ns DESC)
FROM event_by_object AS e JOIN object AS o ON o.object_id = e.object_id
LEFT JOIN io AS i ON i.event_id = e.event_id AND i.process_id = e.process_id AND i.object_id = $1
WHERE e.object_id = $1 AND e.result >= 0 AND (NOT e.baseline OR e.kind = 'descriptor')
  AND e.kind IN ('read', 'write', 'truncate', 'open', 'mknod', 'descriptor')
ORDER BY min(e.event_id) OVER (PARTITION BY e.boot_id), at_boot_ns, e.event_id, i.offset_bytes,
         i.size_bytes)";

/// Narrows the tables that a history is in.
Result<> NarrowToObject(store::Store& store, std::int64_t object_id) {
  RETURN_IF_ERROR(store.Narrow("event_by_object", "object_id", {object_id}));
  RETURN_IF_ERROR(store.Narrow("object", "object_id", {object_id}));
  ASSIGN_OR_RETURN(
      const std::vector<std::int64_t> processes,
      store::ReadIntegers(store,
                          fmt::format("SELECT DISTINCT process_id FROM event_by_object WHERE "
                                      "object_id = $1 AND kind IN ('read', 'write') LIMIT {}",
                                      kProcessesMax + 1),
                          {object_id}));
  if (processes.size() > kProcessesMax) return {};
  return store.Narrow("io", "process_id", {processes.begin(), processes.end()});
}

/// One row as acts: of an open that empties the file and lets it be mapped there are two.
class ActReader {
 public:
  explicit ActReader(std::vector<Act>& acts) : acts_(acts) {}

  void Take(const std::vector<store::Value>& row) {
    const std::string kind = store::TextOf(row[0]);
    Act act{.process_id = Number(row[1]),
            .wall_ns = Number(row[7]),
            .event_id = Number(row[8]),
            .boot_ns = Number(row[13])};
    const std::int64_t flags = Number(row[2]);
    if (kind == "open" || kind == "descriptor") return TakeOpen(act, flags, row);
    if (kind == "mknod") return Resized(act, 0);
    if (kind == "truncate") return Resized(act, Number(row[3]));
    act.kind = kind == "write" ? Act::Kind::kWrite : Act::Kind::kRead;
    if (store::BooleanOf(row[9]).value_or(false)) return TakeCall(act, row);
    TakeMerged(act, row);
  }

 private:
  static std::int64_t Number(const store::Value& value) { return IntegerOf(value).value_or(0); }

  void Resized(Act act, std::int64_t size) {
    act.kind = Act::Kind::kResize;
    act.size_bytes = std::max<std::int64_t>(0, size);
    acts_.push_back(act);
  }
  void TakeOpen(Act act, std::int64_t flags, const std::vector<store::Value>& row) {
    const bool baseline = store::BooleanOf(row[14]).value_or(false);
    const bool memfd = store::TextOf(row[15]) == "memfd";
    // memfd_create has flags of its own, and is the first that is seen of the object.
    const bool made_in_memory = memfd && acts_.empty() && !baseline;
    if (made_in_memory ||
        (!baseline &&
         ((flags & kTruncate) != 0 || (flags & event::kOpenCreated) != 0 ||
          (flags & kTemporary) != 0 || ((flags & kCreate) != 0 && (flags & kExclusive) != 0)))) {
      Resized(act, 0);
    }
    if (made_in_memory || (flags & kAccessMode) == kReadAndWrite) {
      act.kind = Act::Kind::kMap;
      acts_.push_back(act);
    }
  }
  void TakeCall(Act act, const std::vector<store::Value>& row) {
    act.offset_bytes = IntegerOf(row[10]);
    act.size_bytes = Number(row[11]);
    const std::optional<std::int64_t> captured = IntegerOf(row[12]);
    act.captured_bytes = std::clamp<std::int64_t>(captured.value_or(0), 0,
                                                  std::max<std::int64_t>(0, act.size_bytes));
    // Bytes that the kernel moves by itself have no place in the record.
    act.rest = captured ? Content::kCut : act.offset_bytes ? Content::kLeftOut : Content::kMoved;
    acts_.push_back(act);
    const std::int64_t calls = Number(row[16]), last = Number(row[18]);
    if (act.kind != Act::Kind::kWrite || last != 1 || calls >= Number(row[4])) return;
    // Some of the merged calls are not in io: where these wrote is not known.
    act.offset_bytes.reset();
    act.captured_bytes = 0;
    act.rest = Content::kNotCaptured;
    act.size_bytes = std::max<std::int64_t>(1, SaturatingSub(Number(row[6]), Number(row[17])));
    acts_.push_back(act);
  }
  void TakeMerged(Act act, const std::vector<store::Value>& row) {
    act.offset_bytes = IntegerOf(row[5]);
    act.size_bytes = Number(row[6]);
    const std::int64_t count = Number(row[4]);
    if (act.kind == Act::Kind::kRead && count > 1) {
      act.size_bytes = std::min<std::int64_t>(1, act.size_bytes);
    }
    if (act.kind == Act::Kind::kWrite && count > 1) {
      // Only where the first of them began is known.
      act.offset_bytes.reset();
    }
    acts_.push_back(act);
  }

  std::vector<Act>& acts_;
};

auto RowOf(const Act& act) {
  return std::tuple(act.event_id, act.boot_ns, act.offset_bytes.value_or(-1), act.size_bytes);
}

Result<FileDescriptor> MakeScratchFile(std::int64_t size_bytes) {
  if (size_bytes <= kInMemoryBytesMax) {
    FileDescriptor file(::memfd_create("contents", MFD_CLOEXEC));
    if (file.valid()) return file;
  }
  ASSIGN_OR_RETURN(const ScratchFolder folder,
                   ScratchFolder::Make(ScratchFolder::FolderOnDisk(), "contents"));
  // The folder goes with its name; the file stays until it is closed.
  return OpenInside(folder.path(), folder.path() / "bytes", O_RDWR | O_CREAT | O_EXCL);
}

Result<> WriteAt(int fd, std::int64_t at, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), at);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FailErrno(errno, "captured bytes cannot be put together");
    at += written;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

/// Ranges of the journal that are wanted.
class Wanted {
 public:
  explicit Wanted(const Image* image) : all_(image == nullptr) {
    if (all_) return;
    for (const Extent& extent : image->Extents()) {
      if (extent.content != Content::kBytes) continue;
      ranges_.emplace_back(extent.journal_at, extent.journal_at + extent.size_bytes());
    }
    std::ranges::sort(ranges_);
  }
  bool Has(std::int64_t from, std::int64_t until) const {
    if (all_) return true;
    const auto behind =
        std::ranges::upper_bound(ranges_, from, {}, [](const auto& range) { return range.second; });
    return behind != ranges_.end() && behind->first < until;
  }

 private:
  bool all_;
  std::vector<std::pair<std::int64_t, std::int64_t>> ranges_;  // apart from each other
};

}  // namespace

Result<std::vector<Act>> LoadActs(store::Store& store, std::int64_t object_id,
                                  const HistoryOptions& options) {
  const store::Narrowed narrowed(store);
  RETURN_IF_ERROR(NarrowToObject(store, object_id));
  ASSIGN_OR_RETURN(const std::unique_ptr<store::RowReader> reader,
                   store.Sql(kActsSql, {object_id}));
  std::vector<Act> acts;
  ActReader taken(acts);
  std::vector<store::Value> row;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, reader->Next(row));
    if (!more) break;
    taken.Take(row);
    if (acts.size() > options.acts_max) {
      return Fail(ErrorCode::kUnavailable,
                  "the file was touched too often to be put together here");
    }
  }
  std::int64_t journal_at = 0;
  for (std::size_t i = 0; i < acts.size(); ++i) {
    Act& act = acts[i];
    // Two rows that cannot be told apart: which came last is not known.
    const auto is_same = [&](std::size_t other) {
      return other < acts.size() && acts[other].kind == act.kind &&
             RowOf(acts[other]) == RowOf(act);
    };
    if (act.captured_bytes > 0 && (is_same(i + 1) || is_same(i - 1))) {
      act.captured_bytes = 0;
      act.rest = Content::kNotCaptured;
    }
    act.journal_at = journal_at;
    journal_at = SaturatingAdd(journal_at, act.captured_bytes);
  }
  if (journal_at > options.captured_bytes_max) {
    return Fail(ErrorCode::kUnavailable,
                "too much was written to the file to put it together here");
  }
  if (options.until_wall_ns) {
    // Not before: a step of the wall clock must not change the order.
    std::erase_if(acts, [&](const Act& act) { return act.wall_ns > *options.until_wall_ns; });
  }
  return acts;
}

Result<Journal> Journal::Fetch(store::Store& store, std::int64_t object_id,
                               std::span<const Act> acts, const Image* image) {
  std::vector<const Act*> by_row;
  std::int64_t size_bytes = 0;
  const Wanted wanted(image);
  for (const Act& act : acts) {
    if (act.captured_bytes == 0) continue;
    if (!wanted.Has(act.journal_at, act.journal_at + act.captured_bytes)) continue;
    by_row.push_back(&act);
    size_bytes = SaturatingAdd(size_bytes, act.captured_bytes);
  }
  ASSIGN_OR_RETURN(FileDescriptor file, MakeScratchFile(size_bytes));
  Journal journal(std::move(file));
  if (by_row.empty()) return journal;
  const auto row_of = [](const Act* act) { return RowOf(*act); };
  std::ranges::sort(by_row, {}, row_of);
  const store::Narrowed narrowed(store);
  RETURN_IF_ERROR(NarrowToObject(store, object_id));
  ASSIGN_OR_RETURN(
      const std::unique_ptr<store::RowReader> reader,
      store.Sql("SELECT event_id, boot_ns, coalesce(offset_bytes, -1), size_bytes, data FROM io "
                "WHERE object_id = $1 AND data IS NOT NULL",
                {object_id}));
  std::vector<store::Value> row;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, reader->Next(row));
    if (!more) return journal;
    const auto* data = std::get_if<store::Bytes>(&row[4]);
    if (data == nullptr) continue;
    const std::tuple key(IntegerOf(row[0]).value_or(0), IntegerOf(row[1]).value_or(0),
                         IntegerOf(row[2]).value_or(-1), IntegerOf(row[3]).value_or(0));
    const auto found = std::ranges::lower_bound(by_row, key, {}, row_of);
    if (found == by_row.end() || RowOf(**found) != key) continue;
    const Act& act = **found;
    const std::string_view bytes =
        std::string_view(data->bytes).substr(0, static_cast<std::size_t>(act.captured_bytes));
    RETURN_IF_ERROR(WriteAt(journal.file_.get(), act.journal_at, bytes));
  }
}

Result<> Journal::Read(std::int64_t journal_at, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t taken = ::pread(file_.get(), bytes.data(), bytes.size(), journal_at);
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0) return FailErrno(errno, "captured bytes cannot be read again");
    if (taken == 0) return Fail(ErrorCode::kCorrupt, "captured bytes are no longer in the store");
    journal_at += taken;
    bytes = bytes.subspan(static_cast<std::size_t>(taken));
  }
  return {};
}

}  // namespace spoor::contents
