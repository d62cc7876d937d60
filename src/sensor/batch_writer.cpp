// SPDX-License-Identifier: Apache-2.0
#include "sensor/batch_writer.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/time.hpp"

namespace spoor::sensor {

BatchWriter::BatchWriter(const wire::RecordingId& recording_id, BatchSink sink,
                         const Options& options)
    : options_(options),
      sink_(std::move(sink)),
      sealer_(recording_id, sink_.append),
      last_flush_ns_(static_cast<std::int64_t>(BootNow()) - options.flush_interval_ns),
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
  while (WaitForWork(lock)) {
    std::optional<Pending> pending;
    if (!queue_.empty()) {
      pending = std::move(queue_.front());
      queue_.pop_front();
    }
    const bool last = finishing_ && queue_.empty();
    lock.unlock();
    Result<> written;
    if (pending) written = sealer_.Seal(pending->kind, pending->payload, pending->moment);
    unflushed_ = unflushed_ || pending;
    if (written) written = FlushIfDue(last);
    lock.lock();
    if (pending) queued_bytes_ -= pending->payload.size();
    counts_ = {.batch_count = sealer_.batch_count(), .encoded_bytes = sealer_.encoded_bytes()};
    if (!written) {
      error_ = std::move(written).error();
      return;
    }
  }
}

// False when all is done.
bool BatchWriter::WaitForWork(std::unique_lock<std::mutex>& lock) {
  const auto has_work = [this] { return finishing_ || !queue_.empty(); };
  if (!unflushed_) {
    changed_.wait(lock, has_work);
  } else {
    const std::int64_t due_ns = last_flush_ns_ + options_.flush_interval_ns;
    const std::int64_t left_ns = due_ns - static_cast<std::int64_t>(BootNow());
    changed_.wait_for(lock, std::chrono::nanoseconds(std::max<std::int64_t>(left_ns, 0)), has_work);
  }
  return !finishing_ || !queue_.empty() || unflushed_;
}

Result<> BatchWriter::FlushIfDue(bool last) {
  const auto now_ns = static_cast<std::int64_t>(BootNow());
  if (!unflushed_ || (!last && now_ns - last_flush_ns_ < options_.flush_interval_ns)) return {};
  last_flush_ns_ = now_ns;
  unflushed_ = false;
  return sink_.flush();
}

}  // namespace spoor::sensor
