// SPDX-License-Identifier: Apache-2.0
#include "sensor/batch_writer.hpp"

#include <utility>

#include "base/time.hpp"

namespace spoor::sensor {

BatchWriter::BatchWriter(const wire::RecordingId& recording_id, BatchSink sink,
                         const Options& options)
    : options_(options),
      sink_(std::move(sink)),
      sealer_(recording_id, sink_.append),
      last_flush_ns_(static_cast<std::int64_t>(BootNow())),
      thread_([this] { Run(); }) {}

BatchWriter::~BatchWriter() {
  static_cast<void>(Finish());
}

bool BatchWriter::HasRoom() const {
  const std::lock_guard lock(mutex_);
  return queued_bytes_ < options_.queue_bytes_max;
}

Result<> BatchWriter::Push(wire::BatchKind kind, std::vector<std::byte> payload,
                           const wire::BatchSealer::Moment& moment) {
  const std::lock_guard lock(mutex_);
  if (error_) return tl::unexpected<Error>(*error_);
  queued_bytes_ += payload.size();
  queue_.push_back({kind, std::move(payload), moment});
  changed_.notify_one();
  return {};
}

Result<> BatchWriter::Finish() {
  {
    const std::lock_guard lock(mutex_);
    finishing_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(mutex_);
  if (error_) return tl::unexpected<Error>(*error_);
  return {};
}

BatchWriter::Counts BatchWriter::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void BatchWriter::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return finishing_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const Pending pending = std::move(queue_.front());
    queue_.pop_front();
    const bool last = queue_.empty();
    lock.unlock();
    Result<> written = sealer_.Seal(pending.kind, pending.payload, pending.moment);
    const auto now_ns = static_cast<std::int64_t>(BootNow());
    if (written && (last || now_ns - last_flush_ns_ >= options_.flush_interval_ns)) {
      written = sink_.flush();
      last_flush_ns_ = now_ns;
    }
    lock.lock();
    queued_bytes_ -= pending.payload.size();
    counts_ = {.batch_count = sealer_.batch_count(), .encoded_bytes = sealer_.encoded_bytes()};
    if (!written) {
      error_ = std::move(written).error();
      return;
    }
  }
}

}  // namespace spoor::sensor
