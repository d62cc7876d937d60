// SPDX-License-Identifier: Apache-2.0
#include "capture/capture_recorder.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/time.hpp"
#include "wire/batch_sealer.hpp"

namespace spoor::capture {
namespace {

constexpr int kBehindMs = 20;

wire::BatchSealer::Moment MomentNow() {
  const std::uint64_t boot_ns = BootNow();
  return {.boot_ns = boot_ns, .wall_ns = WallNow(), .complete_until_boot_ns = boot_ns};
}

std::vector<std::byte> Bytes(std::string_view text) {
  return {AsBytes(text).begin(), AsBytes(text).end()};
}

bool IsReadable(int fd, int wait_ms) {
  pollfd watched{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&watched, 1, wait_ms) > 0;
}

bool IsOver(std::uint64_t since_boot_ns, std::int64_t interval_ns) {
  return BootNow() - since_boot_ns >= static_cast<std::uint64_t>(interval_ns);
}

}  // namespace

CaptureRecorder::CaptureRecorder(std::unique_ptr<LiveSource> source, CaptureTarget target,
                                 CaptureRecorderOptions options)
    : source_(std::move(source)),
      target_(std::move(target)),
      options_(std::move(options)),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
  options_.interface.link_type = source_->link_type();
  thread_ = std::thread([this] { Run(); });
}

CaptureRecorder::~CaptureRecorder() {
  static_cast<void>(Finish("abandoned"));
}

Result<CaptureRecorder::Summary> CaptureRecorder::Finish(const std::string& reason) {
  if (thread_.joinable()) {
    {
      const std::scoped_lock lock(reason_mutex_);
      reason_ = reason;
    }
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
  }
  RETURN_IF_ERROR(outcome_);
  return summary_;
}

void CaptureRecorder::Run() {
  outcome_ = Record();
  if (!outcome_ && options_.failed) options_.failed(outcome_.error());
  if (!open_) return;
  // Where the recording failed, nobody may have said yet why it is to end.
  const std::string reason = [this] {
    const std::scoped_lock lock(reason_mutex_);
    return reason_;
  }();
  const Result<> ended = End(reason, true, outcome_ ? "" : outcome_.error().message);
  if (outcome_ && !ended) outcome_ = ended;
}

/// Until it is to end.
Result<> CaptureRecorder::Record() {
  RETURN_IF_ERROR(Begin());
  while (WaitForPackets()) {
    // Packets that find no room in the kernel are counted there.
    if (open_->writer->HasRoom()) RETURN_IF_ERROR(TakeDelivered());
    if (open_->bytes < options_.recording_bytes_max) continue;
    RETURN_IF_ERROR(End("long enough", false, ""));
    RETURN_IF_ERROR(Begin());
  }
  return TakeRest();
}

/// False: it is to end.
bool CaptureRecorder::WaitForPackets() {
  const bool behind = !open_->writer->HasRoom();
  std::array<pollfd, 2> watched{
      pollfd{.fd = stop_.get(), .events = POLLIN, .revents = 0},
      pollfd{.fd = behind ? -1 : source_->fd(), .events = POLLIN, .revents = 0}};
  ::poll(watched.data(), watched.size(), behind ? kBehindMs : LiveSource::kWaitMs);
  return watched[0].revents == 0;
}

Result<> CaptureRecorder::Begin() {
  ASSIGN_OR_RETURN(CaptureTarget::Recording recording, target_.begin());
  open_ = Open{};
  Open& open = *open_;
  open.before = summary_.counts;
  open.writer = std::make_unique<sensor::BatchWriter>(
      recording.recording_id, std::move(recording.sink), sensor::BatchWriter::Options{});
  RETURN_IF_ERROR(
      open.writer->Push(wire::BatchKind::kRecordingOpen, Bytes(options_.description), MomentNow()));
  open.format.Describe(options_.interface, pending_);
  return AppendStatistics();
}

Result<> CaptureRecorder::End(const std::string& reason, bool last,
                              const std::string& ended_early) {
  Result<> failed = AppendStatistics();
  const auto keep_first = [&failed](Result<> result) {
    if (failed && !result) failed = std::move(result);
  };
  keep_first(Seal());
  nlohmann::json closing{{"reason", reason},
                         {"packet_count", summary_.packet_count},
                         {"own_packet_count", summary_.own_packet_count},
                         {"dropped_count", summary_.counts.dropped},
                         {"missed_count", summary_.counts.missed}};
  if (!ended_early.empty()) closing["ended_early"] = ended_early;
  keep_first(open_->writer->Push(
      wire::BatchKind::kRecordingClose,
      Bytes(closing.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)), MomentNow()));
  keep_first(open_->writer->Finish());
  open_.reset();
  keep_first(target_.end(reason, last));
  return failed;
}

Result<> CaptureRecorder::TakeDelivered() {
  const auto take = [this](const packets::CapturedPacket& packet) { Take(packet); };
  ASSIGN_OR_RETURN([[maybe_unused]] const std::size_t count, source_->Read(take));
  const std::int64_t due_ns =
      packets_since_statistics_ != 0 ? options_.statistics_interval_ns : options_.beat_interval_ns;
  if (IsOver(statistics_boot_ns_, due_ns)) RETURN_IF_ERROR(AppendStatistics());
  const bool old = IsOver(pending_since_boot_ns_, options_.seal_interval_ns);
  if (pending_.size() >= options_.seal_bytes || (old && !pending_.empty())) return Seal();
  return {};
}

/// What came before it was to end may be some time on its way to us.
Result<> CaptureRecorder::TakeRest() {
  constexpr int kWaitsMax = 3;
  for (int waited = 0; waited < kWaitsMax;) {
    const std::uint64_t before = summary_.packet_count + summary_.own_packet_count;
    RETURN_IF_ERROR(TakeDelivered());
    ASSIGN_OR_RETURN(summary_.counts, source_->ReadCounts());
    const std::uint64_t read = summary_.packet_count + summary_.own_packet_count;
    if (read + summary_.counts.dropped >= summary_.counts.received) return {};
    if (read != before) continue;
    if (!IsReadable(source_->fd(), LiveSource::kWaitMs)) ++waited;
  }
  return {};
}

void CaptureRecorder::Take(const packets::CapturedPacket& packet) {
  if (options_.is_own && options_.is_own(packet)) {
    ++summary_.own_packet_count;
    return;
  }
  if (pending_.empty()) pending_since_boot_ns_ = BootNow();
  ++summary_.packet_count;
  ++packets_since_statistics_;
  open_->format.Append(packet, {}, pending_);
}

/// Each recording is read by itself: it says what was lost while it was written.
Result<> CaptureRecorder::AppendStatistics() {
  ASSIGN_OR_RETURN(summary_.counts, source_->ReadCounts());
  statistics_boot_ns_ = BootNow();
  packets_since_statistics_ = 0;
  if (pending_.empty()) pending_since_boot_ns_ = statistics_boot_ns_;
  const LiveSource::Counts& before = open_->before;
  open_->format.AppendStatistics(options_.interface.link_type,
                                 {.wall_ns = WallNow(),
                                  .received_count = summary_.counts.received - before.received,
                                  .dropped_count = summary_.counts.dropped - before.dropped,
                                  .missed_count = summary_.counts.missed - before.missed},
                                 pending_);
  return {};
}

Result<> CaptureRecorder::Seal() {
  open_->bytes += pending_.size();
  pending_since_boot_ns_ = BootNow();
  return open_->writer->Push(wire::BatchKind::kImportData, Bytes(std::exchange(pending_, {})),
                             MomentNow());
}

}  // namespace spoor::capture
