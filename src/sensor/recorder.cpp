// SPDX-License-Identifier: Apache-2.0
#include "sensor/recorder.hpp"

#include <sys/utsname.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/file.hpp"
#include "base/time.hpp"
#include "wire/chunk.hpp"
#include "wire/loss_class.hpp"
#include "wire/record_builder.hpp"

namespace spoor::sensor {
namespace {

constexpr std::size_t kCommandLineBytesMax = 8192;

wire::BatchSealer::Moment MomentNow(std::uint64_t complete_until_boot_ns) {
  return {
      .boot_ns = BootNow(), .wall_ns = WallNow(), .complete_until_boot_ns = complete_until_boot_ns};
}

std::string BootId() {
  Result<std::string> text = ReadTextFile("/proc/sys/kernel/random/boot_id", 4096);
  if (!text) return {};
  text->erase(text->find_last_not_of("\n ") + 1);
  return *std::move(text);
}

// A command line may be megabytes long; what is recorded of the command itself is in its exec.
nlohmann::json Shortened(const std::vector<std::string>& words) {
  nlohmann::json list = nlohmann::json::array();
  std::size_t left_bytes = kCommandLineBytesMax;
  for (const std::string& word : words) {
    if (word.size() > left_bytes) {
      list.push_back("…");
      break;
    }
    left_bytes -= word.size();
    list.push_back(word);
  }
  return list;
}

nlohmann::json ScopeJson(const Scope& scope) {
  switch (scope.kind) {
    case Scope::Kind::kMachine:
      return {{"host", scope.host}, {"kind", "machine"}};
    case Scope::Kind::kCgroup:
      return {{"host", scope.host}, {"kind", "cgroup"}, {"cgroup_path", scope.cgroup_path}};
    case Scope::Kind::kTree:
      return {{"host", scope.host}, {"kind", "tree"}};
  }
  return {};
}

// Names and command lines are bytes; JSON is UTF-8.
std::string Dump(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::uint64_t CountRecords(std::span<const std::byte> chunks) {
  std::uint64_t count = 0;
  while (const std::optional<wire::Chunk> chunk = wire::TakeChunk(chunks)) {
    count += chunk->header.count;
  }
  return count;
}

std::vector<std::byte> Bytes(std::string_view text) {
  return {AsBytes(text).begin(), AsBytes(text).end()};
}

}  // namespace

Recorder::Recorder(KernelSource& source, const wire::RecordingId& recording_id, BatchSink sink,
                   RecordingOptions options)
    : source_(source),
      options_(std::move(options)),
      recording_id_(recording_id),
      writer_(recording_id_, std::move(sink), options_.writer) {}

Result<> Recorder::Start() {
  // The moment is before the first record; what was granted is known only after attaching.
  const wire::BatchSealer::Moment opening = MomentNow(0);
  drained_boot_ns_ = opening.boot_ns;
  RETURN_IF_ERROR(source_.Attach());
  RETURN_IF_ERROR(writer_.Push(wire::BatchKind::kRecordingOpen, Bytes(DescribeOpening()), opening));
  RETURN_IF_ERROR(source_.Baseline(pending_));
  record_count_ += CountRecords(pending_);
  return Seal();
}

Result<> Recorder::Drain(bool urgent) {
  if (!writer_.HasRoom()) return {};
  RETURN_IF_ERROR(TakeDelivered());
  RETURN_IF_ERROR(AppendLoss(false));
  const std::uint64_t now_boot_ns = BootNow();
  if (pending_since_boot_ns_ == 0) pending_since_boot_ns_ = now_boot_ns;
  const bool old =
      now_boot_ns - pending_since_boot_ns_ >= static_cast<std::uint64_t>(options_.seal_interval_ns);
  // When the host falls silent, one empty batch moves the mark past its last records, so that
  // readers need not wait for the next ones. Where canaries are made, one goes in place of each
  // that left no record: the collector is to see that it is missing, and that the sensor is not
  // silent.
  const bool beats = options_.canary_interval_ns != 0 &&
                     now_boot_ns - pending_since_boot_ns_ >=
                         static_cast<std::uint64_t>(options_.canary_interval_ns);
  if (pending_.size() >= options_.seal_payload_bytes || (urgent && !pending_.empty()) ||
      (old && (!pending_.empty() || mark_is_behind_)) || beats) {
    return Seal();
  }
  return {};
}

Result<> Recorder::Finish(const std::string& reason) {
  Result<> failed;
  const auto keep_first = [&failed](Result<> result) {
    if (failed && !result) failed = std::move(result);
  };
  if (const Result<std::uint64_t> running = source_.CountTreeProcesses()) {
    left_running_count_ = *running;
  } else {
    keep_first(tl::unexpected<Error>(running.error()));
  }
  keep_first(source_.Detach());
  keep_first(TakeRest());
  keep_first(AppendLoss(true));
  keep_first(Seal());
  keep_first(writer_.Push(wire::BatchKind::kRecordingClose, Bytes(DescribeClosing(reason)),
                          MomentNow(complete_until_boot_ns_)));
  keep_first(writer_.Finish());
  return failed;
}

Recorder::Summary Recorder::summary() const {
  return {.record_count = record_count_,
          .loss = loss_,
          .written = writer_.counts(),
          .left_running_count = left_running_count_};
}

Result<> Recorder::TakeDelivered() {
  const std::size_t before = pending_.size();
  const std::uint64_t now_boot_ns = BootNow();
  // As much as the ring can hold, of which only what is used is touched: in a flood there is no
  // time to move what was drained each time that it outgrows its place.
  pending_.reserve(before + options_.source.ring_bytes);
  ASSIGN_OR_RETURN(complete_until_boot_ns_, source_.Drain(pending_));
  // The oldest of them may have come right after the drain before.
  if (before == 0 && !pending_.empty()) pending_since_boot_ns_ = drained_boot_ns_;
  drained_boot_ns_ = now_boot_ns;
  record_count_ += CountRecords(std::span(pending_).subspan(before));
  return {};
}

// One drain may leave something: a full ring has no room for its mark.
Result<> Recorder::TakeRest() {
  const std::uint64_t detached_boot_ns = BootNow();
  std::size_t before = 0;
  do {
    before = pending_.size();
    RETURN_IF_ERROR(TakeDelivered());
  } while (complete_until_boot_ns_ < detached_boot_ns && pending_.size() > before);
  return {};
}

// Read after the drain: whatever a drained chunk's sequence jumps over is counted by then.
Result<> Recorder::AppendLoss(bool even_if_unchanged) {
  ASSIGN_OR_RETURN(const KernelSource::Loss loss, source_.ReadLoss());
  const bool changed = loss.count != loss_.count;
  const bool interfered = loss.interference_count != loss_.interference_count;
  loss_ = loss;
  if (!changed && !even_if_unchanged) return {};
  loss_record body{};
  body.header.boot_ns = BootNow();
  body.header.kind = RECORD_LOSS;
  body.header.syscall_nr = SYSCALL_NR_NONE;
  if (interfered) body.header.flags = RECORD_FLAG_INTERFERENCE;
  std::copy(loss.count.begin(), loss.count.end(), body.count);
  body.recorded_count = loss.recorded_count;
  wire::AppendChunk({.first_sequence = loss_sequence_++,
                     .cpu = wire::kUserSpaceCpu,
                     .size_bytes = 0,
                     .count = 1,
                     .pad = 0},
                    wire::RecordBuilder(body).Build(), pending_);
  return {};
}

Result<> Recorder::Seal() {
  mark_is_behind_ = !pending_.empty();
  pending_since_boot_ns_ = 0;
  return writer_.Push(wire::BatchKind::kRecords, std::exchange(pending_, {}),
                      MomentNow(complete_until_boot_ns_));
}

std::string Recorder::DescribeOpening() const {
  utsname system{};
  uname(&system);
  nlohmann::json scopes = nlohmann::json::array();
  for (const Scope& scope : options_.source.scopes) scopes.push_back(ScopeJson(scope));
  const Coverage& coverage = source_.coverage();
  return Dump({{"format", 1},
               {"spoor_version", options_.spoor_version},
               {"boot_id", BootId()},
               {"kernel_release", system.release},
               {"machine", system.machine},
               {"profile", options_.profile},
               {"policy",
                {{"terminal_payload_bytes_max", options_.source.terminal_payload_bytes_max},
                 {"payload_bytes_max", options_.source.payload_bytes_max},
                 {"payload_bytes_per_second", options_.source.payload_bytes_per_second},
                 {"ring_bytes", options_.source.ring_bytes},
                 {"seal_interval_ms", options_.seal_interval_ns / 1'000'000},
                 {"canary_interval_ms", options_.canary_interval_ns / 1'000'000}}},
               {"scopes", std::move(scopes)},
               {"coverage", {{"attached", coverage.attached}, {"refused", coverage.refused}}},
               {"command_line", Shortened(options_.command_line)},
               {"command", Shortened(options_.command)}});
}

std::string Recorder::DescribeClosing(const std::string& reason) const {
  nlohmann::json loss = nlohmann::json::object();
  for (std::size_t i = 0; i < loss_.count.size(); ++i) {
    loss[std::string(wire::LossClassName(i))] = loss_.count[i];
  }
  return Dump({{"reason", reason},
               {"record_count", record_count_},
               {"left_running_count", left_running_count_},
               {"loss", std::move(loss)}});
}

}  // namespace spoor::sensor
