// SPDX-License-Identifier: Apache-2.0
#include "collector/completeness.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "base/file.hpp"
#include "schema/loss_class.hpp"
#include "wire/batch_sealer.hpp"
#include "wire/loss_class.hpp"
#include "wire/loss_reading.hpp"

namespace spoor::collector {
namespace {

// Of a host's name and of a reason; ours are shorter.
constexpr std::size_t kNameBytesMax = 255;

std::string TextIn(const nlohmann::json& json, const char* key) {
  if (!json.is_object() || !json.contains(key) || !json[key].is_string()) return {};
  return json[key].get<std::string>();
}

std::uint64_t NumberIn(const nlohmann::json& json, const char* key) {
  if (!json.is_object() || !json.contains(key) || !json[key].is_number_unsigned()) return 0;
  return json[key].get<std::uint64_t>();
}

}  // namespace

std::string_view HoleKindName(Hole::Kind kind) {
  switch (kind) {
    case Hole::Kind::kFramesMissing:
      return "frames_missing";
    case Hole::Kind::kSensorDropped:
      return "sensor_dropped";
    case Hole::Kind::kBatchesMissing:
      return "batches_missing";
    case Hole::Kind::kRecordsLost:
      return "records_lost";
    case Hole::Kind::kNoEnd:
      return "no_end";
  }
  return "unknown";
}

Hole Completeness::HoleOf(Hole::Kind kind, const Source& source) {
  Hole hole;
  hole.kind = kind;
  hole.sensor = source.sensor;
  hole.host = source.host;
  hole.boot_id = source.boot_id;
  hole.from_wall_ns = source.last_wall_ns;
  hole.until_wall_ns = kOpenEndWallNs;
  return hole;
}

Hole Completeness::HoleOf(Hole::Kind kind, const wire::RecordingId& id,
                          const Recording& recording) const {
  Hole hole = HoleOf(kind, recording);
  hole.recording = wire::FormatRecordingId(id);
  NameSensor(id, hole);
  return hole;
}

void Completeness::Keep(Hole hole) {
  // Records without their payload are there: a policy's budget is no loss (docs/policy.md).
  const bool only_payload =
      hole.kind == Hole::Kind::kRecordsLost && !schema::SaysThatEventsAreMissing(hole.loss_class);
  has_loss_ = has_loss_ || (hole.kind != Hole::Kind::kNoEnd && !only_payload);
  if (holes_.size() == kHolesMax) {
    ++left_out_count_;
  } else {
    holes_.push_back(std::move(hole));
  }
}

void Completeness::Continue(const wire::Carried& carried) {
  for (const wire::CarriedRecording& item : carried.recordings) {
    if (item.extent.is_account) continue;
    Recording& recording = recordings_[item.recording_id];
    if (const auto first = wire::DecodeBatch(item.first_batch)) AddDescription(recording, *first);
    recording.next = item.extent.batch_count + item.extent.missing_batch_count;
    recording.last_wall_ns = recording.last_reading_wall_ns = item.extent.last_wall_ns;
    recording.closed = item.extent.closed;
    // By the wall clock as it was at the first: until the next batch says what it is now.
    recording.last_boot_ns = recording.first_boot_ns +
                             static_cast<std::uint64_t>(item.extent.last_wall_ns) -
                             static_cast<std::uint64_t>(recording.first_wall_ns);
  }
  for (const wire::CarriedChain& item : carried.chains) {
    Source& chain = chains_[item.chain_id];
    chain.sensor = item.sensor;
    chain.next = item.next_sequence;
    chain.last_wall_ns = item.last_wall_ns;
    chain.closed = item.closed;
  }
}

void Completeness::Add(const wire::Batch& batch) {
  if (batch.kind == wire::BatchKind::kCollected) {
    const auto records = ParseRecords(batch.payload);
    if (!records) return;  // SealAudit says so
    for (const CollectedRecord& record : *records) AddRecord(record);
    return;
  }
  if (!wire::IsOfRecording(batch.kind)) return;
  Recording& recording = recordings_[batch.recording_id];
  if (batch.kind == wire::BatchKind::kRecordingOpen) AddDescription(recording, batch);
  if (batch.batch_index > recording.next) {
    Hole hole = HoleOf(Hole::Kind::kBatchesMissing, batch.recording_id, recording);
    hole.first = recording.next;
    hole.last = batch.batch_index - 1;
    hole.count = batch.batch_index - recording.next;
    if (recording.next == 0) hole.from_wall_ns = batch.wall_ns;
    hole.until_wall_ns = batch.wall_ns;
    Keep(std::move(hole));
  }
  if (batch.kind == wire::BatchKind::kRecords) AddLoss(recording, batch);
  recording.next = batch.batch_index + 1;
  recording.last_wall_ns = batch.wall_ns;
  recording.last_boot_ns = batch.boot_ns;
  recording.closed = batch.kind == wire::BatchKind::kRecordingClose;
  if (recording.closed) {
    const auto json = nlohmann::json::parse(AsText(batch.payload), nullptr, false);
    recording.reason = TextIn(json, "reason").substr(0, kNameBytesMax);
  }
}

void Completeness::AddDescription(Recording& recording, const wire::Batch& batch) {
  const nlohmann::json json = nlohmann::json::parse(AsText(batch.payload), nullptr, false);
  recording.boot_id = TextIn(json, "boot_id");
  recording.host = TextIn(json, "host");  // an import
  recording.last_reading_wall_ns = recording.first_wall_ns = batch.wall_ns;
  recording.first_boot_ns = recording.last_boot_ns = batch.boot_ns;
  if (!json.is_object() || !json.contains("scopes") || !json["scopes"].is_array()) return;
  for (const nlohmann::json& scope : json["scopes"]) {
    const std::string host = TextIn(scope, "host");
    if (!host.empty()) recording.host += (recording.host.empty() ? "" : ", ") + host;
    AddScope(recording, {host.substr(0, kNameBytesMax), TextIn(scope, "kind")});
  }
}

// A command's tree ends with the command: what comes before the next one is nothing that was
// missed.
void Completeness::AddScope(Recording& recording, Scope scope) {
  if (scope.kind != "machine" && scope.kind != "cgroup") return;
  if (scope_count_ == kScopesMax) {
    ++left_out_scope_count_;
    return;
  }
  ++scope_count_;
  recording.scopes.push_back(std::move(scope));
}

// The counters go up only, so the last reading has it all; one hole for each class.
void Completeness::AddLoss(Recording& recording, const wire::Batch& batch) {
  wire::ForEachLossReading(batch, [&](const loss_record& loss) {
    const auto read_wall_ns = static_cast<std::int64_t>(static_cast<std::uint64_t>(batch.wall_ns) -
                                                        batch.boot_ns + loss.header.boot_ns);
    for (std::size_t i = 0; i < recording.lost.size(); ++i) {
      if (loss.count[i] <= recording.lost[i]) continue;
      if (recording.lost[i] == 0) {
        recording.lost_from_wall_ns[i] = recording.last_reading_wall_ns;
      }
      recording.lost[i] = loss.count[i];
      recording.lost_until_wall_ns[i] = read_wall_ns;
    }
    recording.last_reading_wall_ns = read_wall_ns;
  });
}

void Completeness::AddRecord(const CollectedRecord& record) {
  const Result<wire::FrameHeader> header = wire::DecodeFrameHeader(record.head);
  if (!header || record.verdict == Verdict::kRefused) return;
  Source& chain = chains_[header->chain_id];
  const std::string id = wire::FormatChainId(header->chain_id);
  if (record.verdict == Verdict::kOpened) {
    const nlohmann::json json = nlohmann::json::parse(record.note, nullptr, false);
    chain.sensor = record.sensor;
    chain.host = TextIn(json, "host");
    chain.boot_id = TextIn(json, "boot_id");
  }
  if (record.verdict == Verdict::kMissing) {
    Hole hole = HoleOf(Hole::Kind::kFramesMissing, chain);
    hole.chain = id;
    hole.first = chain.next;
    hole.last = header->sequence - 1;
    hole.count = header->sequence - chain.next;
    hole.until_wall_ns = header->wall_ns;
    chain.next = header->sequence;
    Keep(std::move(hole));
    return;
  }
  if (record.verdict == Verdict::kGap) {
    const nlohmann::json json = nlohmann::json::parse(record.note, nullptr, false);
    Hole hole = HoleOf(Hole::Kind::kSensorDropped, chain);
    hole.chain = id;
    hole.first = hole.last = header->sequence;
    hole.count = NumberIn(json, "dropped_batch_count");
    hole.reason = TextIn(json, "reason");
    const auto wall_ns = [&](std::uint64_t boot_ns) {
      return static_cast<std::int64_t>(static_cast<std::uint64_t>(header->wall_ns) -
                                       header->boot_ns + boot_ns);
    };
    hole.from_wall_ns = wall_ns(NumberIn(json, "from_boot_ns"));
    hole.until_wall_ns = wall_ns(NumberIn(json, "until_boot_ns"));
    Keep(std::move(hole));
  }
  chain.next = header->sequence + 1;
  chain.last_wall_ns = header->wall_ns;
  chain.closed = record.verdict == Verdict::kClosed;
}

// A chain's recording goes by the chain's id; what no sensor shipped has no chain.
void Completeness::NameSensor(const wire::RecordingId& id, Hole& hole) const {
  const auto chain = chains_.find(id);
  if (chain == chains_.end()) return;
  hole.chain = wire::FormatChainId(id);
  hole.sensor = chain->second.sensor;
}

void Completeness::Finish() {
  // A batch comes before the account that says who shipped it.
  for (Hole& hole : holes_) {
    if (const auto id = wire::ParseChainId(hole.recording)) NameSensor(*id, hole);
  }
  for (const auto& [id, recording] : recordings_) {
    for (std::size_t i = 0; i < recording.lost.size(); ++i) {
      if (recording.lost[i] == 0) continue;
      Hole hole = HoleOf(Hole::Kind::kRecordsLost, id, recording);
      hole.count = recording.lost[i];
      hole.loss_class = wire::LossClassName(i);
      hole.from_wall_ns = recording.lost_from_wall_ns[i];
      hole.until_wall_ns = recording.lost_until_wall_ns[i];
      Keep(std::move(hole));
    }
    if (recording.closed) continue;
    Keep(HoleOf(Hole::Kind::kNoEnd, id, recording));
  }
  for (const auto& [id, chain] : chains_) {
    const auto recording = recordings_.find(id);
    const bool said = recording != recordings_.end() && !recording->second.closed;
    if (chain.closed || said) continue;
    Hole hole = HoleOf(Hole::Kind::kNoEnd, chain);
    hole.chain = wire::FormatChainId(id);
    Keep(std::move(hole));
  }
  std::ranges::stable_sort(holes_, [](const Hole& one, const Hole& other) {
    return std::tie(one.host, one.boot_id, one.from_wall_ns) <
           std::tie(other.host, other.boot_id, other.from_wall_ns);
  });
  FindOverlaps();
  unrecorded_ = FindUnrecorded(Coverages());
}

std::vector<Coverage> Completeness::Coverages() const {
  std::vector<Coverage> coverages;
  for (const auto& [id, recording] : recordings_) {
    const auto chain = chains_.find(id);
    for (const Scope& scope : recording.scopes) {
      coverages.push_back({.host = scope.host,
                           .kind = scope.kind,
                           .boot_id = recording.boot_id.substr(0, kNameBytesMax),
                           .from_boot_ns = recording.first_boot_ns,
                           .until_boot_ns = recording.last_boot_ns,
                           .from_wall_ns = recording.first_wall_ns,
                           .until_wall_ns = recording.last_wall_ns,
                           .recording = wire::FormatRecordingId(id),
                           .sensor = chain == chains_.end() ? "" : chain->second.sensor,
                           .closed = recording.closed,
                           .reason = recording.reason});
    }
  }
  return coverages;
}

// Sorted by host, boot and begin: what overlaps a hole and begins later stands right behind it.
void Completeness::FindOverlaps() {
  constexpr std::size_t kNamedMax = 16;  // of each hole
  for (std::size_t i = 0; i < holes_.size(); ++i) {
    for (std::size_t j = i + 1; j < holes_.size(); ++j) {
      Hole& one = holes_[i];
      Hole& other = holes_[j];
      if (one.host != other.host || one.boot_id != other.boot_id ||
          other.from_wall_ns >= one.until_wall_ns || one.overlaps.size() >= kNamedMax) {
        break;
      }
      one.overlaps.push_back(j);
      if (other.overlaps.size() < kNamedMax) other.overlaps.push_back(i);
    }
  }
}

}  // namespace spoor::collector
