// SPDX-License-Identifier: Apache-2.0
// Each Feed takes its batch apart into items (records with their place in time and in their CPU's
// sequence), sorts them together with those held from before, turns those below the watermark into
// events straight from the batch's bytes, and copies the rest.
#include "ingest/record_decoder.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <tuple>

#include "base/file.hpp"
#include "base/saturating.hpp"
#include "event/number_range.hpp"
#include "ingest/record_events.hpp"
#include "ingest/state_walk.hpp"
#include "schema/loss_class.hpp"
#include "wire/chunk.hpp"

namespace spoor::ingest {

using event::Event;
using schema::LossClass;

namespace {

constexpr std::size_t kCpusMax = 65536;
constexpr std::size_t kScopesMax = 64;
// The sensor reads its counters each drain, some ten times a batch; each reading can make an event
// per class and host.
constexpr std::size_t kReadingsPerBatchMax = 256;
constexpr std::size_t kHostBytesMax = 255;

// A record and what its turn is decided by.
struct Item {
  std::uint64_t boot_ns = 0;
  std::uint32_t cpu = 0;
  std::uint64_t sequence = 0;
  RecordEvents::Origin origin;
  std::span<const std::byte> bytes;

  auto Order() const { return std::tie(boot_ns, cpu, sequence); }
};

struct CpuSequence {
  std::uint64_t next = 0;
  std::uint64_t last_boot_ns = 0;

  template <typename Archive>
  void Walk(Archive& archive) {
    archive(next, last_boot_ns);
  }
};

// Something that is missing, until it can be said in a kLoss event.
struct Missing {
  std::uint64_t count = 0;
  std::uint64_t from_boot_ns = 0;
  std::uint64_t until_boot_ns = 0;

  void Add(std::uint64_t more, std::uint64_t from, std::uint64_t until) {
    from_boot_ns = count == 0 ? from : std::min(from_boot_ns, from);
    until_boot_ns = std::max(until_boot_ns, until);
    count = SaturatingAdd(count, more);
  }

  template <typename Archive>
  void Walk(Archive& archive) {
    archive(count, from_boot_ns, until_boot_ns);
  }
};

std::string StringIn(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<RecordingDescription> ParseDescription(std::span<const std::byte> payload) {
  const std::string_view text = AsText(payload);
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) {
    return Fail(ErrorCode::kCorrupt, "recording: its description is not a JSON object");
  }
  RecordingDescription description{.hosts = {},
                                   .boot_id = StringIn(json, "boot_id"),
                                   .profile = StringIn(json, "profile"),
                                   .json = std::string(text)};
  const auto scopes = json.find("scopes");
  if (scopes == json.end() || !scopes->is_array() || scopes->empty() ||
      scopes->size() > kScopesMax) {
    return Fail(ErrorCode::kCorrupt, "recording: its description names no scopes");
  }
  for (const nlohmann::json& scope : *scopes) {
    std::string host = scope.is_object() ? StringIn(scope, "host") : std::string();
    if (host.empty() || host.size() > kHostBytesMax) {
      return Fail(ErrorCode::kCorrupt, "recording: scope {} of its description names no host",
                  description.hosts.size());
    }
    description.hosts.push_back(std::move(host));
  }
  return description;
}

}  // namespace

class RecordDecoder::Impl {
 public:
  explicit Impl(const Options& options) : options_(options) {}

  Result<> Feed(const wire::Batch& batch, const BatchOrigin& origin, std::vector<Event>& events);
  void Finish(std::vector<Event>& events);
  template <typename Archive>
  void Walk(Archive& archive);

  RecordingDescription description;
  std::optional<RecordEvents> record_events;
  bool closed = false;
  std::uint64_t record_count = 0;
  std::uint64_t malformed_count = 0;
  std::uint64_t complete_until_boot_ns = 0;

 private:
  Result<> Open(const wire::Batch& batch);
  bool FollowsTheLast(const wire::Batch& batch);
  void TakeApart(const wire::Batch& batch);
  void TakeApartChunk(const wire::Batch& batch, wire::Chunk chunk);
  bool Accept(const wire::Batch& batch, const record_header& header);
  void EmitFirst(std::size_t count, std::vector<Event>& events);
  void WatchSequence(const chunk_header& header, std::uint64_t boot_ns);
  std::size_t HeldBytes() const;
  void Hold();
  void Emit(const Item& item, std::vector<Event>& events);
  void EmitLossesBefore(std::uint64_t boot_ns, std::vector<Event>& events);
  void ReadCounters(const Item& item);
  void ReportUnexplained();
  void AddMalformed(std::uint64_t count, std::string_view reason);
  void AddLoss(LossClass loss_class, const Missing& missing, std::string_view reason);
  void WalkItems(ArchiveWriter& archive);
  void WalkItems(ArchiveReader& archive);
  void WalkLosses(ArchiveWriter& archive);
  void WalkLosses(ArchiveReader& archive);

  Options options_;
  wire::RecordingId recording_id_{};
  std::uint64_t next_batch_index_ = 0;
  wire::Sha256 last_sha256_{};
  std::uint64_t last_boot_ns_ = 0;  // of the last batch
  RecordEvents::Origin current_;    // of the batch being fed

  std::vector<Item> items_;            // held, and while feeding the batch's own
  std::vector<std::byte> held_bytes_;  // what held items point into
  std::map<std::uint32_t, CpuSequence> cpus_;
  std::vector<std::string> hosts_;              // each once
  std::multimap<std::uint64_t, Event> losses_;  // by boot_ns, waiting for their turn

  std::array<std::uint64_t, LOSS_CLASS_COUNT> counted_{};
  std::uint64_t counted_boot_ns_ = 0;
  Missing unexplained_;                  // by sequence numbers, since it was last reported
  std::uint64_t sequence_missing_ = 0;   // ever
  std::uint64_t sequence_reported_ = 0;  // … of it beyond what the counters say
  std::size_t readings_in_batch_ = 0;
  Missing malformed_;  // in this batch
  std::string malformed_reason_;
};

Result<> RecordDecoder::Impl::Feed(const wire::Batch& batch, const BatchOrigin& origin,
                                   std::vector<Event>& events) {
  if (batch.kind == wire::BatchKind::kImportData) {
    return Fail(ErrorCode::kInvalidArgument, "recording: batch {} holds imported data",
                batch.batch_index);
  }
  if (!event::IsPossibleBootTime(batch.boot_ns) ||
      !event::IsPossibleBootTime(batch.complete_until_boot_ns)) {
    return Fail(ErrorCode::kCorrupt, "recording: batch {} is sealed at an impossible time",
                batch.batch_index);
  }
  if (!record_events) {
    RETURN_IF_ERROR(Open(batch));
  } else if (batch.recording_id != recording_id_) {
    return Fail(ErrorCode::kInvalidArgument, "recording: batch {} is of another recording",
                batch.batch_index);
  }
  current_ = {
      .entry_index = origin.entry_index,
      .wall_minus_boot_ns = SaturatingSub(batch.wall_ns, static_cast<std::int64_t>(batch.boot_ns))};
  if (!FollowsTheLast(batch)) return {};
  last_sha256_ = origin.sha256;

  if (batch.kind == wire::BatchKind::kRecords) TakeApart(batch);
  if (batch.kind == wire::BatchKind::kRecordingClose) closed = true;
  last_boot_ns_ = batch.boot_ns;
  complete_until_boot_ns = std::max(complete_until_boot_ns, batch.complete_until_boot_ns);

  std::ranges::stable_sort(items_, std::ranges::less{}, &Item::Order);
  const auto due_end = std::ranges::lower_bound(items_, complete_until_boot_ns, {}, &Item::boot_ns);
  EmitFirst(static_cast<std::size_t>(due_end - items_.begin()), events);
  if (HeldBytes() > options_.held_bytes_max) {
    AddLoss(LossClass::kOrder,
            {.count = items_.size(),
             .from_boot_ns = items_.front().boot_ns,
             .until_boot_ns = batch.boot_ns},
            "too many records waited for their turn: these come before it");
    EmitFirst(items_.size(), events);
  }
  Hold();
  if (malformed_.count != 0) {
    AddLoss(LossClass::kMalformed, std::exchange(malformed_, {}),
            std::exchange(malformed_reason_, {}));
  }
  EmitLossesBefore(complete_until_boot_ns, events);
  return {};
}

void RecordDecoder::Impl::Finish(std::vector<Event>& events) {
  std::ranges::stable_sort(items_, std::ranges::less{}, &Item::Order);
  EmitFirst(items_.size(), events);
  Hold();
  ReportUnexplained();
  if (malformed_.count != 0) {
    AddLoss(LossClass::kMalformed, std::exchange(malformed_, {}),
            std::exchange(malformed_reason_, {}));
  }
  EmitLossesBefore(std::numeric_limits<std::uint64_t>::max(), events);
}

Result<> RecordDecoder::Impl::Open(const wire::Batch& batch) {
  if (batch.kind != wire::BatchKind::kRecordingOpen) {
    return Fail(ErrorCode::kCorrupt, "recording: begins with batch {}, not with its description",
                batch.batch_index);
  }
  ASSIGN_OR_RETURN(description, ParseDescription(batch.payload));
  record_events.emplace(description.hosts, description.boot_id);
  const std::set<std::string> distinct(description.hosts.begin(), description.hosts.end());
  hosts_.assign(distinct.begin(), distinct.end());
  recording_id_ = batch.recording_id;
  last_boot_ns_ = batch.boot_ns;
  counted_boot_ns_ = batch.boot_ns;
  return {};
}

// Says what is wrong with the batch's place. False: its content was there before, or should have
// been.
bool RecordDecoder::Impl::FollowsTheLast(const wire::Batch& batch) {
  const Missing interval{.count = 1, .from_boot_ns = last_boot_ns_, .until_boot_ns = batch.boot_ns};
  if (batch.batch_index < next_batch_index_) {
    AddLoss(LossClass::kBatch, interval,
            fmt::format("batch {} comes after batch {}; left out", batch.batch_index,
                        next_batch_index_ - 1));
    return false;
  }
  if (batch.batch_index > next_batch_index_) {
    AddLoss(LossClass::kBatch,
            {.count = batch.batch_index - next_batch_index_,
             .from_boot_ns = last_boot_ns_,
             .until_boot_ns = batch.boot_ns},
            fmt::format("batches {} to {} are missing", next_batch_index_, batch.batch_index - 1));
  } else if (batch.previous_sha256 != last_sha256_) {
    AddLoss(LossClass::kBatch, interval,
            fmt::format("batch {} does not follow the one before it: SHA-256 differs",
                        batch.batch_index));
  }
  next_batch_index_ = batch.batch_index + 1;
  return true;
}

void RecordDecoder::Impl::TakeApart(const wire::Batch& batch) {
  readings_in_batch_ = 0;
  std::span<const std::byte> rest = batch.payload;
  while (const std::optional<wire::Chunk> chunk = wire::TakeChunk(rest)) {
    TakeApartChunk(batch, *chunk);
  }
  if (!rest.empty()) AddMalformed(1, "bytes that are no chunk");
}

void RecordDecoder::Impl::TakeApartChunk(const wire::Batch& batch, wire::Chunk chunk) {
  const bool sequenced = chunk.header.cpu != wire::kUserSpaceCpu;
  if (sequenced && cpus_.size() >= kCpusMax && !cpus_.contains(chunk.header.cpu)) {
    AddMalformed(std::max<std::uint64_t>(chunk.header.count, 1), "chunks of too many CPUs");
    return;
  }
  std::uint64_t taken_count = 0;
  bool first = true;
  while (const auto record = wire::TakeRecord(chunk.records)) {
    record_header header;
    std::memcpy(&header, record->data(), sizeof(header));
    ++taken_count;
    if (!Accept(batch, header)) continue;
    if (sequenced && first) WatchSequence(chunk.header, header.boot_ns);
    first = false;
    if (sequenced) cpus_[chunk.header.cpu].last_boot_ns = header.boot_ns;
    items_.push_back({.boot_ns = header.boot_ns,
                      .cpu = chunk.header.cpu,
                      .sequence = chunk.header.first_sequence + taken_count - 1,
                      .origin = current_,
                      .bytes = *record});
  }
  if (sequenced && first) WatchSequence(chunk.header, batch.boot_ns);
  if (!chunk.records.empty()) {
    AddMalformed(chunk.header.count > taken_count ? chunk.header.count - taken_count : 1,
                 "bytes that are no record");
  } else if (taken_count != chunk.header.count) {
    AddMalformed(1, "a chunk that does not hold the number of records it claims");
  }
}

bool RecordDecoder::Impl::Accept(const wire::Batch& batch, const record_header& header) {
  if (header.boot_ns > batch.boot_ns) {
    AddMalformed(1, "a record of later than when it was sealed");
    return false;
  }
  if (header.kind == RECORD_LOSS && ++readings_in_batch_ > kReadingsPerBatchMax) {
    AddMalformed(1, "more readings of the counters than a batch can have");
    return false;
  }
  return true;
}

// Sequence numbers count every record made on a CPU, so a jump is what was dropped, in the kernel
// half (then a counter says so too) or on the way.
void RecordDecoder::Impl::WatchSequence(const chunk_header& header, std::uint64_t boot_ns) {
  CpuSequence& cpu = cpus_[header.cpu];
  if (header.first_sequence > cpu.next) {
    const std::uint64_t missing = header.first_sequence - cpu.next;
    sequence_missing_ = SaturatingAdd(sequence_missing_, missing);
    unexplained_.Add(missing, cpu.last_boot_ns == 0 ? counted_boot_ns_ : cpu.last_boot_ns, boot_ns);
  }
  if (header.first_sequence < cpu.next) AddMalformed(1, "a chunk whose sequence goes back");
  cpu.next = header.first_sequence + header.count;
}

void RecordDecoder::Impl::EmitFirst(std::size_t count, std::vector<Event>& events) {
  const auto end = items_.begin() + static_cast<std::ptrdiff_t>(count);
  for (auto item = items_.begin(); item != end; ++item) Emit(*item, events);
  items_.erase(items_.begin(), end);
}

std::size_t RecordDecoder::Impl::HeldBytes() const {
  std::size_t size_bytes = items_.size() * sizeof(Item);
  for (const Item& item : items_) size_bytes += item.bytes.size();
  return size_bytes;
}

// Gives the items that stay, whose bytes lie in the batch or in held_bytes_, a place of their own.
void RecordDecoder::Impl::Hold() {
  std::vector<std::byte> bytes;
  bytes.reserve(HeldBytes());
  for (Item& item : items_) {
    const std::size_t offset = bytes.size();
    bytes.insert(bytes.end(), item.bytes.begin(), item.bytes.end());
    item.bytes = std::span(bytes).subspan(offset, item.bytes.size());
  }
  held_bytes_ = std::move(bytes);
}

void RecordDecoder::Impl::Emit(const Item& item, std::vector<Event>& events) {
  record_header header;
  std::memcpy(&header, item.bytes.data(), sizeof(header));
  EmitLossesBefore(item.boot_ns, events);
  if (header.kind == RECORD_LOSS) {
    ReadCounters(item);
    return;
  }
  const Result<> appended = record_events->Append(item.bytes, item.origin, events);
  if (appended) {
    ++record_count;
  } else {
    AddMalformed(1, appended.error().message);
  }
}

void RecordDecoder::Impl::EmitLossesBefore(std::uint64_t boot_ns, std::vector<Event>& events) {
  const auto end = losses_.lower_bound(boot_ns);
  for (auto loss = losses_.begin(); loss != end; ++loss) events.push_back(std::move(loss->second));
  losses_.erase(losses_.begin(), end);
}

void RecordDecoder::Impl::ReadCounters(const Item& item) {
  loss_record body;
  if (item.bytes.size() < sizeof(body)) {
    AddMalformed(1, "a record of kind 16 shorter than its kind");
    return;
  }
  std::memcpy(&body, item.bytes.data(), sizeof(body));
  ++record_count;
  for (std::size_t i = 0; i < LOSS_CLASS_COUNT; ++i) {
    if (body.count[i] < counted_[i]) {
      AddMalformed(1, "counters of loss that went back");
      return;
    }
  }
  current_ = item.origin;
  for (std::size_t i = 0; i < LOSS_CLASS_COUNT; ++i) {
    const Missing missing{.count = body.count[i] - counted_[i],
                          .from_boot_ns = counted_boot_ns_,
                          .until_boot_ns = item.boot_ns};
    counted_[i] = body.count[i];
    if (missing.count == 0) continue;
    const bool interfered =
        i == LOSS_MISSED_HOOK && (body.header.flags & RECORD_FLAG_INTERFERENCE) != 0;
    AddLoss(schema::kLossClasses[i].loss_class, missing,
            interfered ? "somebody changed the sensor's own state: how much is missing is not known"
                       : "counted by the kernel half");
  }
  counted_boot_ns_ = item.boot_ns;
  ReportUnexplained();
}

void RecordDecoder::Impl::ReportUnexplained() {
  std::uint64_t explained = sequence_reported_;
  for (std::size_t i = 0; i < LOSS_PAYLOAD; ++i) explained = SaturatingAdd(explained, counted_[i]);
  if (sequence_missing_ <= explained) return;
  Missing missing = std::exchange(unexplained_, {});
  missing.count = sequence_missing_ - explained;
  sequence_reported_ = SaturatingAdd(sequence_reported_, missing.count);
  AddLoss(LossClass::kSequence, missing,
          "records that the sequence numbers count and no counter does");
}

void RecordDecoder::Impl::AddMalformed(std::uint64_t count, std::string_view reason) {
  malformed_count += count;
  if (malformed_.count == 0) malformed_reason_ = reason;
  malformed_.Add(count, last_boot_ns_, last_boot_ns_);
}

void RecordDecoder::Impl::AddLoss(LossClass loss_class, const Missing& missing,
                                  std::string_view reason) {
  // The counters are the machine's: any of its hosts may be the one that it concerns.
  for (const std::string& host : hosts_) {
    Event event;
    event.kind = event::EventKind::kLoss;
    event.host = host;
    event.boot_id = description.boot_id;
    event.end_boot_ns = missing.until_boot_ns;
    event.wall_ns =
        SaturatingAdd(static_cast<std::int64_t>(event.end_boot_ns), current_.wall_minus_boot_ns);
    event.entry_index = current_.entry_index;
    event.loss = event::LossCount{.loss_class = std::string(schema::LossClassName(loss_class)),
                                  .count = missing.count,
                                  .from_boot_ns = std::min(missing.from_boot_ns, event.end_boot_ns),
                                  .reason = std::string(reason)};
    losses_.emplace(event.end_boot_ns, std::move(event));
  }
}

template <typename Archive>
void RecordDecoder::Impl::Walk(Archive& archive) {
  archive(description.hosts, description.boot_id, description.profile, description.json,
          record_events, closed, record_count, malformed_count, complete_until_boot_ns,
          recording_id_, next_batch_index_, last_sha256_, last_boot_ns_, current_, held_bytes_,
          cpus_, hosts_, counted_, counted_boot_ns_, unexplained_, sequence_missing_,
          sequence_reported_, malformed_, malformed_reason_);
  WalkItems(archive);
  WalkLosses(archive);
}

// The bytes that held items point into are one after the other, in the order of the items.
void RecordDecoder::Impl::WalkItems(ArchiveWriter& archive) {
  std::uint64_t count = items_.size();
  archive(count);
  for (Item& item : items_) archive(item.boot_ns, item.cpu, item.sequence, item.origin);
}

void RecordDecoder::Impl::WalkItems(ArchiveReader& archive) {
  std::uint64_t count = 0;
  archive(count);
  items_.clear();
  std::span<const std::byte> rest = held_bytes_;
  for (; count > 0 && archive.Charge(2 * sizeof(Item)); --count) {
    Item& item = items_.emplace_back();
    archive(item.boot_ns, item.cpu, item.sequence, item.origin);
    const auto record = wire::TakeRecord(rest);
    if (!record) return archive.Fail();
    item.bytes = *record;
  }
  if (!rest.empty()) archive.Fail();
}

void RecordDecoder::Impl::WalkLosses(ArchiveWriter& archive) {
  std::uint64_t count = losses_.size();
  archive(count);
  for (auto& [boot_ns, loss] : losses_) WalkLoss(archive, loss);
}

void RecordDecoder::Impl::WalkLosses(ArchiveReader& archive) {
  std::uint64_t count = 0;
  archive(count);
  losses_.clear();
  for (; count > 0 && archive.Charge(sizeof(Event)); --count) {
    Event event;
    WalkLoss(archive, event);
    if (archive.failed()) return;
    losses_.emplace(event.end_boot_ns, std::move(event));
  }
}

RecordDecoder::RecordDecoder() : RecordDecoder(Options{}) {}
RecordDecoder::RecordDecoder(const Options& options) : impl_(std::make_unique<Impl>(options)) {}
RecordDecoder::~RecordDecoder() = default;
RecordDecoder::RecordDecoder(RecordDecoder&&) noexcept = default;
RecordDecoder& RecordDecoder::operator=(RecordDecoder&&) noexcept = default;

Result<> RecordDecoder::Feed(const wire::Batch& batch, const BatchOrigin& origin,
                             std::vector<Event>& events) {
  return impl_->Feed(batch, origin, events);
}

void RecordDecoder::Finish(std::vector<Event>& events) {
  impl_->Finish(events);
}

void RecordDecoder::Save(ArchiveWriter& archive) {
  impl_->Walk(archive);
}

void RecordDecoder::Load(ArchiveReader& archive) {
  impl_->Walk(archive);
}

bool RecordDecoder::opened() const {
  return impl_->record_events.has_value();
}

bool RecordDecoder::closed() const {
  return impl_->closed;
}

const RecordingDescription& RecordDecoder::description() const {
  return impl_->description;
}

std::uint64_t RecordDecoder::record_count() const {
  return impl_->record_count;
}

std::uint64_t RecordDecoder::malformed_count() const {
  return impl_->malformed_count;
}

std::uint64_t RecordDecoder::complete_until_boot_ns() const {
  return impl_->complete_until_boot_ns;
}

}  // namespace spoor::ingest
