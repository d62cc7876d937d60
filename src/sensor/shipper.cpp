// SPDX-License-Identifier: Apache-2.0
// The collector's answers decide: it names the first frame it lacks, and from there we go on.
// Delivering twice is harmless, so every doubt (a cut connection, a restart) ends in asking where
// it stands and sending again.
#include "sensor/shipper.hpp"

#include <algorithm>

#include "base/check.hpp"

namespace spoor::sensor {
namespace {

constexpr std::size_t kParcelBytesMin = 16 << 10;
constexpr std::chrono::milliseconds kIdle{500};

bool IsGood(int status) {
  return status >= 200 && status < 300;
}

}  // namespace

Shipper::Shipper(Spool& spool, std::vector<std::unique_ptr<CollectorClient>> collectors,
                 Options options)
    : spool_(spool),
      collectors_(std::move(collectors)),
      options_(std::move(options)),
      retry_(options_.retry_first) {
  SPOOR_CHECK(!collectors_.empty()) << "nowhere to ship to";
  thread_ = std::thread([this] { Run(); });
}

void Shipper::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  spool_.Wake();
  if (thread_.joinable()) thread_.join();
}

bool Shipper::Drain(std::chrono::milliseconds at_most) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, at_most, [this] { return spool_.level().frame_count == 0; });
}

Shipper::Counts Shipper::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void Shipper::Run() {
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    if (const Result<> shipped = ShipOldest(); !shipped) {
      AfterFailure(shipped.error());
    }
  }
}

Result<> Shipper::ShipOldest() {
  ASSIGN_OR_RETURN(const std::optional<Spool::Parcel> parcel,
                   spool_.Oldest(ParcelBytesMax(), sent_));
  if (!parcel && sent_) {
    sent_.reset();
    return {};
  }
  if (!parcel) {
    changed_.notify_all();
    spool_.WaitForFrame(kIdle);
    return {};
  }
  if (!position_known_) {
    RETURN_IF_ERROR(AskPosition(parcel->chain_id));
    position_known_ = true;
    return {};  // The oldest may be another now.
  }
  const auto begin = std::chrono::steady_clock::now();
  RETURN_IF_ERROR(Deliver(*parcel));
  if (options_.bytes_per_second_max != 0) {
    const auto due = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::duration<double>(static_cast<double>(parcel->frames.size()) /
                                      static_cast<double>(options_.bytes_per_second_max)));
    Pause(due - std::chrono::duration_cast<std::chrono::milliseconds>(
                    std::chrono::steady_clock::now() - begin));
  }
  return {};
}

Result<> Shipper::Deliver(const Spool::Parcel& parcel) {
  // The last parcel waits for all of them to be durable; those before it only for their
  // predecessor, so that the link and the collector's disk are busy at the same time.
  const bool pipelined =
      may_pipeline_ && parcel.more_follow && !gap_told_ && options_.bytes_per_second_max == 0;
  ASSIGN_OR_RETURN(
      const CollectorAnswer answer,
      collectors_[current_]->Post(
          {.sequence = parcel.first_sequence, .after_gap = gap_told_, .pipelined = pipelined},
          parcel.frames));
  if (pipelined && IsGood(answer.status)) {
    sent_ = Spool::Place{parcel.chain_id, parcel.end_sequence};
    AfterSuccess();
    return answer.next_sequence ? Release(parcel.chain_id, *answer.next_sequence) : Result<>{};
  }
  sent_.reset();
  // What is wrong with the one before this is found out one by one.
  may_pipeline_ = IsGood(answer.status);
  if (pipelined && answer.status == 409) return {};
  return Act(parcel, answer);
}

Result<> Shipper::Act(const Spool::Parcel& parcel, const CollectorAnswer& answer) {
  retry_after_seconds_ = answer.retry_after_seconds;
  const std::uint64_t next = answer.next_sequence.value_or(parcel.first_sequence);
  if (IsGood(answer.status) && next > parcel.first_sequence) {
    gap_told_ = false;
    AfterSuccess();
    return Release(parcel.chain_id, next);
  }
  if (answer.status == 404) return Introduce(parcel.chain_id);
  if (answer.status == 409 && answer.next_sequence) return ActOnEarly(parcel, answer);
  if (answer.status == 422 && answer.next_sequence) {
    // The frame at `next` can never become good. What is before it was taken.
    RETURN_IF_ERROR(Release(parcel.chain_id, next));
    RETURN_IF_ERROR(spool_.Release(parcel.chain_id, next + 1));
    const std::lock_guard lock(mutex_);
    ++counts_.refused_frames;
    if (options_.narrate) {
      options_.narrate(fmt::format("frame {} of chain {} was refused and is lost: {}", next,
                                   wire::FormatChainId(parcel.chain_id), answer.error));
    }
    return {};
  }
  return Fail(ErrorCode::kUnavailable, "the collector answers {}{}{}", answer.status,
              answer.error.empty() ? "" : ": ", answer.error);
}

// It has taken less, or more, than we thought, or lacks frames that we no longer have.
Result<> Shipper::ActOnEarly(const Spool::Parcel& parcel, const CollectorAnswer& answer) {
  const std::uint64_t next = *answer.next_sequence;
  if (next > parcel.first_sequence) return Release(parcel.chain_id, next);
  const std::optional<std::uint64_t> first = spool_.FirstSequenceOf(parcel.chain_id);
  if (gap_told_ || (first && *first <= next)) {
    return Fail(ErrorCode::kUnavailable, "the collector says that it lacks frame {}, sent before",
                next);
  }
  // They went to another collector, or are lost.
  gap_told_ = true;
  return {};
}

Result<> Shipper::AskPosition(const wire::ChainId& chain_id) {
  ASSIGN_OR_RETURN(const CollectorAnswer answer, collectors_[current_]->Position(chain_id));
  retry_after_seconds_ = answer.retry_after_seconds;
  if (answer.status == 404) return {};
  if (!IsGood(answer.status) || !answer.next_sequence) {
    return Fail(ErrorCode::kUnavailable, "the collector answers {}{}{}", answer.status,
                answer.error.empty() ? "" : ": ", answer.error);
  }
  return Release(chain_id, *answer.next_sequence);
}

// To a collector that does not know the chain: without its open frame nothing in it is readable.
Result<> Shipper::Introduce(const wire::ChainId& chain_id) {
  ASSIGN_OR_RETURN(const std::optional<std::vector<std::byte>> frame, spool_.OpenFrameOf(chain_id));
  if (!frame) {
    return Fail(ErrorCode::kUnavailable,
                "chain {}: the collector does not know it and its open frame is lost",
                wire::FormatChainId(chain_id));
  }
  ASSIGN_OR_RETURN(const CollectorAnswer answer, collectors_[current_]->Post({}, *frame));
  retry_after_seconds_ = answer.retry_after_seconds;
  if (IsGood(answer.status)) return {};
  return Fail(ErrorCode::kUnavailable, "the collector does not open chain {}: {} {}",
              wire::FormatChainId(chain_id), answer.status, answer.error);
}

Result<> Shipper::Release(const wire::ChainId& chain_id, std::uint64_t next_sequence) {
  ASSIGN_OR_RETURN(const std::uint64_t released_count, spool_.Release(chain_id, next_sequence));
  if (options_.acknowledged && released_count > 0) options_.acknowledged(chain_id, next_sequence);
  const std::lock_guard lock(mutex_);
  counts_.acknowledged_frames += released_count;
  changed_.notify_all();
  return {};
}

void Shipper::AfterFailure(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    ++counts_.failed_attempts;
  }
  position_known_ = false;
  sent_.reset();
  may_pipeline_ = false;
  gap_told_ = false;
  // A link that is cut all the time lets small parcels through.
  parcel_bytes_max_ = std::max(parcel_bytes_max_ / 2, kParcelBytesMin);
  if (options_.narrate && error.message != last_narrated_) {
    last_narrated_ = error.message;
    options_.narrate(fmt::format("{}; kept in the spool, trying again", error.message));
  }
  if (++failures_in_a_row_ >= options_.failures_before_next && collectors_.size() > 1) {
    if (current_ == 0) left_first_ = std::chrono::steady_clock::now();
    current_ = (current_ + 1) % collectors_.size();
    failures_in_a_row_ = 0;
    retry_ = options_.retry_first;
  }
  Pause(std::max(retry_, std::chrono::milliseconds(
                             1000 * std::clamp<std::int64_t>(retry_after_seconds_, 0, 60))));
  retry_after_seconds_ = 0;
  retry_ = std::min(2 * retry_, options_.retry_max);
}

void Shipper::AfterSuccess() {
  if (failures_in_a_row_ != 0 || !last_narrated_.empty()) {
    if (options_.narrate && !last_narrated_.empty()) options_.narrate("a collector takes it again");
    last_narrated_.clear();
  }
  failures_in_a_row_ = 0;
  retry_ = options_.retry_first;
  parcel_bytes_max_ = std::min(parcel_bytes_max_ + kParcelBytesMin, kParcelBytesMax);
  if (current_ != 0 && std::chrono::steady_clock::now() - left_first_ >= options_.return_to_first) {
    current_ = 0;
    position_known_ = false;
    sent_.reset();
    // One failure suffices to leave it again.
    failures_in_a_row_ = options_.failures_before_next - 1;
  }
}

void Shipper::Pause(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, time, [this] { return stopping_; });
}

std::size_t Shipper::ParcelBytesMax() const {
  if (options_.bytes_per_second_max == 0) return parcel_bytes_max_;
  return std::clamp<std::size_t>(options_.bytes_per_second_max / 4, kParcelBytesMin,
                                 parcel_bytes_max_);
}

}  // namespace spoor::sensor
