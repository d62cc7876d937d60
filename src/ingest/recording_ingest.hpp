// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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
///
/// A recording that goes on is paused: the next catch-up continues it. What is sealed does not
/// depend on when it was paused (docs/design/0015-ingest-goes-on.md).
class RecordingIngest {
 public:
  /// `generation`: of the segments' names.
  static Result<std::unique_ptr<RecordingIngest>> Begin(const StoreLayout& layout,
                                                        const CatchUpOptions& options,
                                                        const wire::RecordingId& recording_id,
                                                        std::uint64_t generation,
                                                        std::uint64_t entry_index);

  /// Goes on from the state that Pause put away. `segments`: those of the recording that are live.
  /// Fails: kNotFound, kCorrupt (not to be believed, whatever it is: the recording must be ingested
  /// from its beginning).
  static Result<std::unique_ptr<RecordingIngest>> Continue(
      const StoreLayout& layout, const CatchUpOptions& options,
      const store::IngestedRecording& recording, const std::vector<store::Segment>& segments,
      std::uint64_t generation);

  /// Before the first Take: the recording's beginning was removed from the evidence, and `before`
  /// is what was carried over of it. What was between becomes a row of gap; of an imported file
  /// nothing is read that comes after what was removed.
  Result<> Resume(const wire::CarriedRecording& before);

  /// Takes the recording's next batch. `entry_bytes`: its size in the evidence.
  Result<> Take(const wire::Batch& batch, std::uint64_t entry_index, const wire::Sha256& sha256,
                std::uint64_t entry_bytes);

  /// There are no more batches. `over`: and there will be none, though it was not closed. Fails:
  /// kCorrupt (as Continue), kIo.
  Result<> End(bool over);
  /// There are no more batches for now. An import that goes on has no state. Takes no more. Fails:
  /// as End.
  Result<> Pause();

  bool closed() const { return closed_; }
  bool import() const { return import_; }
  /// Packets that were imported while they passed.
  bool captured() const { return captured_; }
  /// The recording that the same writer made meanwhile; empty: none is known.
  const std::string& beside() const { return beside_; }
  /// SHA-256 of the entry that was taken last.
  const wire::Sha256& last_sha256() const { return last_sha256_; }
  std::uint64_t first_entry() const { return first_entry_; }
  std::uint64_t event_count() const { return normaliser_->event_count(); }
  std::uint64_t last_entry() const { return last_entry_; }
  const std::string& recording_id() const { return recording_id_; }
  /// What the catalog is to say of the recording, after End or Pause.
  store::IngestedRecording Description(bool provisional) const;
  /// All segments of the recording that are live; those of before it was continued, too.
  std::vector<store::Segment>& segments() { return segments_; }
  /// Files below STORE that were made since Begin or Continue: to be removed where no catalog comes
  /// to name them.
  const std::vector<std::filesystem::path>& made_files() const { return made_files_; }

  /// The state in `bytes` of the recording `recording_id`, for rows to `rows`. Takes batches, but
  /// is of no store: its segments are not known. Fails: kCorrupt.
  static Result<std::unique_ptr<RecordingIngest>> ReadState(
      std::string_view bytes, const CatchUpOptions& options, const std::string& recording_id,
      std::unique_ptr<store::SegmentWriter> rows);
  /// What Pause puts away.
  std::string StateBytes();
  /// What the states of `recording_id` begin with that this build reads.
  static std::string BeginOfState(std::string recording_id);

 private:
  RecordingIngest() = default;
  template <typename Archive>
  void Walk(Archive& archive);
  Result<> PutStateAway();
  /// Writes what is in memory, together with the rows of `earlier`, and replaces these.
  Result<> Write(std::uint64_t first_entry, store::SegmentLife life,
                 std::vector<store::Segment> earlier);
  Result<> Seal();
  Result<> WriteOpen();
  Result<> WriteProvisional();
  std::vector<store::Segment> OpenSegments() const;
  /// The newest of these, as far back as it pays to write them again with what is in memory.
  std::vector<store::Segment> OpenSegmentsToMerge() const;
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
  /// Of an import, whose times are its source's.
  void WriteImportGap(const event::SourceLoss& loss, schema::LossClass loss_class);
  void WriteCutOff(std::string_view why);
  void WriteRecording();

  StoreLayout layout_;
  const CatchUpOptions* options_ = nullptr;
  std::uint64_t generation_ = 0;
  std::string recording_id_;
  std::uint64_t first_entry_ = 0, last_entry_ = 0;
  wire::Sha256 last_sha256_{};
  std::uint64_t first_unsealed_entry_ = 0, first_unwritten_entry_ = 0;
  /// Of the open segments, as it was in memory.
  std::uint64_t open_row_count_ = 0, open_bytes_ = 0;
  std::unique_ptr<store::SegmentWriter> rows_;
  std::unique_ptr<Normaliser> normaliser_;
  std::unique_ptr<NetworkRows> network_;  // of an import
  event::Findings findings_;              // decoded, not in rows yet
  event::SourceCounts source_counts_;     // of an import that was read to its end
  std::vector<store::Segment> segments_;
  std::vector<std::filesystem::path> made_files_;
  std::optional<store::IngestState> state_;

  RecordDecoder decoder_;
  std::optional<Result<std::unique_ptr<event::EventSource>>> importer_;  // empty: failed before
  bool opened_ = false;
  bool closed_ = false;
  std::uint64_t left_running_count_ = 0;  // as its closing says
  bool import_ = false;
  bool followed_ = false;  ///< an import of a file that grew: it may end after any line
  bool captured_ = false;  ///< an import of an interface: it may end after any packet
  std::string beside_;
  std::string ended_early_;      ///< a captured one: why; empty: it did not
  bool removed_before_ = false;  ///< and the next batch is the first that is left
  std::string description_;
  std::string host_, boot_id_, profile_;
  std::uint64_t next_batch_index_ = 0;
  std::uint64_t first_boot_ns_ = 0, last_boot_ns_ = 0;
  std::int64_t first_wall_ns_ = 0, last_wall_ns_ = 0;
  std::uint64_t complete_until_boot_ns_ = 0;
};

}  // namespace spoor::ingest
