// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ingest/catch_up.hpp"
#include "ingest/network_rows.hpp"
#include "ingest/normaliser.hpp"
#include "ingest/record_decoder.hpp"
#include "schema/loss_class.hpp"
#include "store/catalog.hpp"
#include "store/segment_writer.hpp"
#include "wire/batch.hpp"
#include "wire/retention.hpp"

namespace spoor::ingest {

/// One recording on its way from batches to segments. Not thread-safe.
class RecordingIngest {
 public:
  /// `generation`: of the segments' names.
  static Result<std::unique_ptr<RecordingIngest>> Begin(const StoreLayout& layout,
                                                        const CatchUpOptions& options,
                                                        const wire::RecordingId& recording_id,
                                                        std::uint64_t generation,
                                                        std::uint64_t entry_index);

  /// Before the first Take: the recording's beginning was removed from the evidence, and `before`
  /// is what was carried over of it. What was between becomes a row of gap; of an imported file
  /// nothing is read that comes after what was removed.
  Result<> Resume(const wire::CarriedRecording& before);

  /// Takes the recording's next batch. `entry_bytes`: its size in the evidence.
  Result<> Take(const wire::Batch& batch, std::uint64_t entry_index, const wire::Sha256& sha256,
                std::uint64_t entry_bytes);

  /// There are no more batches for now. `over`: and there will be none, though it was not closed.
  Result<> End(bool over);

  bool closed() const { return closed_; }
  std::uint64_t first_entry() const { return first_entry_; }
  std::uint64_t event_count() const { return normaliser_->event_count(); }
  std::uint64_t last_entry() const { return last_entry_; }
  const std::string& recording_id() const { return recording_id_; }
  std::vector<store::Segment>& segments() { return segments_; }

 private:
  RecordingIngest() = default;
  void Open(const wire::Batch& batch);
  /// Of an import: what comes after batches that are not there.
  void TakeMissing(std::uint64_t batch_index);
  Result<> Decode(const wire::Batch& batch, const wire::Sha256& sha256);
  void Normalise();
  void FlushRows();
  void WriteMalformed();
  void WriteBatch(const wire::Batch& batch, std::uint64_t entry_bytes, std::uint64_t record_count);
  void WriteGap(std::uint64_t from_boot_ns, std::uint64_t until_boot_ns,
                schema::LossClass loss_class, std::string_view reason);
  void WriteRecording();

  const CatchUpOptions* options_ = nullptr;
  std::string recording_id_;
  std::uint64_t first_entry_ = 0, last_entry_ = 0, first_unwritten_entry_ = 0;
  std::unique_ptr<store::SegmentWriter> rows_;
  std::unique_ptr<Normaliser> normaliser_;
  std::unique_ptr<NetworkRows> network_;  // of an import
  event::Findings findings_;              // decoded, not in rows yet
  event::SourceCounts source_counts_;     // of an import that was read to its end
  std::vector<store::Segment> segments_;

  RecordDecoder decoder_;
  std::optional<Result<std::unique_ptr<event::EventSource>>> importer_;  // empty: failed before
  bool opened_ = false;
  bool closed_ = false;
  std::uint64_t left_running_count_ = 0;  // as its closing says
  bool import_ = false;
  bool removed_before_ = false;  ///< and the next batch is the first that is left
  std::string description_;
  std::string host_, boot_id_, profile_;
  std::uint64_t next_batch_index_ = 0;
  std::uint64_t first_boot_ns_ = 0, last_boot_ns_ = 0;
  std::int64_t first_wall_ns_ = 0, last_wall_ns_ = 0;
  std::uint64_t complete_until_boot_ns_ = 0;
};

}  // namespace spoor::ingest
