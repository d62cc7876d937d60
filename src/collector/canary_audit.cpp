// SPDX-License-Identifier: Apache-2.0
// Batches come before the account that says whose they are, and the account's first record of a
// chain brings the key that its canaries follow from. So what might be a canary is noted of each
// batch, and compared when the batch is accounted for.
#include "collector/canary_audit.hpp"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "wire/chunk.hpp"

namespace spoor::collector {
namespace {

constexpr std::uint8_t kOpenCall = 1;
constexpr std::uint8_t kConnectCall = 2;
constexpr std::uint8_t kExecCall = 4;
constexpr std::uint8_t kAllCalls = kOpenCall | kConnectCall | kExecCall;

constexpr std::size_t kSightingsMax = 1 << 20;
constexpr std::size_t kSightingsOfBatchMax = 4096;
// Of a chain: those that are not judged yet, and missed ones that may still come.
constexpr std::size_t kAwaitedMax = 1024;
// A canary costs a hash, and a batch may say any time. An honest one says that about one more is
// due, but where frames never came, or the machine slept, the next says so of many.
constexpr std::uint64_t kDrawsOfChain = 1 << 20;
constexpr std::uint64_t kDrawsOfBatch = 16;
constexpr std::size_t kHostsMax = 64;
constexpr std::size_t kHostBytesMax = 255;

template <typename Record>
std::string_view TextOf(std::span<const std::byte> record, tail Record::*member) {
  if (record.size() < sizeof(Record)) return {};
  Record body;
  std::memcpy(&body, record.data(), sizeof(body));
  const tail& where = body.*member;
  if (std::size_t{where.offset_bytes} + where.length_bytes > record.size()) return {};
  return AsText(record.subspan(where.offset_bytes, where.length_bytes));
}

struct Named {
  std::uint8_t call = 0;
  std::string_view path;
};

Named NamedBy(const record_header& header, std::span<const std::byte> record) {
  switch (header.kind) {
    case RECORD_OPEN:
      return {kOpenCall, TextOf(record, &open_record::user_path)};
    case RECORD_SOCKET:
      return {kConnectCall, TextOf(record, &socket_record::unix_path)};
    case RECORD_EXEC:
      return {kExecCall, TextOf(record, &exec_record::user_path)};
    default:
      return {};
  }
}

// Almost no batch does, and this is much faster than to look at each record.
bool Mentions(std::span<const std::byte> bytes) {
  return !bytes.empty() && memmem(bytes.data(), bytes.size(), wire::kCanaryFolder.data(),
                                  wire::kCanaryFolder.size()) != nullptr;
}

bool IsToken(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::int64_t WallAt(std::uint64_t boot_ns, const auto& observed) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(observed.wall_ns) - observed.boot_ns +
                                   boot_ns);
}

}  // namespace

std::vector<std::string> CanaryCallNames(std::uint8_t missing) {
  std::vector<std::string> names;
  if ((missing & kOpenCall) != 0) names.emplace_back("open");
  if ((missing & kConnectCall) != 0) names.emplace_back("connect");
  if ((missing & kExecCall) != 0) names.emplace_back("exec");
  return names;
}

void CanaryAudit::Continue(const wire::Carried& carried) {
  if (escrow_private_ == nullptr) return;
  for (const wire::CarriedChain& item : carried.chains) {
    if (item.closed) continue;
    Chain* const chain = Open(item.chain_id, item.sensor, item.open_frame);
    if (chain != nullptr) chain->carried = true;
  }
  for (const wire::CarriedRecording& item : carried.recordings) {
    const auto chain = chains_.find(item.recording_id);
    if (chain == chains_.end() || item.extent.closed) continue;
    chain->second.draws_left += kDrawsOfBatch * item.extent.batch_count;
    const Result<wire::Batch> first = wire::DecodeBatch(item.first_batch);
    if (first) BeginSchedule(chain->second, Observe(*first));
  }
}

void CanaryAudit::Add(std::uint64_t entry_index, const wire::Batch& batch) {
  if (escrow_private_ == nullptr) return;
  if (batch.kind == wire::BatchKind::kCollected) {
    const auto records = ParseRecords(batch.payload);
    if (!records) return;  // SealAudit says so
    for (const CollectedRecord& record : *records) AddRecord(record);
    return;
  }
  if (!wire::IsOfRecording(batch.kind)) return;
  const auto [added, is_new] = unaccounted_.emplace(entry_index, Observe(batch));
  if (is_new) sighting_count_ += added->second.sightings.size();
  while (unaccounted_.size() > kUnaccountedMax || sighting_count_ > kSightingsMax) {
    sighting_count_ -= unaccounted_.begin()->second.sightings.size();
    unaccounted_.erase(unaccounted_.begin());
  }
}

CanaryAudit::Observed CanaryAudit::Observe(const wire::Batch& batch) {
  Observed observed{.recording_id = batch.recording_id,
                    .kind = batch.kind,
                    .boot_ns = batch.boot_ns,
                    .complete_until_boot_ns = std::min(batch.complete_until_boot_ns, batch.boot_ns),
                    .wall_ns = batch.wall_ns,
                    .interval_ns = 0,
                    .hosts = {},
                    .sightings = {}};
  if (batch.kind == wire::BatchKind::kRecordingOpen) ReadDescription(batch, observed);
  if (batch.kind == wire::BatchKind::kRecords) FindSightings(batch.payload, observed.sightings);
  return observed;
}

void CanaryAudit::ReadDescription(const wire::Batch& batch, Observed& observed) {
  const auto json = nlohmann::json::parse(AsText(batch.payload), nullptr, false);
  if (!json.is_object()) return;
  const auto policy = json.find("policy");
  if (policy != json.end() && policy->is_object()) {
    const auto interval = policy->find("canary_interval_ms");
    if (interval != policy->end() && interval->is_number_unsigned()) {
      const auto ms = interval->get<std::uint64_t>();
      const bool valid = ms >= wire::kCanaryIntervalMsMin && ms <= wire::kCanaryIntervalMsMax;
      observed.interval_ns = valid ? ms * 1'000'000 : 0;
    }
  }
  const auto scopes = json.find("scopes");
  if (scopes == json.end() || !scopes->is_array()) return;
  for (const nlohmann::json& scope : *scopes) {
    if (observed.hosts.size() == kHostsMax) return;
    const auto host = scope.is_object() ? scope.find("host") : scope.end();
    const bool named = host != scope.end() && host->is_string();
    observed.hosts.push_back(named ? host->get<std::string>().substr(0, kHostBytesMax) : "");
  }
}

void CanaryAudit::FindSightings(std::span<const std::byte> payload,
                                std::vector<Sighting>& sightings) {
  if (!Mentions(payload)) return;
  while (const std::optional<wire::Chunk> chunk = wire::TakeChunk(payload)) {
    if (chunk->header.cpu == wire::kUserSpaceCpu) continue;  // the kernel half did not see it
    if (!Mentions(chunk->records)) continue;
    std::span<const std::byte> records = chunk->records;
    while (const auto record = wire::TakeRecord(records)) {
      record_header header;
      std::memcpy(&header, record->data(), sizeof(header));
      auto [call, path] = NamedBy(header, *record);
      // A socket's name is as long as its caller said; behind the path are NULs then.
      path = path.substr(0, path.find('\0'));
      if (!path.starts_with(wire::kCanaryFolder)) continue;
      path.remove_prefix(wire::kCanaryFolder.size());
      if (path.size() != wire::kCanaryTokenBytes || !IsToken(path)) continue;
      if (sightings.size() == kSightingsOfBatchMax) return;
      Sighting sighting{.token = {}, .call = call, .boot_ns = header.boot_ns};
      std::ranges::copy(path, sighting.token.begin());
      sightings.push_back(sighting);
    }
  }
}

void CanaryAudit::AddRecord(const CollectedRecord& record) {
  const Result<wire::FrameHeader> header = wire::DecodeFrameHeader(record.head);
  if (!header || record.verdict == Verdict::kRefused) return;
  if (record.verdict == Verdict::kOpened) {
    Open(header->chain_id, record.sensor, record.head);
    return;
  }
  const auto chain = chains_.find(header->chain_id);
  if (record.verdict == Verdict::kAccepted) {
    const auto entry = unaccounted_.find(record.entry_index);
    if (entry == unaccounted_.end()) return;
    const Observed& observed = entry->second;
    if (chain != chains_.end() && observed.recording_id == header->chain_id &&
        chain->second.sensor == record.sensor) {
      Apply(chain->first, chain->second, observed);
    }
    sighting_count_ -= observed.sightings.size();
    unaccounted_.erase(entry);
  }
  if (record.verdict == Verdict::kClosed && chain != chains_.end()) chains_.erase(chain);
}

CanaryAudit::Chain* CanaryAudit::Open(const wire::ChainId& id, std::string sensor,
                                      std::span<const std::byte> open_frame) {
  const Result<wire::FrameHeader> header = wire::DecodeFrameHeader(open_frame);
  Result<wire::ChainOpening> opening = wire::UnlockOpenFrame(open_frame, escrow_private_);
  if (!header || !opening) return nullptr;  // SealAudit says so
  const auto [chain, is_new] = chains_.try_emplace(id);
  if (!is_new) return nullptr;
  chain->second.sensor = std::move(sensor);
  chain->second.first_key = std::move(opening->first_key);
  chain->second.opened_boot_ns = header->boot_ns;
  chain->second.draws_left = kDrawsOfChain;
  return &chain->second;
}

void CanaryAudit::BeginSchedule(Chain& chain, const Observed& observed) {
  if (!chain.first_key || observed.kind != wire::BatchKind::kRecordingOpen) return;
  chain.hosts = observed.hosts;
  if (observed.interval_ns != 0) {
    chain.schedule.emplace(*chain.first_key, chain.opened_boot_ns, observed.interval_ns);
    ++report_.chain_count;
  }
  chain.first_key.reset();
}

void CanaryAudit::Apply(const wire::ChainId& id, Chain& chain, const Observed& observed) {
  BeginSchedule(chain, observed);
  if (!chain.schedule) return;
  if (chain.carried) {
    // What this batch does not hold of the time before it was sealed may have been removed.
    chain.carried = false;
    chain.asked_from_boot_ns = observed.boot_ns;
  }
  chain.draws_left += kDrawsOfBatch;
  const bool drawn = Draw(id, chain, observed);
  for (const Sighting& sighting : observed.sightings) See(id, chain, sighting, observed);
  const bool ended = observed.kind == wire::BatchKind::kRecordingClose;
  const std::uint64_t grace_ns = ended ? kEndGraceNs : kGraceNs;
  if (observed.complete_until_boot_ns > grace_ns) {
    Judge(id, chain, observed.complete_until_boot_ns - grace_ns, observed);
  }
  if (!drawn) ++report_.left_chain_count;
  if (!drawn || ended) {
    chain.schedule.reset();
    chain.awaited.clear();
    chain.numbers.clear();
  }
}

bool CanaryAudit::Draw(const wire::ChainId& id, Chain& chain, const Observed& observed) {
  while (chain.schedule->next().due_boot_ns <= observed.boot_ns) {
    if (chain.draws_left == 0) return false;
    --chain.draws_left;
    const wire::Canary& next = chain.schedule->next();
    if (next.due_boot_ns >= chain.asked_from_boot_ns) {
      Awaited canary{.number = next.number, .due_boot_ns = next.due_boot_ns};
      std::ranges::copy(next.token, canary.token.begin());
      chain.numbers.emplace(canary.token, canary.number);
      chain.awaited.push_back(canary);
      if (chain.awaited.size() > kAwaitedMax) {
        Miss(id, chain, chain.awaited.front(), observed);
        Forget(chain);
      }
    }
    chain.schedule->Advance();
  }
  return true;
}

void CanaryAudit::See(const wire::ChainId& id, Chain& chain, const Sighting& sighting,
                      const Observed& observed) {
  const auto number = chain.numbers.find(sighting.token);
  if (number == chain.numbers.end()) return;
  Awaited& canary = chain.awaited[number->second - chain.awaited.front().number];
  if (canary.done) return;
  canary.seen |= sighting.call;
  canary.late = canary.late || sighting.boot_ns > canary.due_boot_ns + kGraceNs;
  if (canary.seen != kAllCalls) return;
  canary.done = true;
  if (canary.missed) {
    canary.late = true;
    --report_.missed_count;
    report_.missed.erase({wire::FormatChainId(id), canary.number});
  }
  ++(canary.late ? report_.late_count : report_.recorded_count);
  Tell(canary.late ? CanaryFinding::Outcome::kLate : CanaryFinding::Outcome::kRecorded, id, chain,
       canary, observed);
}

void CanaryAudit::Judge(const wire::ChainId& id, Chain& chain, std::uint64_t due_until_boot_ns,
                        const Observed& observed) {
  for (Awaited& canary : chain.awaited) {
    if (canary.due_boot_ns > due_until_boot_ns) break;
    Miss(id, chain, canary, observed);
  }
  while (!chain.awaited.empty() && chain.awaited.front().done) Forget(chain);
}

void CanaryAudit::Miss(const wire::ChainId& id, const Chain& chain, Awaited& canary,
                       const Observed& observed) {
  if (canary.done || canary.missed) return;
  canary.missed = true;
  ++report_.missed_count;
  Tell(CanaryFinding::Outcome::kMissed, id, chain, canary, observed);
}

void CanaryAudit::Forget(Chain& chain) {
  chain.numbers.erase(chain.awaited.front().token);
  chain.awaited.pop_front();
}

void CanaryAudit::Tell(CanaryFinding::Outcome outcome, const wire::ChainId& id, const Chain& chain,
                       const Awaited& canary, const Observed& observed) {
  CanaryFinding finding{
      .outcome = outcome,
      .sensor = chain.sensor,
      .host = chain.hosts.empty() ? "" : chain.hosts[canary.number % chain.hosts.size()],
      .chain = wire::FormatChainId(id),
      .number = canary.number,
      .due_boot_ns = canary.due_boot_ns,
      .due_wall_ns = WallAt(canary.due_boot_ns, observed),
      .missing = static_cast<std::uint8_t>(kAllCalls & ~canary.seen)};
  if (found_) found_(finding);
  if (outcome == CanaryFinding::Outcome::kMissed && report_.missed.size() < kMissedMax) {
    report_.missed.emplace(std::pair(finding.chain, finding.number), std::move(finding));
  }
}

}  // namespace spoor::collector
