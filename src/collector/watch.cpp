// SPDX-License-Identifier: Apache-2.0
#include "collector/watch.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/file.hpp"
#include "wire/loss_reading.hpp"

namespace spoor::collector {
namespace {

constexpr std::size_t kTextBytesMax = 255;  // of a host's name and of a reason

std::string TextIn(const std::string& note, const char* key) {
  const nlohmann::json json = nlohmann::json::parse(note, nullptr, false);
  if (!json.is_object() || !json.contains(key) || !json[key].is_string()) return {};
  return json[key].get<std::string>().substr(0, kTextBytesMax);
}

/// The newest reading of the counters in a batch, if it has one.
std::optional<std::uint64_t> LostUntil(const wire::Batch& batch) {
  std::optional<std::uint64_t> lost_count;
  wire::ForEachLossReading(batch, [&lost_count](const loss_record& loss) {
    lost_count = 0;
    for (std::size_t i = 0; i < LOSS_CLASS_COUNT; ++i) {
      // Records without their payload are there: a policy's budget is no loss.
      if (i != LOSS_PAYLOAD) *lost_count += loss.count[i];
    }
  });
  return lost_count;
}

}  // namespace

std::string_view AlarmKindName(Alarm::Kind kind) {
  switch (kind) {
    case Alarm::Kind::kSilent:
      return "silent";
    case Alarm::Kind::kEnded:
      return "ended";
    case Alarm::Kind::kCanaryMissing:
      return "canary_missing";
    case Alarm::Kind::kRecordsLost:
      return "records_lost";
  }
  return "unknown";
}

void Watch::Continue(const wire::Carried& carried) {
  canaries_.Continue(carried);
  for (const wire::CarriedChain& chain : carried.chains) {
    if (chain.closed || ignored_.contains(chain.sensor)) continue;  // closed: perhaps long ago
    Sensor& sensor = sensors_[chain.sensor];
    // Nobody knows when it was received: by the host's clock then, until more comes.
    if (chain.last_wall_ns < sensor.received_wall_ns) continue;
    sensor.chain = chain.chain_id;
    sensor.open = true;
    sensor.received_wall_ns = chain.last_wall_ns;
  }
}

void Watch::Add(std::uint64_t entry_index, const wire::Batch& batch) {
  if (batch.kind == wire::BatchKind::kRecords) {
    if (const std::optional<std::uint64_t> lost_count = LostUntil(batch)) {
      unaccounted_losses_.emplace(entry_index, *lost_count);
      if (unaccounted_losses_.size() > kUnaccountedMax) {
        unaccounted_losses_.erase(unaccounted_losses_.begin());
      }
    }
  }
  if (batch.kind == wire::BatchKind::kCollected) {
    const auto records = ParseRecords(batch.payload);
    for (const CollectedRecord& record : records ? *records : std::vector<CollectedRecord>()) {
      AddRecord(record);
    }
  }
  canaries_.Add(entry_index, batch);
}

std::string Watch::NameOf(const CollectedRecord& record, const wire::FrameHeader& header) {
  if (record.verdict == Verdict::kOpened) {
    const std::string interface = TextIn(record.note, "interface");
    if (!interface.empty()) {
      captures_.emplace(header.chain_id, fmt::format("{} packets {}", record.sensor, interface));
    }
  }
  const auto capture = captures_.find(header.chain_id);
  return capture == captures_.end() ? record.sensor : capture->second;
}

void Watch::AddRecord(const CollectedRecord& record) {
  const Result<wire::FrameHeader> header = wire::DecodeFrameHeader(record.head);
  if (!header || record.verdict == Verdict::kRefused || ignored_.contains(record.sensor)) return;
  const std::string name = NameOf(record, *header);
  Sensor& sensor = sensors_[name];
  sensor.received_wall_ns = record.received_wall_ns;
  if (record.verdict == Verdict::kOpened) {
    sensor.chain = header->chain_id;
    sensor.open = true;
    sensor.host = TextIn(record.note, "host");
    sensor.lost_count = 0;
  }
  const auto lost = unaccounted_losses_.find(record.entry_index);
  if (record.verdict == Verdict::kAccepted && lost != unaccounted_losses_.end()) {
    if (lost->second > sensor.lost_count && header->chain_id == sensor.chain) {
      sensor.untold_lost_count += lost->second - std::exchange(sensor.lost_count, lost->second);
    }
    unaccounted_losses_.erase(lost);
  }
  // Of an older chain: what was left in the spool.
  if (record.verdict == Verdict::kClosed && header->chain_id == sensor.chain) {
    sensor.open = false;
    sensor.reason = TextIn(record.note, "reason");
  }
  if (record.verdict == Verdict::kClosed) captures_.erase(header->chain_id);
}

void Watch::TakeCanary(const CanaryFinding& found) {
  if (ignored_.contains(found.sensor)) return;
  Sensor& sensor = sensors_[found.sensor];
  if (found.outcome == CanaryFinding::Outcome::kMissed) {
    if (sensor.missing_count++ != 0) return;
    sensor.missing = {.kind = Alarm::Kind::kCanaryMissing,
                      .sensor = found.sensor,
                      .host = found.host,
                      .chain = found.chain,
                      .since_wall_ns = found.due_wall_ns,
                      .reason = {},
                      .number = found.number,
                      .missing = found.missing};
    return;
  }
  if (sensor.missing_count == 0) return;
  // Between two looks it may have come and gone; what was over before the first is history.
  if (looked_) {
    sensor.missing.count = sensor.missing_count;
    if (!std::exchange(sensor.told_missing, false)) alarms_.push_back(sensor.missing);
    sensor.missing.over = true;
    alarms_.push_back(sensor.missing);
  }
  sensor.missing_count = 0;
}

Alarm Watch::AlarmOf(Alarm::Kind kind, const std::string& name, const Sensor& sensor) const {
  return {.kind = kind,
          .sensor = name,
          .host = sensor.host,
          .chain = wire::FormatChainId(sensor.chain),
          .since_wall_ns = sensor.received_wall_ns,
          .reason = {}};
}

void Watch::LookAt(const std::string& name, Sensor& sensor, std::int64_t now_wall_ns) {
  const bool quiet = now_wall_ns - sensor.received_wall_ns > silence_ns_;
  const bool silent = sensor.open && quiet;
  if (silent != sensor.told_silent) {
    sensor.told_silent = silent;
    if (silent) sensor.silent_since_wall_ns = sensor.received_wall_ns;
    Alarm alarm = AlarmOf(Alarm::Kind::kSilent, name, sensor);
    alarm.since_wall_ns = sensor.silent_since_wall_ns;
    alarm.over = !silent;
    alarms_.push_back(std::move(alarm));
  }
  const bool ended = !sensor.open && quiet;
  if (ended || (sensor.told_ended && sensor.open)) {
    if (std::exchange(sensor.told_ended, ended) != ended) {
      Alarm alarm = AlarmOf(Alarm::Kind::kEnded, name, sensor);
      alarm.reason = sensor.reason;
      alarm.over = !ended;
      alarms_.push_back(std::move(alarm));
    }
  }
  if (sensor.missing_count != 0 && !std::exchange(sensor.told_missing, true)) {
    sensor.missing.count = sensor.missing_count;
    alarms_.push_back(sensor.missing);
  }
  if (!looked_) sensor.untold_lost_count = 0;
  if (sensor.untold_lost_count != 0 && now_wall_ns - sensor.told_lost_wall_ns >= kLossIntervalNs) {
    Alarm alarm = AlarmOf(Alarm::Kind::kRecordsLost, name, sensor);
    alarm.count = std::exchange(sensor.untold_lost_count, 0);
    sensor.told_lost_wall_ns = now_wall_ns;
    alarms_.push_back(std::move(alarm));
  }
}

std::vector<Alarm> Watch::Alarms(std::int64_t now_wall_ns) {
  for (auto& [name, sensor] : sensors_) LookAt(name, sensor, now_wall_ns);
  looked_ = true;
  for (Alarm& alarm : alarms_) alarm.wall_ns = now_wall_ns;
  return std::exchange(alarms_, {});
}

bool Watch::has_present_alarm() const {
  return std::ranges::any_of(sensors_, [](const auto& item) {
    const Sensor& sensor = item.second;
    return sensor.told_silent || sensor.told_ended || sensor.told_missing;
  });
}

std::size_t Watch::open_chain_count() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(sensors_, [](const auto& item) { return item.second.open; }));
}

}  // namespace spoor::collector
