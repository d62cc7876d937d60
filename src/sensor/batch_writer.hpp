// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "wire/batch.hpp"
#include "wire/batch_sealer.hpp"

namespace spoor::sensor {

/// Where encoded batches go. Both are called from one thread only, never at the same time.
struct BatchSink {
  /// Takes one batch; the bytes live only during the call.
  wire::BatchSealer::Sink append;
  /// Makes durable what was appended.
  std::function<Result<>()> flush;
};

/// Compresses, seals and appends on a thread of its own, so that draining the kernel never waits
/// for a disk. What waits is bounded; the first failure of the sink ends it for good.
class BatchWriter {
 public:
  struct Options {
    std::size_t queue_bytes_max = 64 << 20;
    /// Between two flushes, but for the last: batches may come a hundred times as often.
    std::int64_t flush_interval_ns = 200'000'000;
  };
  BatchWriter(const wire::RecordingId& recording_id, BatchSink sink, const Options& options);
  BatchWriter(const BatchWriter&) = delete;
  BatchWriter& operator=(const BatchWriter&) = delete;
  /// As Finish, without its answer.
  ~BatchWriter();

  /// False when the queue is full: what comes next should stay where it is.
  bool HasRoom() const;
  /// Queues a payload for BatchSealer::Seal, even when the queue is full.
  /// Fails with what the sink failed with before.
  Result<> Push(wire::BatchKind kind, std::vector<std::byte> payload,
                const wire::BatchSealer::Moment& moment);
  /// Waits until all of it is appended and flushed. Fails: what the sink failed with.
  Result<> Finish();

  struct Counts {
    std::uint64_t batch_count = 0;
    std::uint64_t encoded_bytes = 0;
  };
  Counts counts() const;  ///< appended

 private:
  struct Pending {
    wire::BatchKind kind;
    std::vector<std::byte> payload;
    wire::BatchSealer::Moment moment;
  };
  void Run();
  bool WaitForWork(std::unique_lock<std::mutex>& lock);
  Result<> FlushIfDue(bool last);

  const Options options_;
  const BatchSink sink_;
  // Of the thread.
  wire::BatchSealer sealer_;
  std::int64_t last_flush_ns_ = 0;
  bool unflushed_ = false;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Pending> queue_;  // under mutex_, like all below
  std::size_t queued_bytes_ = 0;
  bool finishing_ = false;
  std::optional<Error> error_;
  Counts counts_;
  std::thread thread_;
};

}  // namespace spoor::sensor
