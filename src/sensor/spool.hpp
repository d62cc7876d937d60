// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"
#include "wire/seal_frame.hpp"

namespace spoor::sensor {

/// Sealed frames on disk between the sealer and the collector: bounded, in order, and outliving
/// the sensor. What is in it nobody on this host can read (frames are encrypted under keys that
/// are gone). Append is for one thread, Sync for one, the rest for another.
class Spool {
 public:
  struct Options {
    std::filesystem::path folder;
    std::uint64_t size_bytes_max = 1 << 30;  ///< of batches; a little more for their loss
  };
  /// Opens or creates; takes up what an earlier run left. Frames that are torn or damaged are cut
  /// off with all behind them in their file: cut_bytes() says how much.
  /// Fails: kUnavailable (another sensor uses it), kIo.
  static Result<std::unique_ptr<Spool>> Open(const Options& options);

  /// Fails: kUnavailable (the bound is reached or the disk takes no more; nothing of it stays).
  Result<> Append(std::span<const std::byte> frame);
  /// Makes what was appended and not let go survive a power cut.
  Result<> Sync();

  /// A place between two frames of a chain.
  struct Place {
    wire::ChainId chain_id{};
    std::uint64_t next_sequence = 0;
  };
  /// Frames of one chain, one after the other.
  struct Parcel {
    wire::ChainId chain_id{};
    std::uint64_t first_sequence = 0;
    std::uint64_t end_sequence = 0;  ///< of the first frame behind it
    bool more_follow = false;        ///< the chain has that one already
    std::vector<std::byte> frames;
  };
  /// The oldest frames, at least one and not more than `size_bytes_max` if several; nothing when
  /// the spool is empty. With `from` in the oldest chain: those from there on. Fails: kIo.
  Result<std::optional<Parcel>> Oldest(std::size_t size_bytes_max,
                                       const std::optional<Place>& from = std::nullopt);
  /// The oldest frame that is not let go, if it is in this chain.
  std::optional<std::uint64_t> FirstSequenceOf(const wire::ChainId& chain_id) const;
  /// The open frame of a chain that still has frames here, without which a collector that does not
  /// know the chain cannot read them; nothing when it is lost.
  Result<std::optional<std::vector<std::byte>>> OpenFrameOf(const wire::ChainId& chain_id);
  /// Lets go of the chain's frames below `next_sequence`; returns how many these were.
  Result<std::uint64_t> Release(const wire::ChainId& chain_id, std::uint64_t next_sequence);

  /// Waits until there is something, the time is over, or Wake was called.
  void WaitForFrame(std::chrono::milliseconds at_most);
  void Wake();

  struct Level {
    std::uint64_t frame_count = 0;
    std::uint64_t bytes = 0;
  };
  Level level() const;
  std::uint64_t cut_bytes() const { return cut_bytes_; }

 private:
  struct Segment {
    std::filesystem::path path;
    wire::ChainId chain_id{};
    std::uint64_t first_sequence = 0;
    std::vector<std::uint32_t> ends;  ///< offset behind each frame
    std::size_t released_count = 0;   ///< frames at the front that are let go
    std::uint64_t size_bytes() const { return ends.empty() ? 0 : ends.back(); }
    std::uint64_t begin_of(std::size_t frame) const { return frame == 0 ? 0 : ends[frame - 1]; }
    std::uint64_t next_sequence() const { return first_sequence + ends.size(); }
  };
  struct Range {
    std::filesystem::path path;
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
  };
  std::vector<Range> PickRanges(std::size_t size_bytes_max, const std::optional<Place>& from,
                                Parcel& parcel) const;

  Spool(Options options, FileLock lock) : options_(std::move(options)), lock_(std::move(lock)) {}
  Result<> TakeUp();
  Result<> TakeUpSegment(const std::filesystem::path& path);
  Result<> AppendToSegment(const wire::FrameHeader& header, std::span<const std::byte> frame);
  Result<> StartSegment(const wire::FrameHeader& header);
  Result<> KeepOpenFrame(std::span<const std::byte> frame, const wire::ChainId& chain_id);
  Result<> RemoveFront();
  std::filesystem::path OpenFramePath(const wire::ChainId& chain_id) const;

  const Options options_;
  const FileLock lock_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Segment> segments_;  ///< in the order they were begun
  /// The last segment, when it is being written. Shared, so that a sync, which may take long, need
  /// not keep the reader of the spool out.
  std::shared_ptr<FileDescriptor> writing_;
  std::vector<std::shared_ptr<FileDescriptor>> unsynced_;
  bool folder_unsynced_ = false;
  std::uint64_t size_bytes_ = 0;  ///< of segment files
  std::uint64_t segment_number_ = 0;
  std::uint64_t cut_bytes_ = 0;
};

}  // namespace spoor::sensor
