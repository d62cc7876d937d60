// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "base/store_layout.hpp"
#include "collector/ledger.hpp"
#include "collector/quota.hpp"
#include "collector/retention.hpp"
#include "collector/turns.hpp"
#include "evidence/log.hpp"
#include "wire/batch_sealer.hpp"

namespace spoor::collector {

/// What a sensor is told (docs/formats/transport.md).
struct Reply {
  int status = 200;                            ///< HTTP
  std::optional<std::uint64_t> next_sequence;  ///< durable up to before this one
  std::string error;
  int retry_after_seconds = 0;
};

/// From received frames to durable evidence. One thread decides and appends for all sensors, for
/// each in its turn: under one checkpoint it does at most so much for one of them. What waits while
/// it syncs goes into its next checkpoint together. All methods may be called from any thread.
class Intake {
 public:
  struct Options {
    StoreLayout store;
    keys::KeyPointer escrow_private;
    std::string origin{};                     ///< the log's name, as evidence::LogOptions says
    keys::CertificatePointer root = nullptr;  ///< of the authority; null: certificates not asked
    bool append_only_attribute = false;       ///< evidence::LogOptions
    std::size_t queue_bytes_max = 128 << 20;  ///< what waits beyond this is told to come later
    std::size_t group_bytes_max = 8 << 20;    ///< at most that much under one checkpoint
    /// Frames that a sensor may add (Quota). Beyond it they are not taken, and told to come later.
    std::uint64_t sensor_bytes_per_day = 0;  ///< 0: no limit
    /// Says what the operator must know: one line.
    std::function<void(const std::string&)> narrate{};
  };
  /// Opens the store's log for writing and takes up where every chain stood.
  /// Fails: kUnavailable (another writer), kUnverified (the log, or what is in it), kIo.
  static Result<std::unique_ptr<Intake>> Open(Options options);
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;
  /// Stops.
  ~Intake();

  struct SubmitOptions {
    std::uint64_t sequence = 0;  ///< of the first frame
    bool after_gap = false;      ///< the sensor cannot deliver what is before it
    /// Return what came of the submission before this one of the same chain, at once if that is
    /// known: the sensor sends on while this one becomes durable.
    bool pipelined = false;
  };
  /// `frames`: one or more of one chain. Returns when what was taken is durable, or refused.
  Reply Submit(const std::string& sensor, const SubmitOptions& options, std::string frames);
  /// Carries out a retention plan made for this log, between two groups of frames. Returns the
  /// bytes removed. Fails: kIo, kUnavailable (stopping, or the log is closed since an error).
  Result<std::uint64_t> Retain(const RetentionPlan& plan);
  Reply PositionOf(const std::string& sensor, const wire::ChainId& chain_id) const;

  struct Counts {
    std::uint64_t frames_taken = 0;
    std::uint64_t frames_duplicate = 0;
    std::uint64_t frames_refused = 0;
    std::uint64_t checkpoints = 0;
    std::uint64_t log_size = 0;  ///< entries under the last checkpoint
    std::size_t chains = 0;
    /// Sensors whose frames were last told to come later, as their quota is used up.
    std::set<std::string> over_quota{};
  };
  Counts counts() const;
  /// Finishes what waits, closes the log. Later submissions are told to come later.
  void Stop();

 private:
  struct Submission {
    std::string sensor;
    std::uint64_t number = 0;
    bool after_gap = false;
    std::string frames;
    wire::ChainId chain_id{};
    std::promise<Reply> reply;
    Reply decided;
    std::size_t done_bytes = 0;  ///< of `frames`: decided
    bool waits = false;          ///< the sensor's turn ended before it was done
  };
  /// A submission that is not answered yet; shared between the one who made it and the next.
  struct Waiting {
    std::uint64_t number = 0;
    std::shared_future<Reply> reply;
  };
  explicit Intake(Options options)
      : options_(std::move(options)), quota_(options_.sensor_bytes_per_day) {}
  Result<> OpenLog();
  Result<> OpenLogAgain();
  void Run();
  bool TakeRetention();
  std::deque<Submission> TakeGroup();
  void Commit(std::deque<Submission>& group);
  Result<> TryCommit(std::deque<Submission>& group);
  Result<> Decide(Submission& submission);
  bool WithinQuota(Submission& submission, std::span<const std::byte> frame);
  Result<> Keep(const std::vector<CollectedRecord>& records);
  bool MayRecordRefusal(const std::string& sensor);
  Result<> SealAccount();
  void Publish(std::deque<Submission>& group);
  void PutBack(std::deque<Submission>& group);
  void Answer(Submission& submission, Reply reply);

  const Options options_;
  // Only the committing thread's, once it runs.
  std::unique_ptr<evidence::LogWriter> log_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<wire::BatchSealer> account_sealer_;
  std::vector<std::byte> account_;
  struct Refusals {
    std::int64_t last_recorded_wall_ns = 0;
    std::uint64_t unrecorded_count = 0;
  };
  std::map<std::string, Refusals> refusals_;
  Quota quota_;
  std::map<std::string, std::int64_t> over_quota_narrated_wall_ns_;
  Counts group_counts_;
  std::map<std::string, std::size_t> turn_bytes_;  ///< what was done for each sensor in this group
  std::uint64_t next_attempt_boot_ns_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Turns<Submission> queue_;  ///< by sensor
  std::uint64_t submission_number_ = 0;
  std::map<std::pair<std::string, wire::ChainId>, Waiting> last_;  ///< of each sensor and chain
  std::size_t queue_bytes_ = 0;
  bool stopping_ = false;
  struct RetentionRequest {
    explicit RetentionRequest(const RetentionPlan& wanted) : plan(&wanted) {}
    const RetentionPlan* plan;  ///< lives until the promise is kept
    std::promise<Result<std::uint64_t>> removed_bytes;
  };
  std::optional<RetentionRequest> retention_;
  std::map<wire::ChainId, Ledger::Position> durable_;  ///< positions under a checkpoint
  Counts counts_;
  std::thread thread_;
};

}  // namespace spoor::collector
