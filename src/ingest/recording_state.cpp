// SPDX-License-Identifier: Apache-2.0
// Where the ingest of a recording that goes on stands: put away as a file, and read again by who
// believes nothing in it (docs/design/0015-ingest-goes-on.md).
#include <algorithm>
#include <limits>
#include <type_traits>

#include "base/file.hpp"
#include "base/inside.hpp"
#include "base/saturating.hpp"
#include "event/event.hpp"
#include "ingest/record_events.hpp"
#include "ingest/recording_ingest.hpp"
#include "ingest/state_walk.hpp"
#include "wire/kernel_event.h"

namespace spoor::ingest {
namespace {

constexpr std::string_view kStateName = "spoor ingest state";
/// Another number for each change of what is walked (state_walk.hpp, and Walk of all below), or of
/// what it means.
constexpr std::uint64_t kStateVersion = 1;
constexpr std::uint64_t kStateBytesMax = 256 << 20;
constexpr std::int64_t kDayMax = 106'751;  // of 64 bits of ns
constexpr std::uint64_t kEntryMax = std::numeric_limits<std::int64_t>::max();

/// What a build of another layout of the same members would have: nearly all changes that nobody
/// thought of kStateVersion for.
std::uint64_t StateLayout() {
  std::uint64_t layout = schema::kSchemaVersion;
  for (const std::size_t size :
       {sizeof(ProcessState), sizeof(ObjectState), sizeof(SocketState), sizeof(FlowState),
        sizeof(HostState), sizeof(EventRow), sizeof(RangeDoor), sizeof(Normaliser),
        sizeof(RecordEvents), event::kEventKindCount, event::kObjectTypeCount,
        std::size_t{LOSS_CLASS_COUNT}}) {
    layout = (layout << 9 | layout >> 55) ^ size;
  }
  return layout;
}

/// Not so the folder of another order of the same rows.
bool HoldsEachRowOnce(std::string_view folder) {
  return std::ranges::any_of(schema::Tables(),
                             [&](const auto& table) { return table.name == folder; });
}

}  // namespace

Result<std::unique_ptr<RecordingIngest>> RecordingIngest::Continue(
    const StoreLayout& layout, const CatchUpOptions& options,
    const store::IngestedRecording& recording, const std::vector<store::Segment>& segments,
    std::uint64_t generation) {
  const std::filesystem::path path =
      layout.ingest_state() /
      store::StateFileName(recording.recording_id, recording.state->generation);
  const auto wrong = [&](std::string_view what) {
    return Fail(ErrorCode::kCorrupt, "{}: {}", path.string(), what);
  };
  ASSIGN_OR_RETURN(const std::string bytes, ReadTextFileInside(layout.root, path, kStateBytesMax));
  if (store::Sha256Text(AsBytes(bytes)) != recording.state->sha256) {
    return wrong("its SHA-256 is not the catalog's");
  }
  ASSIGN_OR_RETURN(
      std::unique_ptr<store::SegmentWriter> rows,
      store::SegmentWriter::Open(
          {.layout = layout, .recording_id = recording.recording_id, .generation = generation}));
  auto read = ReadState(bytes, options, recording.recording_id, std::move(rows));
  if (!read) return wrong(read.error().message);
  std::unique_ptr<RecordingIngest> ingest = *std::move(read);
  ingest->layout_ = layout;
  ingest->generation_ = generation;
  if (ingest->first_entry_ != recording.first_entry ||
      ingest->last_entry_ != recording.last_entry) {
    return wrong("of other entries than the catalog says");
  }
  std::uint64_t open_row_count = 0;
  for (const store::Segment& segment : segments) {
    if (segment.life == store::SegmentLife::kProvisional) continue;
    if (segment.life == store::SegmentLife::kOpen && HoldsEachRowOnce(segment.table)) {
      open_row_count = SaturatingAdd(open_row_count, segment.row_count);
    }
    ingest->segments_.push_back(segment);
  }
  if (open_row_count != ingest->open_row_count_)
    return wrong("of other rows than the catalog says");
  return ingest;
}

Result<std::unique_ptr<RecordingIngest>> RecordingIngest::ReadState(
    std::string_view bytes, const CatchUpOptions& options, const std::string& recording_id,
    std::unique_ptr<store::SegmentWriter> rows) {
  std::unique_ptr<RecordingIngest> ingest(new RecordingIngest());
  ingest->options_ = &options;
  ingest->recording_id_ = recording_id;
  ingest->rows_ = std::move(rows);
  ingest->normaliser_ = std::make_unique<Normaliser>(*ingest->rows_, recording_id);
  ArchiveReader archive(bytes);
  std::string name, of;
  std::uint64_t version = 0, layout = 0;
  archive(name, version, layout, of);
  if (archive.failed() || name != kStateName) {
    return Fail(ErrorCode::kCorrupt, "not the state of an ingest");
  }
  if (version != kStateVersion || layout != StateLayout()) {
    return Fail(ErrorCode::kCorrupt, "the state of another build's ingest");
  }
  if (of != recording_id) return Fail(ErrorCode::kCorrupt, "the state of another recording");
  ingest->Walk(archive);
  if (!archive.finished()) return Fail(ErrorCode::kCorrupt, "not the state of an ingest");
  return ingest;
}

// All that decides about rows to come. An importer is not among it: an import that goes on begins
// anew.
template <typename Archive>
void RecordingIngest::Walk(Archive& archive) {
  store::SegmentWriter::Partitions partitions = rows_->partitions();
  std::uint64_t partition_count = partitions.size();
  archive(first_entry_, last_entry_, last_sha256_, first_unsealed_entry_, first_unwritten_entry_,
          open_row_count_, open_bytes_, *normaliser_, opened_, closed_, left_running_count_,
          removed_before_, description_, host_, boot_id_, profile_, next_batch_index_,
          first_boot_ns_, last_boot_ns_, first_wall_ns_, last_wall_ns_, complete_until_boot_ns_,
          partition_count);
  if constexpr (std::is_same_v<Archive, ArchiveReader>) {
    partitions.clear();
    for (; partition_count > 0 && archive.Charge(sizeof(*partitions.begin())); --partition_count) {
      std::int64_t host_id = 0, day = 0;
      store::SegmentWriter::Partition partition;
      archive(host_id, partition.host, partition.event_count);
      WalkNumber(archive, day, -kDayMax, kDayMax);
      partitions.insert_or_assign({host_id, day}, std::move(partition));
    }
    rows_->SetPartitions(std::move(partitions));
    if (first_entry_ > last_entry_ || first_unsealed_entry_ < first_entry_ ||
        first_unwritten_entry_ < first_unsealed_entry_ ||
        first_unwritten_entry_ > last_entry_ + 1 || last_entry_ > kEntryMax) {
      archive.Fail();
    }
    decoder_.Load(archive);
  } else {
    for (auto& [key, partition] : partitions) {
      auto [host_id, day] = key;
      archive(host_id, partition.host, partition.event_count, day);
    }
    decoder_.Save(archive);
  }
}

std::string RecordingIngest::BeginOfState(std::string recording_id) {
  ArchiveWriter archive;
  std::string name(kStateName);
  std::uint64_t version = kStateVersion, layout = StateLayout();
  archive(name, version, layout, recording_id);
  return archive.bytes();
}

std::string RecordingIngest::StateBytes() {
  ArchiveWriter archive;
  Walk(archive);
  return BeginOfState(recording_id_) + archive.bytes();
}

// A state too large to be read again is none, and so is one whose folder is something else: that
// costs time and nothing more.
Result<> RecordingIngest::PutStateAway() {
  const std::string bytes = StateBytes();
  if (bytes.size() > kStateBytesMax) return {};
  const std::filesystem::path path =
      layout_.ingest_state() / store::StateFileName(recording_id_, generation_);
  const auto folder = CreateFoldersInside(layout_.root, path.parent_path());
  if (!folder && folder.error().code == ErrorCode::kCorrupt) return {};
  RETURN_IF_ERROR(folder);
  made_files_.push_back(path);
  RETURN_IF_ERROR(WriteFileAtomicallyInside(layout_.root, path, AsBytes(bytes)));
  state_ = {.generation = generation_, .sha256 = store::Sha256Text(AsBytes(bytes))};
  return {};
}

}  // namespace spoor::ingest
