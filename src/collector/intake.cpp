// SPDX-License-Identifier: Apache-2.0
// The account of what was received goes into the same log as the batches, behind them and under
// the same checkpoint. So there is no second state that could disagree with the evidence: after a
// restart, or when the disk refused, everything is read back from the log.
#include "collector/intake.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/time.hpp"
#include "evidence/named_key.hpp"

namespace spoor::collector {
namespace {

// Digests do not compress: this leaves room for a whole open frame in one entry.
constexpr std::size_t kAccountBytesMax = 48 << 10;
constexpr std::uint64_t kReopenIntervalNs = 1'000'000'000;
constexpr std::int64_t kRefusalIntervalNs = 1'000'000'000;
constexpr int kRetryAfterSeconds = 1;
constexpr int kOverQuotaStatus = 429;
constexpr int kQuotaRetryAfterSecondsMax = 10;
// What is done for a sensor before others have their turn: bytes of frames and of what they unpack
// to, and for each frame what its signatures and lines cost. Some 50 ms; an honest parcel is less.
constexpr std::size_t kTurnBytesMax = 64 << 20;
constexpr std::size_t kTurnBytesPerFrame = 16 << 10;
// Of each sensor that is over its quota, in the collector's own words.
constexpr std::int64_t kOverQuotaIntervalNs = 60'000'000'000;

Reply Busy(std::string why) {
  return {.status = 503,
          .next_sequence = std::nullopt,
          .error = std::move(why),
          .retry_after_seconds = kRetryAfterSeconds};
}

Reply Malformed(std::string why) {
  return {.status = 400,
          .next_sequence = std::nullopt,
          .error = std::move(why),
          .retry_after_seconds = 0};
}

Result<std::span<const std::byte>> TakeFrame(std::span<const std::byte>& rest) {
  ASSIGN_OR_RETURN(const wire::FrameHeader header, wire::DecodeFrameHeader(rest));
  if (header.frame_bytes > rest.size()) {
    return Fail(ErrorCode::kCorrupt, "frame {}: cut off", header.sequence);
  }
  const std::span<const std::byte> frame = rest.first(header.frame_bytes);
  rest = rest.subspan(header.frame_bytes);
  return frame;
}

// Whether the record is about a frame that became part of its chain.
bool IsTaken(Verdict verdict) {
  return verdict != Verdict::kRefused && verdict != Verdict::kMissing;
}

}  // namespace

Result<std::unique_ptr<Intake>> Intake::Open(Options options) {
  std::unique_ptr<Intake> intake(new Intake(std::move(options)));
  RETURN_IF_ERROR(intake->OpenLog());
  intake->thread_ = std::thread([bare = intake.get()] { bare->Run(); });
  return intake;
}

Intake::~Intake() {
  Stop();
}

void Intake::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<> Intake::OpenLog() {
  const StoreLayout& store = options_.store;
  ASSIGN_OR_RETURN(
      auto log, evidence::LogWriter::Open({.folder = store.evidence(),
                                           .key_file = store.private_key(),
                                           .append_only_attribute = options_.append_only_attribute,
                                           .origin = options_.origin}));
  ASSIGN_OR_RETURN(const std::string public_key, evidence::ReadPublicKey(store));
  ASSIGN_OR_RETURN(const auto reader, evidence::LogReader::Open(store.evidence(), public_key));
  auto ledger = std::make_unique<Ledger>(options_.escrow_private.get(), options_.root.get());
  Quota quota(options_.sensor_bytes_per_day);
  std::map<wire::ChainId, Ledger::Position> durable;
  ASSIGN_OR_RETURN(const wire::Carried carried, reader->ReadCarried());
  RETURN_IF_ERROR(ledger->Continue(carried));
  for (const wire::CarriedChain& chain : carried.chains) {
    durable[chain.chain_id] = {chain.sensor, chain.next_sequence};
  }
  RETURN_IF_ERROR(
      reader->ForEach(0, [&](std::uint64_t index, std::span<const std::byte> entry) -> Result<> {
        ledger->TakeUpBatch(index, entry);
        if (wire::PeekKind(entry) != wire::BatchKind::kCollected) return {};
        ASSIGN_OR_RETURN(const wire::Batch batch, wire::DecodeBatch(entry));
        ASSIGN_OR_RETURN(const std::vector<CollectedRecord> records, ParseRecords(batch.payload));
        for (const CollectedRecord& record : records) {
          if (const Result<> replayed = ledger->Replay(record); !replayed) {
            return Fail(replayed.error().code, "{}: entry {}: {}", store.evidence().string(), index,
                        replayed.error().message);
          }
          const Result<wire::FrameHeader> header = wire::DecodeFrameHeader(record.head);
          if (!header) continue;
          if (IsTaken(record.verdict)) {
            quota.Charge(record.sensor, header->frame_bytes, record.received_wall_ns);
          }
          if (auto position = ledger->PositionOf(header->chain_id)) {
            durable[header->chain_id] = *std::move(position);
          }
        }
        return {};
      }));
  const wire::RecordingId account_id = wire::MakeRecordingId();
  account_sealer_ = std::make_unique<wire::BatchSealer>(
      account_id, [bare = log.get()](const wire::DigestedBytes& batch) -> Result<> {
        ASSIGN_OR_RETURN([[maybe_unused]] const std::uint64_t index, bare->Append(batch.bytes));
        return {};
      });
  account_.clear();
  log_ = std::move(log);
  ledger_ = std::move(ledger);
  quota_ = std::move(quota);
  const std::lock_guard lock(mutex_);
  durable_ = std::move(durable);
  counts_.log_size = log_->size();
  counts_.chains = ledger_->chain_count();
  return {};
}

Reply Intake::Submit(const std::string& sensor, const SubmitOptions& options, std::string frames) {
  const std::uint64_t sequence = options.sequence;
  Submission submission{.sensor = sensor,
                        .number = 0,
                        .after_gap = options.after_gap,
                        .frames = std::move(frames),
                        .chain_id = {},
                        .reply = {},
                        .decided = {},
                        .done_bytes = 0,
                        .waits = false};
  std::span<const std::byte> rest = AsBytes(submission.frames);
  for (std::uint64_t expected = sequence; expected == sequence || !rest.empty(); ++expected) {
    const Result<wire::FrameHeader> header = wire::DecodeFrameHeader(rest);
    if (!header) return Malformed(header.error().message);
    if (header->frame_bytes > rest.size()) return Malformed("the last frame is cut off");
    if (expected == sequence) submission.chain_id = header->chain_id;
    if (header->sequence != expected || header->chain_id != submission.chain_id) {
      return Malformed(
          fmt::format("frame {} where {} of the same chain must be", header->sequence, expected));
    }
    rest = rest.subspan(header->frame_bytes);
  }
  std::shared_future<Reply> reply = submission.reply.get_future().share();
  std::optional<std::shared_future<Reply>> before;
  Reply durable{.status = 202, .next_sequence = {}, .error = {}, .retry_after_seconds = 0};
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return Busy("the collector is stopping");
    if (queue_bytes_ + submission.frames.size() > options_.queue_bytes_max) {
      return Busy("too much is waiting to be written");
    }
    queue_bytes_ += submission.frames.size();
    submission.number = ++submission_number_;
    const auto [last, first] = last_.try_emplace({sensor, submission.chain_id});
    if (!first) before = last->second.reply;
    last->second = {submission.number, reply};
    const auto position = durable_.find(submission.chain_id);
    if (position != durable_.end() && position->second.sensor == sensor) {
      durable.next_sequence = position->second.next_sequence;
    }
    queue_.Add(sensor, std::move(submission));
  }
  changed_.notify_all();
  if (!options.pipelined) return reply.get();
  return before ? before->get() : durable;
}

Reply Intake::PositionOf(const std::string& sensor, const wire::ChainId& chain_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = durable_.find(chain_id);
  // Another sensor's chain is not shown to exist.
  if (found == durable_.end() || found->second.sensor != sensor) {
    return {.status = 404,
            .next_sequence = std::nullopt,
            .error = "no such chain here",
            .retry_after_seconds = 0};
  }
  return {.status = 200,
          .next_sequence = found->second.next_sequence,
          .error = {},
          .retry_after_seconds = 0};
}

Intake::Counts Intake::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void Intake::Run() {
  for (;;) {
    std::deque<Submission> group = TakeGroup();
    const bool retained = TakeRetention();
    if (group.empty() && !retained) break;
    if (!group.empty()) Commit(group);
  }
  if (log_ != nullptr) static_cast<void>(log_->Close());
  log_.reset();
}

Result<std::uint64_t> Intake::Retain(const RetentionPlan& plan) {
  std::future<Result<std::uint64_t>> removed_bytes;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || retention_) return Fail(ErrorCode::kUnavailable, "the collector is stopping");
    retention_.emplace(plan);
    removed_bytes = retention_->removed_bytes.get_future();
  }
  changed_.notify_all();
  return removed_bytes.get();
}

// Whether there was one to carry out.
bool Intake::TakeRetention() {
  std::optional<RetentionRequest> request;
  {
    const std::lock_guard lock(mutex_);
    request.swap(retention_);
  }
  if (!request) return false;
  Result<std::uint64_t> removed = Fail(ErrorCode::kUnavailable, "the log is closed since an error");
  if (log_ != nullptr) {
    removed = CarryOutRetention(*request->plan, *log_, options_.store.evidence());
    if (!removed) log_.reset();  // the next group opens it again
  }
  request->removed_bytes.set_value(std::move(removed));
  return true;
}

// Empty only when stopping and nothing waits, or when there is a retention to carry out.
std::deque<Intake::Submission> Intake::TakeGroup() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || !queue_.empty() || retention_; });
  std::deque<Submission> group;
  for (std::size_t bytes = 0; !queue_.empty() && bytes < options_.group_bytes_max;) {
    group.push_back(queue_.Take());
    bytes += group.back().frames.size();
    queue_bytes_ -= group.back().frames.size();
  }
  return group;
}

void Intake::Commit(std::deque<Submission>& group) {
  Result<> committed;
  if (log_ == nullptr) committed = OpenLogAgain();
  if (committed) committed = TryCommit(group);
  if (committed) {
    Publish(group);
    return;
  }
  // Nothing of this group counts. The next one begins from what the log really holds.
  log_.reset();
  for (Submission& submission : group) {
    Answer(submission, Busy("cannot write: " + committed.error().message));
  }
}

void Intake::Answer(Submission& submission, Reply reply) {
  submission.reply.set_value(std::move(reply));
  const std::lock_guard lock(mutex_);
  const auto last = last_.find({submission.sensor, submission.chain_id});
  if (last != last_.end() && last->second.number == submission.number) last_.erase(last);
}

// Reads the whole log, so not for every sensor that asks.
Result<> Intake::OpenLogAgain() {
  const std::uint64_t now_boot_ns = BootNow();
  if (now_boot_ns < next_attempt_boot_ns_) {
    return Fail(ErrorCode::kUnavailable, "the log is closed since an error");
  }
  next_attempt_boot_ns_ = now_boot_ns + kReopenIntervalNs;
  return OpenLog();
}

Result<> Intake::TryCommit(std::deque<Submission>& group) {
  group_counts_ = {};
  turn_bytes_.clear();
  for (Submission& submission : group) RETURN_IF_ERROR(Decide(submission));
  RETURN_IF_ERROR(SealAccount());
  return log_->Checkpoint();
}

Result<> Intake::Decide(Submission& submission) {
  std::size_t& turn_bytes = turn_bytes_[submission.sensor];
  std::span<const std::byte> rest = AsBytes(submission.frames).subspan(submission.done_bytes);
  while (!rest.empty()) {
    submission.waits = turn_bytes >= kTurnBytesMax;
    if (submission.waits) return {};
    ASSIGN_OR_RETURN(const std::span<const std::byte> frame, TakeFrame(rest));
    submission.done_bytes += frame.size();
    if (!WithinQuota(submission, frame)) return {};
    Ledger::Decision decision =
        ledger_->Receive(submission.sensor, frame, submission.after_gap, WallNow());
    turn_bytes += frame.size() + decision.unpacked_bytes + kTurnBytesPerFrame;
    if (decision.batch) {
      ASSIGN_OR_RETURN(decision.records.back().entry_index, log_->Append(*decision.batch));
    }
    switch (decision.outcome) {
      case Ledger::Outcome::kTaken:
        ++group_counts_.frames_taken;
        quota_.Charge(submission.sensor, frame.size(), WallNow());
        RETURN_IF_ERROR(Keep(decision.records));
        continue;
      case Ledger::Outcome::kDuplicate:
        ++group_counts_.frames_duplicate;
        continue;
      case Ledger::Outcome::kEarly:
        submission.decided.status = 409;
        submission.decided.error = "frames before this one have not come";
        return {};
      case Ledger::Outcome::kUnknownChain:
        submission.decided.status = 404;
        submission.decided.error = "no such chain here: send its open frame";
        return {};
      case Ledger::Outcome::kRefused:
        ++group_counts_.frames_refused;
        submission.decided.status = 422;
        submission.decided.error = decision.records.back().note;
        if (MayRecordRefusal(submission.sensor)) RETURN_IF_ERROR(Keep(decision.records));
        return {};
    }
  }
  return {};
}

// What was taken before costs nothing: a sensor in doubt learns where it stands.
bool Intake::WithinQuota(Submission& submission, std::span<const std::byte> frame) {
  const std::int64_t now_wall_ns = WallNow();
  const std::int64_t wait_ns = quota_.WaitNs(submission.sensor, now_wall_ns);
  const Result<wire::FrameHeader> header = wire::DecodeFrameHeader(frame);
  const auto position = ledger_->PositionOf(submission.chain_id);
  if (wait_ns == 0 || (header && position && header->sequence < position->next_sequence)) {
    return true;
  }
  // The same words each time: a sensor says them when they change.
  submission.decided.status = kOverQuotaStatus;
  submission.decided.error =
      fmt::format("over the quota of {} bytes a day that this collector gives sensor {}",
                  quota_.bytes_per_day(), submission.sensor);
  submission.decided.retry_after_seconds = static_cast<int>(
      std::clamp<std::int64_t>(wait_ns / 1'000'000'000 + 1, 1, kQuotaRetryAfterSecondsMax));
  const auto [narrated, first] = over_quota_narrated_wall_ns_.try_emplace(submission.sensor);
  if (options_.narrate && (first || now_wall_ns < narrated->second ||
                           now_wall_ns - narrated->second >= kOverQuotaIntervalNs)) {
    narrated->second = now_wall_ns;
    options_.narrate(fmt::format(
        "sensor {} is over its quota of {} bytes a day: told to come later, and keeps its frames",
        submission.sensor, quota_.bytes_per_day()));
  }
  return false;
}

// A sensor that lies must not fill the log with its lies: once a second, and how often meanwhile.
bool Intake::MayRecordRefusal(const std::string& sensor) {
  Refusals& refusals = refusals_[sensor];
  const std::int64_t now_wall_ns = WallNow();
  if (now_wall_ns - refusals.last_recorded_wall_ns < kRefusalIntervalNs &&
      now_wall_ns >= refusals.last_recorded_wall_ns) {
    ++refusals.unrecorded_count;
    return false;
  }
  refusals.last_recorded_wall_ns = now_wall_ns;
  return true;
}

Result<> Intake::Keep(const std::vector<CollectedRecord>& records) {
  for (const CollectedRecord& record : records) {
    CollectedRecord kept = record;
    if (record.verdict == Verdict::kRefused) {
      Refusals& refusals = refusals_[record.sensor];
      if (refusals.unrecorded_count != 0) {
        kept.note += fmt::format(" (and {} more since the last one recorded)",
                                 std::exchange(refusals.unrecorded_count, 0));
      }
    }
    AppendRecord(kept, account_);
    if (account_.size() >= kAccountBytesMax / 2) RETURN_IF_ERROR(SealAccount());
  }
  return {};
}

Result<> Intake::SealAccount() {
  if (account_.empty()) return {};
  const std::uint64_t boot_ns = BootNow();
  RETURN_IF_ERROR(account_sealer_->Seal(
      wire::BatchKind::kCollected, account_,
      {.boot_ns = boot_ns, .wall_ns = WallNow(), .complete_until_boot_ns = boot_ns}));
  account_.clear();
  return {};
}

void Intake::Publish(std::deque<Submission>& group) {
  {
    const std::lock_guard lock(mutex_);
    counts_.frames_taken += group_counts_.frames_taken;
    counts_.frames_duplicate += group_counts_.frames_duplicate;
    counts_.frames_refused += group_counts_.frames_refused;
    ++counts_.checkpoints;
    counts_.log_size = log_->size();
    counts_.chains = ledger_->chain_count();
    for (Submission& submission : group) {
      if (submission.decided.status == kOverQuotaStatus) {
        counts_.over_quota.insert(submission.sensor);
      } else {
        counts_.over_quota.erase(submission.sensor);
      }
      auto position = ledger_->PositionOf(submission.chain_id);
      if (!position || position->sensor != submission.sensor) continue;
      submission.decided.next_sequence = position->next_sequence;
      durable_[submission.chain_id] = *std::move(position);
    }
  }
  for (Submission& submission : group) {
    if (!submission.waits) Answer(submission, std::move(submission.decided));
  }
  PutBack(group);
}

// What could not be done in its sensor's turn, in the order in which it came.
void Intake::PutBack(std::deque<Submission>& group) {
  const std::lock_guard lock(mutex_);
  for (; !group.empty(); group.pop_back()) {
    Submission& submission = group.back();
    if (!submission.waits) continue;
    submission.waits = false;
    queue_bytes_ += submission.frames.size();
    const std::string sensor = submission.sensor;
    queue_.PutBack(sensor, std::move(submission));
  }
}

}  // namespace spoor::collector
