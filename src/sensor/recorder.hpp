// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "sensor/batch_writer.hpp"
#include "sensor/kernel_source.hpp"

namespace spoor::sensor {

/// What is said about a recording in its first batch (docs/formats/batch.md).
struct RecordingOptions {
  KernelSourceOptions source;  ///< as the source was opened with
  std::string spoor_version;
  std::string profile;
  std::vector<std::string> command_line;  ///< of the recorder
  std::vector<std::string> command;       ///< the recorded COMMAND, if there is one

  std::size_t seal_payload_bytes = 192 << 10;   ///< a batch is sealed when it holds that many …
  std::int64_t seal_interval_ns = 200'000'000;  ///< … or its first record is this old
  std::int64_t canary_interval_ns = 0;          ///< between the canaries that are made; 0: none
  BatchWriter::Options writer;
};

/// From kernel chunks to batches: one recording. Start once, Drain about every 20 ms and when the
/// source has something urgent, Finish once.
/// Not thread-safe (it has a thread of its own for the sink).
class Recorder {
 public:
  /// `source`: opened, not attached; outlives the recorder.
  Recorder(KernelSource& source, const wire::RecordingId& recording_id, BatchSink sink,
           RecordingOptions options);

  /// Attaches, and hands over the recording's description and the baseline.
  Result<> Start();
  /// Takes what the kernel has. Leaves it there, where losses are counted, while the sink is
  /// behind. With `urgent` what there is, is sealed at once and not when there is more.
  /// Fails: the source's error, or the sink's (nothing more can be stored then).
  Result<> Drain(bool urgent = false);
  /// Detaches, takes the rest, closes the recording with `reason` and waits for the sink. Processes
  /// of a recorded tree that still run are counted in the closing: nobody looks at them any more.
  /// Everything that can still be stored is, whatever fails; returns the first failure.
  Result<> Finish(const std::string& reason);

  struct Summary {
    std::uint64_t record_count = 0;
    KernelSource::Loss loss;
    BatchWriter::Counts written;
    std::uint64_t left_running_count = 0;  ///< of the recorded trees, when it was finished
  };
  Summary summary() const;
  const wire::RecordingId& recording_id() const { return recording_id_; }

 private:
  Result<> TakeDelivered();
  Result<> TakeRest();
  Result<> AppendLoss(bool even_if_unchanged);
  Result<> Seal();
  std::string DescribeOpening() const;
  std::string DescribeClosing(const std::string& reason) const;

  KernelSource& source_;
  const RecordingOptions options_;
  const wire::RecordingId recording_id_;
  BatchWriter writer_;
  std::vector<std::byte> pending_;
  std::uint64_t pending_since_boot_ns_ = 0;  // nothing of it is older
  std::uint64_t drained_boot_ns_ = 0;        // when the last drain began
  std::uint64_t complete_until_boot_ns_ = 0;
  bool mark_is_behind_ = false;  // a batch may hold records that its mark does not cover
  std::uint64_t record_count_ = 0;
  std::uint64_t loss_sequence_ = 0;
  std::uint64_t left_running_count_ = 0;
  KernelSource::Loss loss_;
};

}  // namespace spoor::sensor
