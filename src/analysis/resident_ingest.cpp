// SPDX-License-Identifier: Apache-2.0
#include "analysis/resident_ingest.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "analysis/open_store.hpp"
#include "base/inside.hpp"
#include "ingest/catch_up.hpp"

namespace spoor::analysis {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLookInterval{50};
/// How often to look though nothing was written: whether a recording has lost its writer, whether
/// what failed can be done now.
constexpr std::chrono::seconds kLookAgainInterval{5};
/// The same where another one is resident and is not done.
constexpr std::chrono::milliseconds kFollowInterval{200};
constexpr std::chrono::seconds kRestMax{1};
/// Of evidence, which is compressed, before it is published: some seconds of work.
constexpr std::uint64_t kBytesAtOnceMax = 16 << 20;

/// Another one is another file, or another time.
struct CheckpointSign {
  ino_t inode = 0;
  std::int64_t mtime_s = 0, mtime_ns = 0;
  bool operator==(const CheckpointSign&) const = default;
};

CheckpointSign SignOf(const StoreLayout& store) {
  const auto file = OpenInside(store.root, store.evidence() / "checkpoint", O_RDONLY);
  struct stat status {};
  if (!file || ::fstat(file->get(), &status) != 0) return {};
  return {
      .inode = status.st_ino, .mtime_s = status.st_mtim.tv_sec, .mtime_ns = status.st_mtim.tv_nsec};
}

class Resident final : public ResidentIngest {
 public:
  explicit Resident(Options options) : options_(std::move(options)) {
    thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
  }
  ~Resident() override { Stop(); }

  void Stop() override {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
    sign_.reset();
  }

 private:
  void Run(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any changed;
    const auto sleep = [&](Clock::duration time) {
      std::unique_lock lock(mutex);
      changed.wait_for(lock, stop, time, [] { return false; });
    };
    CheckpointSign seen;
    Clock::time_point look_again = Clock::now();
    while (!stop.stop_requested()) {
      const CheckpointSign sign = SignOf(options_.store);
      if (sign == seen && Clock::now() < look_again) {
        sleep(kLookInterval);
        continue;
      }
      // Read before the log is: what is written meanwhile makes another one.
      seen = sign;
      const Clock::time_point begin = Clock::now();
      if (CatchUpOnce(stop)) seen = {};  // there is more
      const Clock::time_point end = Clock::now();
      look_again = end + (follows_ ? Clock::duration(kFollowInterval) : kLookAgainInterval);
      if (seen == sign) sleep(std::min<Clock::duration>(end - begin, kRestMax));
    }
  }

  /// Whether there is more to be read.
  bool CatchUpOnce(const std::stop_token& stop) {
    follows_ = false;
    // A store that nothing arrives in is not written to.
    const Result<ingest::EntryRange> left = ingest::NotIngested(options_.store);
    if (!sign_ && left && left->begin == left->end) return false;
    if (!sign_) {
      Result<FileLock> sign = ingest::BecomeResident(options_.store);
      follows_ = !sign && sign.error().code == ErrorCode::kUnavailable;
      if (follows_) return false;
      // Where it may not write: as CatchUp says.
      if (sign) sign_.emplace(*std::move(sign));
    }
    const Result<ingest::CatchUpSummary> summary =
        ingest::CatchUp(options_.store,
                        {.importers = MakeImporter,
                         .wait_for_rebuild = false,
                         .enough = [](std::uint64_t bytes) { return bytes >= kBytesAtOnceMax; },
                         .cancelled = [&stop] { return stop.stop_requested(); }},
                        {});
    if (summary) {
      failed_because_.clear();
      for (const std::string& why : summary->not_continued) {
        Tell(why + "; its recording was read again from its first entry");
      }
      return summary->more;
    }
    const bool nothing_yet = summary.error().code == ErrorCode::kNotFound;
    if (nothing_yet || stop.stop_requested()) return false;
    if (summary.error().message != failed_because_) {
      failed_because_ = summary.error().message;
      Tell("new evidence is not in the answers: " + failed_because_);
    }
    return false;
  }

  void Tell(const std::string& sentence) const {
    if (options_.tell) options_.tell(sentence);
  }

  const Options options_;
  std::optional<FileLock> sign_;  ///< that we are resident
  bool follows_ = false;          ///< another one is
  std::string failed_because_;
  std::jthread thread_;  // the last, so that it ends first
};

}  // namespace

std::unique_ptr<ResidentIngest> ResidentIngest::Start(Options options) {
  return std::make_unique<Resident>(std::move(options));
}

}  // namespace spoor::analysis
