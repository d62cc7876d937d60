// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/file.hpp"
#include "base/result.hpp"
#include "capture/live_source.hpp"
#include "packets/capture_writer.hpp"
#include "sensor/batch_writer.hpp"
#include "wire/batch.hpp"

namespace spoor::capture {

/// Where recordings of packets go, one after the other. Called from the recorder's thread.
struct CaptureTarget {
  struct Recording {
    wire::RecordingId recording_id{};
    sensor::BatchSink sink;
  };
  /// Begins another recording.
  std::function<Result<Recording>()> begin;
  /// All of it was handed over. `last`: no other will begin.
  std::function<Result<>(const std::string& reason, bool last)> end;
};

struct CaptureRecorderOptions {
  packets::CaptureInterface interface;  ///< without its link type
  std::string description;              ///< ingest::ImportDescriptionJson
  /// Whether a packet is left out.
  std::function<bool(const packets::CapturedPacket&)> is_own{};
  /// Called once, when no more can be captured.
  std::function<void(const Error&)> failed{};
  std::uint64_t recording_bytes_max = 256 << 20;
  std::size_t seal_bytes = 192 << 10;           ///< sealed when there are so many …
  std::int64_t seal_interval_ns = 200'000'000;  ///< … or the first is this old
  std::int64_t statistics_interval_ns = 1'000'000'000;
  /// Statistics go into the log at least so often, so that who watches sees that we are there.
  std::int64_t beat_interval_ns = 10'000'000'000;
};

/// From an interface to batches, on a thread of its own: packets become the bytes of a pcapng file,
/// with statistics that say what was dropped. While the target is behind, packets stay in the
/// kernel, where those are counted that find no room. Finish once.
class CaptureRecorder {
 public:
  CaptureRecorder(std::unique_ptr<LiveSource> source, CaptureTarget target,
                  CaptureRecorderOptions options);
  CaptureRecorder(const CaptureRecorder&) = delete;
  CaptureRecorder& operator=(const CaptureRecorder&) = delete;
  /// As Finish, without its answer.
  ~CaptureRecorder();

  struct Summary {
    std::uint64_t packet_count = 0;
    std::uint64_t own_packet_count = 0;  ///< left out
    LiveSource::Counts counts;
  };
  /// Takes what the kernel has, closes the recording with `reason` and waits for the target. Fails:
  /// what ended the capture before, or what the target failed with.
  Result<Summary> Finish(const std::string& reason);

 private:
  struct Open {
    std::unique_ptr<sensor::BatchWriter> writer;
    packets::CaptureWriter format;
    std::uint64_t bytes = 0;
    LiveSource::Counts before;  ///< when it began
  };
  void Run();
  Result<> Record();
  Result<> Begin();
  Result<> End(const std::string& reason, bool last, const std::string& ended_early);
  Result<> TakeDelivered();
  Result<> TakeRest();
  Result<> AppendStatistics();
  Result<> Seal();
  bool WaitForPackets();
  void Take(const packets::CapturedPacket& packet);

  const std::unique_ptr<LiveSource> source_;
  const CaptureTarget target_;
  CaptureRecorderOptions options_;
  FileDescriptor stop_;  ///< readable when it is to end
  std::mutex reason_mutex_;
  std::string reason_;  ///< why it is to end
  // Of the thread:
  std::optional<Open> open_;
  std::string pending_;
  std::uint64_t pending_since_boot_ns_ = 0, statistics_boot_ns_ = 0;
  std::uint64_t packets_since_statistics_ = 0;
  Summary summary_;
  Result<> outcome_;
  std::thread thread_;
};

}  // namespace spoor::capture
