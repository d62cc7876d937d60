// SPDX-License-Identifier: Apache-2.0
// Folder: NUMBER.frames, frames one after the other, of one chain, numbered in the order begun;
// CHAIN.open, a copy of the chain's open frame while it has segments; lock. A segment is removed
// when the last of its frames is let go.
#include "sensor/spool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

#include "base/check.hpp"

namespace spoor::sensor {
namespace {

constexpr std::uint32_t kSegmentBytes = 1 << 20;
// A segment that is begun below kSegmentBytes ends with at most one frame more.
constexpr std::uint64_t kSegmentFileBytesMax = kSegmentBytes + wire::kFrameBytesMax;
constexpr std::uint64_t kReserveBytes = 16 << 10;
constexpr std::string_view kSegmentSuffix = ".frames";
constexpr std::string_view kOpenSuffix = ".open";

std::optional<std::uint64_t> NumberOf(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  std::uint64_t number = 0;
  const auto [end, status] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (status != std::errc{} || end != name.data() + name.size() - kSegmentSuffix.size() ||
      !name.ends_with(kSegmentSuffix)) {
    return std::nullopt;
  }
  return number;
}

// Whatever keeps a frame from the disk (full, quota, an I/O error): the sealer drops it and counts.
tl::unexpected<Error> NoRoom(const Error& error) {
  return tl::unexpected<Error>(Error{ErrorCode::kUnavailable, error.message});
}

// Adds bytes `begin` to `end` of the file to `bytes`.
Result<> ReadRange(const std::filesystem::path& path, std::uint64_t begin, std::uint64_t end,
                   std::vector<std::byte>& bytes) {
  ASSIGN_OR_RETURN(const FileDescriptor file, OpenFile(path, O_RDONLY));
  std::size_t filled = bytes.size();
  bytes.resize(filled + (end - begin));
  for (std::uint64_t offset = begin; offset < end;) {
    const ssize_t got =
        ::pread(file.get(), bytes.data() + filled, end - offset, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailErrno(errno, "{}: cannot read", path.string());
    if (got == 0) return Fail(ErrorCode::kIo, "{}: shorter than it was", path.string());
    filled += static_cast<std::size_t>(got);
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Spool>> Spool::Open(const Options& options) {
  RETURN_IF_ERROR(CreateFolders(options.folder));
  ASSIGN_OR_RETURN(FileLock lock, FileLock::Acquire(options.folder / "lock", FileLock::Mode::kTry));
  std::unique_ptr<Spool> spool(new Spool(options, std::move(lock)));
  RETURN_IF_ERROR(spool->TakeUp());
  return spool;
}

Result<> Spool::TakeUp() {
  std::vector<std::filesystem::path> segments;
  std::vector<std::filesystem::path> open_frames;
  std::vector<std::filesystem::path> unfinished;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(options_.folder, error)) {
    if (NumberOf(entry.path())) segments.push_back(entry.path());
    const std::filesystem::path& path = entry.path();
    if (path.extension() == kOpenSuffix) open_frames.push_back(path);
    // Of a frame that a killed sensor did not finish: "NAME.open.0123456789abcdef.tmp".
    const std::filesystem::path whole = path.stem().stem();
    if (whole.extension() == kOpenSuffix &&
        IsTemporaryName(path.filename().string(), whole.string())) {
      unfinished.push_back(path);
    }
  }
  if (error) {
    return Fail(ErrorCode::kIo, "{}: cannot list: {}", options_.folder.string(), error.message());
  }
  for (const std::filesystem::path& path : unfinished) std::filesystem::remove(path, error);
  std::ranges::sort(segments, {},
                    [](const std::filesystem::path& path) { return *NumberOf(path); });
  for (const std::filesystem::path& path : segments) RETURN_IF_ERROR(TakeUpSegment(path));
  for (const std::filesystem::path& path : open_frames) {
    const bool needed = std::ranges::any_of(
        segments_, [&](const Segment& segment) { return OpenFramePath(segment.chain_id) == path; });
    if (!needed) std::filesystem::remove(path, error);
  }
  return {};
}

Result<> Spool::TakeUpSegment(const std::filesystem::path& path) {
  segment_number_ = *NumberOf(path) + 1;
  ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, ReadFile(path, kSegmentFileBytesMax));
  Segment segment{.path = path, .chain_id = {}, .first_sequence = 0, .ends = {}};
  std::uint32_t offset = 0;
  while (offset < bytes.size()) {
    const std::span<const std::byte> rest = std::span(bytes).subspan(offset);
    const Result<wire::FrameHeader> header = wire::DecodeFrameHeader(rest);
    if (!header || header->frame_bytes > rest.size()) break;
    if (segment.ends.empty()) {
      segment.chain_id = header->chain_id;
      segment.first_sequence = header->sequence;
    } else if (header->chain_id != segment.chain_id ||
               header->sequence != segment.first_sequence + segment.ends.size()) {
      break;
    }
    offset += header->frame_bytes;
    segment.ends.push_back(offset);
  }
  cut_bytes_ += bytes.size() - offset;
  if (offset < bytes.size() && ::truncate(path.c_str(), offset) != 0) {
    return FailErrno(errno, "{}: cannot cut off what is torn", path.string());
  }
  if (segment.ends.empty()) {
    if (::unlink(path.c_str()) != 0) return FailErrno(errno, "{}: cannot remove", path.string());
    return {};
  }
  size_bytes_ += segment.size_bytes();
  segments_.push_back(std::move(segment));
  return {};
}

Result<> Spool::Append(std::span<const std::byte> frame) {
  ASSIGN_OR_RETURN(const wire::FrameHeader header, wire::DecodeFrameHeader(frame));
  const std::lock_guard lock(mutex_);
  // What says that something was lost, or that it is over, still goes in.
  const std::uint64_t reserve_bytes = header.kind == wire::FrameKind::kBatch ? 0 : kReserveBytes;
  if (size_bytes_ + frame.size() > options_.size_bytes_max + reserve_bytes) {
    return Fail(ErrorCode::kUnavailable, "{}: spool is full ({} bytes)", options_.folder.string(),
                size_bytes_);
  }
  if (header.kind != wire::FrameKind::kOpen) return AppendToSegment(header, frame);
  RETURN_IF_ERROR(KeepOpenFrame(frame, header.chain_id));
  Result<> appended = AppendToSegment(header, frame);
  if (!appended) ::unlink(OpenFramePath(header.chain_id).c_str());
  return appended;
}

Result<> Spool::AppendToSegment(const wire::FrameHeader& header, std::span<const std::byte> frame) {
  // What could not be let go is never written to again: its numbers would not be contiguous.
  if (writing_ == nullptr || segments_.back().size_bytes() >= kSegmentBytes ||
      segments_.back().chain_id != header.chain_id ||
      segments_.back().next_sequence() != header.sequence) {
    RETURN_IF_ERROR(StartSegment(header));
  }
  Segment& segment = segments_.back();
  const auto before = static_cast<std::uint32_t>(segment.size_bytes());
  if (const Result<> written = WriteAll(writing_->get(), frame, segment.path); !written) {
    SPOOR_CHECK(::ftruncate(writing_->get(), before) == 0)
        << segment.path << ": cannot take back half a frame: " << ErrnoText(errno);
    return NoRoom(written.error());
  }
  if (unsynced_.empty() || unsynced_.back() != writing_) unsynced_.push_back(writing_);
  segment.ends.push_back(before + static_cast<std::uint32_t>(frame.size()));
  size_bytes_ += frame.size();
  changed_.notify_all();
  return {};
}

Result<> Spool::KeepOpenFrame(std::span<const std::byte> frame, const wire::ChainId& chain_id) {
  const std::filesystem::path path = OpenFramePath(chain_id);
  Result<> kept = WriteFileAtomically(path, frame, 0600);
  return kept ? kept : NoRoom(kept.error());
}

Result<> Spool::StartSegment(const wire::FrameHeader& header) {
  const std::filesystem::path path =
      options_.folder / fmt::format("{:012}{}", segment_number_, kSegmentSuffix);
  Result<FileDescriptor> file = OpenFile(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0600);
  if (!file) return NoRoom(file.error());
  writing_ = std::make_shared<FileDescriptor>(*std::move(file));
  folder_unsynced_ = true;
  ++segment_number_;
  segments_.push_back(
      {.path = path, .chain_id = header.chain_id, .first_sequence = header.sequence, .ends = {}});
  return {};
}

Result<> Spool::Sync() {
  std::vector<std::shared_ptr<FileDescriptor>> files;
  bool folder = false;
  {
    const std::lock_guard lock(mutex_);
    // What is off the host needs no disk any more.
    const auto is_released = [](const Segment& segment) {
      return segment.released_count == segment.ends.size();
    };
    if (std::ranges::all_of(segments_, is_released)) return {};
    files = std::exchange(unsynced_, {});
    folder = std::exchange(folder_unsynced_, false);
  }
  for (const auto& file : files) {
    if (::fdatasync(file->get()) != 0) {
      return FailErrno(errno, "{}: cannot sync", options_.folder.string());
    }
  }
  return folder ? SyncFolder(options_.folder) : Result<>{};
}

Result<std::optional<Spool::Parcel>> Spool::Oldest(std::size_t size_bytes_max,
                                                   const std::optional<Place>& from) {
  Parcel parcel;
  std::vector<Range> ranges;
  {
    const std::lock_guard lock(mutex_);
    ranges = PickRanges(size_bytes_max, from, parcel);
  }
  if (ranges.empty()) return std::optional<Parcel>();
  // Without the lock: what is picked is neither changed nor removed but by Release, which is for
  // this thread.
  std::uint64_t size_bytes = 0;
  for (const Range& range : ranges) size_bytes += range.end - range.begin;
  parcel.frames.reserve(size_bytes);
  for (const Range& range : ranges) {
    RETURN_IF_ERROR(ReadRange(range.path, range.begin, range.end, parcel.frames));
  }
  return std::optional(std::move(parcel));
}

std::vector<Spool::Range> Spool::PickRanges(std::size_t size_bytes_max,
                                            const std::optional<Place>& from,
                                            Parcel& parcel) const {
  std::vector<Range> ranges;
  if (segments_.empty()) return ranges;
  parcel.chain_id = segments_.front().chain_id;
  const std::uint64_t least = from && from->chain_id == parcel.chain_id ? from->next_sequence : 0;
  std::uint64_t size_bytes = 0;
  for (const Segment& segment : segments_) {
    if (segment.chain_id != parcel.chain_id) break;
    std::size_t first = segment.released_count;
    if (least > segment.first_sequence) first = std::max(first, least - segment.first_sequence);
    if (first >= segment.ends.size()) continue;
    // Frames that were refused or never written make a hole; a parcel has none.
    if (!ranges.empty() && segment.first_sequence + first != parcel.end_sequence) break;
    std::size_t end = first;
    while (end < segment.ends.size() &&
           ((ranges.empty() && end == first) ||
            size_bytes + segment.ends[end] - segment.begin_of(first) <= size_bytes_max)) {
      ++end;
    }
    parcel.more_follow = end < segment.ends.size() || end == first;
    if (end == first) break;
    if (ranges.empty()) parcel.first_sequence = segment.first_sequence + first;
    parcel.end_sequence = segment.first_sequence + end;
    ranges.push_back({segment.path, segment.begin_of(first), segment.begin_of(end)});
    size_bytes += segment.begin_of(end) - segment.begin_of(first);
    if (parcel.more_follow) break;
  }
  return ranges;
}

std::optional<std::uint64_t> Spool::FirstSequenceOf(const wire::ChainId& chain_id) const {
  const std::lock_guard lock(mutex_);
  for (const Segment& segment : segments_) {
    if (segment.chain_id != chain_id || segment.released_count == segment.ends.size()) continue;
    return segment.first_sequence + segment.released_count;
  }
  return std::nullopt;
}

Result<std::optional<std::vector<std::byte>>> Spool::OpenFrameOf(const wire::ChainId& chain_id) {
  Result<std::vector<std::byte>> frame = ReadFile(OpenFramePath(chain_id), wire::kFrameBytesMax);
  if (frame) return std::optional(*std::move(frame));
  if (frame.error().code == ErrorCode::kNotFound) return std::optional<std::vector<std::byte>>();
  return tl::unexpected<Error>(std::move(frame).error());
}

Result<std::uint64_t> Spool::Release(const wire::ChainId& chain_id, std::uint64_t next_sequence) {
  const std::lock_guard lock(mutex_);
  std::uint64_t released_count = 0;
  while (!segments_.empty() && segments_.front().chain_id == chain_id) {
    Segment& segment = segments_.front();
    if (next_sequence <= segment.first_sequence) break;
    const std::size_t before = segment.released_count;
    segment.released_count = std::max(
        before, std::min<std::size_t>(segment.ends.size(), next_sequence - segment.first_sequence));
    released_count += segment.released_count - before;
    if (segment.released_count < segment.ends.size() || segment.ends.empty()) break;
    RETURN_IF_ERROR(RemoveFront());
  }
  return released_count;
}

Result<> Spool::RemoveFront() {
  const Segment segment = std::move(segments_.front());
  segments_.pop_front();
  size_bytes_ -= segment.size_bytes();
  if (segments_.empty()) writing_.reset();
  if (::unlink(segment.path.c_str()) != 0) {
    return FailErrno(errno, "{}: cannot remove", segment.path.string());
  }
  // The chain that is being written keeps its open frame: more of it may come.
  if (!segments_.empty() && segments_.front().chain_id != segment.chain_id) {
    ::unlink(OpenFramePath(segment.chain_id).c_str());
  }
  return {};
}

std::filesystem::path Spool::OpenFramePath(const wire::ChainId& chain_id) const {
  return options_.folder / (wire::FormatChainId(chain_id) + std::string(kOpenSuffix));
}

void Spool::WaitForFrame(std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  if (!segments_.empty() && !segments_.front().ends.empty()) return;
  changed_.wait_for(lock, at_most);
}

void Spool::Wake() {
  const std::lock_guard lock(mutex_);
  changed_.notify_all();
}

Spool::Level Spool::level() const {
  const std::lock_guard lock(mutex_);
  Level level;
  for (const Segment& segment : segments_) {
    level.frame_count += segment.ends.size() - segment.released_count;
    level.bytes += segment.size_bytes() - segment.begin_of(segment.released_count);
  }
  return level;
}

}  // namespace spoor::sensor
