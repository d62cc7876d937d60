// SPDX-License-Identifier: Apache-2.0
#include "ingest/recording_ingest.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.hpp"
#include "base/saturating.hpp"
#include "event/event.hpp"
#include "ingest/record_events.hpp"
#include "schema/loss_class.hpp"
#include "wire/batch_sealer.hpp"
#include "wire/kernel_event.h"

namespace spoor::ingest {
namespace {

/// Until when is not known: nobody was there to see the end.
constexpr std::uint64_t kOpenEnd = std::numeric_limits<std::int64_t>::max();
/// Open segments of fewer rows are always written again with what follows.
constexpr std::uint64_t kSmallRunRows = 4096;

std::string_view BatchKindName(wire::BatchKind kind) {
  switch (kind) {
    case wire::BatchKind::kRecordingOpen:
      return "open";
    case wire::BatchKind::kRecords:
      return "records";
    case wire::BatchKind::kRecordingClose:
      return "close";
    case wire::BatchKind::kImportData:
      return "import_data";
    case wire::BatchKind::kCollected:
      return "collected";
    case wire::BatchKind::kRetention:
      return "retention";
    case wire::BatchKind::kCarried:
      return "carried";
    case wire::BatchKind::kTransferred:
      return "transferred";
  }
  return "unknown";
}

// What a recorder of one command says in its closing; 0 where it says nothing.
std::uint64_t LeftRunningCount(std::string_view closing) {
  const nlohmann::json json = nlohmann::json::parse(closing, nullptr, false);
  const auto count = json.is_object() ? json.find("left_running_count") : json.end();
  return json.is_object() && count != json.end() && count->is_number_unsigned()
             ? count->get<std::uint64_t>()
             : 0;
}

// Why an import ended before it was to, as its closing says; empty where it says no such thing.
std::string EndedEarly(std::string_view closing) {
  const nlohmann::json json = nlohmann::json::parse(closing, nullptr, false);
  const auto why = json.is_object() ? json.find("ended_early") : json.end();
  return json.is_object() && why != json.end() && why->is_string() ? why->get<std::string>() : "";
}

/// NULL where the host is not known.
std::optional<std::int64_t> HostIdOf(const std::string& host) {
  return host.empty() ? std::nullopt : std::optional(event::HostId(host));
}

}  // namespace

Result<std::unique_ptr<RecordingIngest>> RecordingIngest::Begin(
    const StoreLayout& layout, const CatchUpOptions& options, const wire::RecordingId& recording_id,
    std::uint64_t generation, std::uint64_t entry_index) {
  std::unique_ptr<RecordingIngest> recording(new RecordingIngest());
  recording->layout_ = layout;
  recording->options_ = &options;
  recording->generation_ = generation;
  recording->recording_id_ = wire::FormatRecordingId(recording_id);
  recording->first_entry_ = recording->first_unwritten_entry_ = entry_index;
  recording->first_unsealed_entry_ = entry_index;
  ASSIGN_OR_RETURN(
      recording->rows_,
      store::SegmentWriter::Open(
          {.layout = layout, .recording_id = recording->recording_id_, .generation = generation}));
  recording->normaliser_ =
      std::make_unique<Normaliser>(*recording->rows_, recording->recording_id_);
  return recording;
}

Result<> RecordingIngest::Resume(const wire::CarriedRecording& before) {
  removed_before_ = true;
  if (before.first_batch.empty()) return {};  // too large to be carried: without it nothing is read
  ASSIGN_OR_RETURN(const wire::Batch first, wire::DecodeBatch(before.first_batch));
  Open(first);
  first_boot_ns_ = first.boot_ns;
  first_wall_ns_ = before.extent.first_wall_ns;
  complete_until_boot_ns_ = first.complete_until_boot_ns;
  if (import_) {
    next_batch_index_ = first.batch_index + 1;
    return {};
  }
  // When the description cannot be read, every batch that follows says so.
  static_cast<void>(
      decoder_.Feed(first,
                    {.entry_index = static_cast<std::int64_t>(before.extent.first_entry),
                     .sha256 = wire::DigestOf(before.first_batch)},
                    findings_.events));
  return {};
}

Result<> RecordingIngest::Take(const wire::Batch& batch, std::uint64_t entry_index,
                               const wire::Sha256& sha256, std::uint64_t entry_bytes) {
  last_entry_ = entry_index;
  last_sha256_ = sha256;
  if (!opened_) Open(batch);
  // Of a sensor's batches the decoder says it.
  if (import_) TakeMissing(batch.batch_index);
  next_batch_index_ = batch.batch_index + 1;
  last_boot_ns_ = batch.boot_ns;
  last_wall_ns_ = batch.wall_ns;
  complete_until_boot_ns_ = std::max(complete_until_boot_ns_, batch.complete_until_boot_ns);
  if (batch.kind == wire::BatchKind::kRecordingClose) {
    closed_ = true;
    if (!import_) left_running_count_ = LeftRunningCount(AsText(batch.payload));
    if (captured_) ended_early_ = EndedEarly(AsText(batch.payload));
  }
  if (removed_before_) {
    removed_before_ = false;
    WriteGap(first_boot_ns_, batch.boot_ns, schema::LossClass::kRetention,
             "removed from the evidence by policy (spoor verify says when and which)");
  }
  const std::uint64_t before = import_ ? normaliser_->event_count() : decoder_.record_count();
  // What cannot be understood is a gap, never a reason not to show the rest.
  if (const auto decoded = Decode(batch, sha256); !decoded) {
    WriteGap(batch.boot_ns, batch.boot_ns, schema::LossClass::kBatch,
             fmt::format("evidence entry {}: {}", entry_index, decoded.error().message));
  }
  Normalise();
  const std::uint64_t after = import_ ? normaliser_->event_count() : decoder_.record_count();
  WriteBatch(batch, entry_bytes, after - before);
  const bool enough = open_row_count_ + rows_->row_count() >= options_->rows_held_max ||
                      open_bytes_ + rows_->held_bytes() >= options_->bytes_held_max;
  return enough && !closed_ ? Seal() : Result<>();
}

Result<> RecordingIngest::Seal() {
  FlushRows();
  RETURN_IF_ERROR(Write(first_unsealed_entry_, store::SegmentLife::kSealed, OpenSegments()));
  first_unsealed_entry_ = first_unwritten_entry_ = last_entry_ + 1;
  open_row_count_ = open_bytes_ = 0;
  return rows_->Restart();
}

std::vector<store::Segment> RecordingIngest::OpenSegments() const {
  std::vector<store::Segment> open;
  for (const store::Segment& segment : segments_) {
    if (segment.life == store::SegmentLife::kOpen) open.push_back(segment);
  }
  return open;
}

// Those that were written together are a run. A run is written again when what follows it has grown
// to as many rows, so that each row is written a few times (the binary logarithm of their number)
// and there are as few runs, however often somebody asks.
std::vector<store::Segment> RecordingIngest::OpenSegmentsToMerge() const {
  std::map<std::uint64_t, std::vector<store::Segment>> runs;  // by first entry
  for (store::Segment& segment : OpenSegments()) {
    runs[segment.first_entry].push_back(std::move(segment));
  }
  std::vector<store::Segment> merged;
  std::uint64_t row_count = rows_->row_count();
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    std::uint64_t of_run = 0;
    for (const store::Segment& segment : run->second) {
      of_run = SaturatingAdd(of_run, segment.row_count);
    }
    if (of_run >= std::max(row_count, kSmallRunRows)) break;
    row_count = SaturatingAdd(row_count, of_run);
    merged.insert(merged.end(), run->second.begin(), run->second.end());
  }
  return merged;
}

Result<> RecordingIngest::Write(std::uint64_t first_entry, store::SegmentLife life,
                                std::vector<store::Segment> earlier) {
  std::set<std::string> replaced;
  for (const store::Segment& segment : earlier) replaced.insert(segment.file);
  ASSIGN_OR_RETURN(const std::vector<store::Segment> written,
                   rows_->Write({.first_entry = first_entry,
                                 .last_entry = last_entry_,
                                 .life = life,
                                 .earlier = std::move(earlier)}));
  std::erase_if(segments_, [&](const auto& segment) { return replaced.contains(segment.file); });
  for (const store::Segment& segment : written) {
    made_files_.push_back(layout_.segments() / segment.file);
    segments_.push_back(segment);
  }
  return {};
}

void RecordingIngest::TakeMissing(std::uint64_t batch_index) {
  const bool removed = std::exchange(removed_before_, false);
  if (batch_index <= next_batch_index_) return;
  // What follows begins in the middle of a line or record, which must not be taken for a whole one.
  importer_.reset();
  WriteGap(0, kOpenEnd, removed ? schema::LossClass::kRetention : schema::LossClass::kBatch,
           fmt::format("batches {} to {} of the imported file {}, so that what follows cannot be "
                       "read",
                       next_batch_index_, batch_index - 1,
                       removed ? "were removed from the evidence by policy" : "are missing"));
}

void RecordingIngest::Open(const wire::Batch& batch) {
  opened_ = true;
  first_boot_ns_ = batch.boot_ns;
  first_wall_ns_ = batch.wall_ns;
  if (batch.kind != wire::BatchKind::kRecordingOpen) return;
  description_ = std::string(AsText(batch.payload));
  auto description = ParseImportDescription(description_);
  if (!description) return;  // of a sensor: the decoder reads it
  import_ = true;
  followed_ = description->followed.has_value();
  captured_ = description->captured.has_value();
  if (captured_) beside_ = description->captured->beside;
  host_ = description->host;
  importer_ = options_->importers(*description);
  network_ = std::make_unique<NetworkRows>(*rows_, host_, recording_id_);
  if (description->clock_offset_ns) {
    rows_->Append(schema::ClockOffsetRow{.source = host_,
                                         .other = "UTC",
                                         .offset_ns = *description->clock_offset_ns,
                                         .uncertainty_ns = 0,
                                         .samples = 0});
  }
}

Result<> RecordingIngest::Decode(const wire::Batch& batch, const wire::Sha256& sha256) {
  if (!import_) {
    return decoder_.Feed(batch,
                         {.entry_index = static_cast<std::int64_t>(last_entry_), .sha256 = sha256},
                         findings_.events);
  }
  if (!importer_) return {};  // said already
  Result<> read;
  if (!*importer_) {
    read = tl::unexpected<Error>(importer_->error());
  } else if (batch.kind == wire::BatchKind::kImportData) {
    read = (**importer_)->Feed(batch.payload, findings_);
  } else if (batch.kind == wire::BatchKind::kRecordingClose) {
    read = (**importer_)->Finish(findings_);
  }
  if (!read || batch.kind == wire::BatchKind::kRecordingClose) {
    if (*importer_) source_counts_ = (**importer_)->counts();
    importer_.reset();
  }
  return read;
}

void RecordingIngest::Normalise() {
  for (const event::Event& event : findings_.events) {
    if (boot_id_.empty()) boot_id_ = event.boot_id;
    if (host_.empty()) host_ = event.host;
    normaliser_->Take(event, last_entry_);
  }
  for (const event::SourceLoss& loss : findings_.losses) {
    WriteImportGap(loss, schema::LossClass::kPacket);
  }
  if (network_) network_->Take(findings_, normaliser_->RevisionAt(last_entry_));
  findings_.Clear();
}

void RecordingIngest::FlushRows() {
  if (network_) network_->Flush();
  normaliser_->Flush();
}

// Lines that could not be read may have said anything at any time of the file.
void RecordingIngest::WriteMalformed() {
  if (source_counts_.malformed_count == 0) return;
  const bool has_span = network_->HasSpan();
  const std::int64_t from_wall_ns = has_span ? network_->first_wall_ns() : first_wall_ns_;
  const std::int64_t until_wall_ns = has_span ? network_->last_wall_ns() : last_wall_ns_;
  WriteImportGap({.from_wall_ns = from_wall_ns,
                  .until_wall_ns = until_wall_ns,
                  .count = source_counts_.malformed_count,
                  .reason = fmt::format(
                      "{} records of the imported file are not what its format says, the "
                      "first is {}",
                      source_counts_.malformed_count, source_counts_.first_malformed_record)},
                 schema::LossClass::kMalformed);
}

void RecordingIngest::WriteImportGap(const event::SourceLoss& loss, schema::LossClass loss_class) {
  rows_->Append(schema::GapRow{
      .host_id = HostIdOf(host_),
      .recording_id = recording_id_,
      .from_boot_ns = std::max(loss.from_wall_ns, std::int64_t{0}),
      .until_boot_ns = std::max(loss.until_wall_ns, std::int64_t{0}),
      .from_wall_ns = loss.from_wall_ns,
      .until_wall_ns = loss.until_wall_ns,
      .loss_class = schema::LossClassName(loss_class),
      .count = schema::NotZero(schema::AtMostMax(loss.count)),
      .reason = loss.reason,
  });
}

void RecordingIngest::WriteCutOff(std::string_view why) {
  if (!captured_) {
    WriteGap(complete_until_boot_ns_, kOpenEnd, schema::LossClass::kEnd,
             fmt::format("the recording was cut off: {}", why));
    return;
  }
  WriteImportGap({.from_wall_ns = last_wall_ns_,
                  .until_wall_ns = static_cast<std::int64_t>(kOpenEnd),
                  .count = 0,
                  .reason = fmt::format("the capture was cut off: {}", why)},
                 schema::LossClass::kEnd);
}

Result<> RecordingIngest::End(bool over) {
  if (!import_) decoder_.Finish(findings_.events);
  if ((followed_ || captured_) && importer_ && *importer_) {
    // What is sealed of such a file is whole; whoever follows it may have been killed.
    static_cast<void>((**importer_)->Finish(findings_));
    source_counts_ = (**importer_)->counts();
    importer_.reset();
  }
  Normalise();
  if (!closed_ && over && !followed_) WriteCutOff("it has no closing batch");
  if (!ended_early_.empty()) WriteCutOff(ended_early_);
  if (left_running_count_ != 0) {
    WriteGap(last_boot_ns_, kOpenEnd, schema::LossClass::kEnd,
             fmt::format("the recording ended while {} of the processes that the command had "
                         "started went on",
                         left_running_count_));
  }
  WriteMalformed();
  WriteRecording();
  FlushRows();
  return Write(std::min(first_unsealed_entry_, last_entry_), store::SegmentLife::kSealed,
               OpenSegments());
}

Result<> RecordingIngest::Pause() {
  if (import_) return End(false);
  RETURN_IF_ERROR(WriteOpen());
  RETURN_IF_ERROR(PutStateAway());
  return WriteProvisional();
}

// What can no longer change.
Result<> RecordingIngest::WriteOpen() {
  open_row_count_ += rows_->row_count();
  open_bytes_ += rows_->held_bytes();
  std::uint64_t first_entry = first_unwritten_entry_;
  first_unwritten_entry_ = last_entry_ + 1;
  std::vector<store::Segment> merged = OpenSegmentsToMerge();
  if (rows_->row_count() == 0) return {};
  for (const store::Segment& segment : merged) {
    first_entry = std::min(first_entry, segment.first_entry);
  }
  return Write(first_entry, store::SegmentLife::kOpen, std::move(merged));
}

// What may still change, as if the recording were over; this object is of no use afterwards, for
// the state is put away.
Result<> RecordingIngest::WriteProvisional() {
  store::SegmentWriter::Partitions partitions = rows_->partitions();
  RETURN_IF_ERROR(rows_->Restart());
  rows_->SetPartitions(std::move(partitions));
  decoder_.Finish(findings_.events);
  Normalise();
  WriteRecording();
  FlushRows();
  return Write(std::min(first_unsealed_entry_, last_entry_), store::SegmentLife::kProvisional, {});
}

store::IngestedRecording RecordingIngest::Description(bool provisional) const {
  return {.recording_id = recording_id_,
          .first_entry = first_entry_,
          .last_entry = last_entry_,
          .provisional = provisional,
          .event_count = event_count(),
          .state = provisional ? state_ : std::nullopt};
}

void RecordingIngest::WriteBatch(const wire::Batch& batch, std::uint64_t entry_bytes,
                                 std::uint64_t record_count) {
  rows_->Append(schema::EvidenceBatchRow{
      .entry_index = schema::AtMostMax(last_entry_),
      .recording_id = recording_id_,
      .batch_index = schema::AtMostMax(batch.batch_index),
      .kind = BatchKindName(batch.kind),
      .boot_ns = schema::AtMostMax(batch.boot_ns),
      .wall_ns = batch.wall_ns,
      .size_bytes = schema::AtMostMax(entry_bytes),
      .payload_bytes = schema::AtMostMax(batch.payload.size()),
      .record_count = schema::AtMostMax(record_count),
  });
}

void RecordingIngest::WriteGap(std::uint64_t from_boot_ns, std::uint64_t until_boot_ns,
                               schema::LossClass loss_class, std::string_view reason) {
  const auto wall_ns = [&](std::uint64_t boot_ns) {
    if (boot_ns == kOpenEnd || import_) return static_cast<std::int64_t>(boot_ns);
    return WallTimeAt(boot_ns, {last_boot_ns_, last_wall_ns_});
  };
  std::vector<std::string> hosts{host_};
  if (import_) {
    // Of which host and time the events are that are not there is not known.
    hosts = {""};
    from_boot_ns = 0;
    until_boot_ns = kOpenEnd;
  } else if (decoder_.opened()) {
    hosts = decoder_.description().hosts;
  }
  for (const std::string& host : hosts) {
    rows_->Append(schema::GapRow{
        .host_id = HostIdOf(host),
        .recording_id = recording_id_,
        .from_boot_ns = schema::AtMostMax(from_boot_ns),
        .until_boot_ns = schema::AtMostMax(until_boot_ns),
        .from_wall_ns = wall_ns(from_boot_ns),
        .until_wall_ns = wall_ns(until_boot_ns),
        .loss_class = schema::LossClassName(loss_class),
        .count = std::nullopt,
        .reason = reason,
    });
  }
}

void RecordingIngest::WriteRecording() {
  std::string host = host_;
  if (!import_ && decoder_.opened()) {
    const RecordingDescription& description = decoder_.description();
    if (!description.hosts.empty()) host = description.hosts.front();
    boot_id_ = description.boot_id;
    profile_ = description.profile;
  }
  rows_->Append(schema::RecordingRow{
      .recording_id = recording_id_,
      .kind = import_ ? "import" : "sensor",
      .host_id = HostIdOf(host),
      .boot_id = schema::NotEmpty(boot_id_),
      .begin_wall_ns = first_wall_ns_,
      .end_wall_ns = closed_ ? std::optional(last_wall_ns_) : std::nullopt,
      .closed = closed_,
      .profile = schema::NotEmpty(profile_),
      .description = schema::NotEmpty(description_),
  });
}

}  // namespace spoor::ingest
