// SPDX-License-Identifier: Apache-2.0
#include "collector/seal_audit.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/visible_text.hpp"
#include "keys/chain_statement.hpp"
#include "wire/batch.hpp"
#include "wire/batch_sealer.hpp"

namespace spoor::collector {
namespace {

// More than a collector puts under one checkpoint. What is older was not shipped by a sensor.
constexpr std::size_t kWaitingBytesMax = 32 << 20;

std::optional<wire::FrameKind> KindFor(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOpened:
      return wire::FrameKind::kOpen;
    case Verdict::kAccepted:
      return wire::FrameKind::kBatch;
    case Verdict::kGap:
      return wire::FrameKind::kGap;
    case Verdict::kClosed:
      return wire::FrameKind::kClose;
    case Verdict::kMissing:
    case Verdict::kRefused:
      return std::nullopt;
  }
  return std::nullopt;
}

bool IsWholeOpenFrame(const wire::FrameHeader& header, std::span<const std::byte> head) {
  return header.kind == wire::FrameKind::kOpen && header.sequence == 0 &&
         header.previous_sha256 == wire::Sha256{} && header.frame_bytes == head.size() &&
         std::ranges::all_of(head.last(wire::kFrameTagBytes),
                             [](std::byte byte) { return byte == std::byte{0}; });
}

}  // namespace

Result<> SealAudit::Continue(const wire::Carried& carried, std::uint64_t removed_until) {
  removed_until_ = removed_until;
  for (const wire::CarriedChain& item : carried.chains) {
    has_account_ = true;
    Chain chain{.sensor = item.sensor,
                .next_sequence = item.next_sequence,
                .last_sha256 = item.last_sha256,
                .keys = {},
                .closed = item.closed};
    if (escrow_private_ != nullptr && !item.closed) {
      ASSIGN_OR_RETURN(wire::ChainOpening opening,
                       wire::UnlockOpenFrame(item.open_frame, escrow_private_));
      const std::string id = wire::FormatChainId(item.chain_id);
      const Result<> stated = keys::CheckChainStatement(
          opening.description,
          {.sensor = item.sensor,
           .chain_id = id,
           .first_key_tag = wire::FormatSha256(wire::FirstKeyTag(opening.first_key)),
           .root = root_});
      if (!stated) {
        return Fail(ErrorCode::kUnverified, "chain {} of {}: {}", id, VisibleText(item.sensor),
                    VisibleText(stated.error().message));
      }
      chain.keys.emplace(opening.first_key);
    }
    chains_.insert_or_assign(item.chain_id, std::move(chain));
    if (!item.closed) ++report_.chain_count;
  }
  return {};
}

Result<> SealAudit::Add(std::uint64_t entry_index, std::span<const std::byte> entry) {
  const std::optional<wire::BatchKind> kind = wire::PeekKind(entry);
  if (kind == wire::BatchKind::kRetention || kind == wire::BatchKind::kCarried) return {};
  if (kind != wire::BatchKind::kCollected) {
    waiting_.emplace(entry_index, std::vector<std::byte>(entry.begin(), entry.end()));
    waiting_bytes_ += entry.size();
    while (waiting_bytes_ > kWaitingBytesMax) LeaveUnsealed();
    return {};
  }
  has_account_ = true;
  if (const Result<> added = AddAccount(entry); !added) {
    return Fail(ErrorCode::kUnverified, "entry {}: {}", entry_index, added.error().message);
  }
  return {};
}

Result<> SealAudit::AddAccount(std::span<const std::byte> entry) {
  ASSIGN_OR_RETURN(const wire::Batch batch, wire::DecodeBatch(entry));
  ASSIGN_OR_RETURN(const std::vector<CollectedRecord> records, ParseRecords(batch.payload));
  for (const CollectedRecord& record : records) RETURN_IF_ERROR(AddRecord(record));
  return {};
}

Result<> SealAudit::Finish() {
  while (!waiting_.empty()) LeaveUnsealed();
  for (const auto& [id, first_unsealed] : first_unsealed_) {
    if (chains_.contains(id)) {
      return Fail(ErrorCode::kUnverified, "{} of recording {} has no seal, unlike others of it",
                  first_unsealed, wire::FormatRecordingId(id));
    }
  }
  return {};
}

void SealAudit::LeaveUnsealed() {
  const auto oldest = waiting_.begin();
  if (const std::optional<wire::Batch> batch = wire::PeekBatch(oldest->second)) {
    first_unsealed_.try_emplace(
        batch->recording_id, fmt::format("entry {}: batch {}", oldest->first, batch->batch_index));
  }
  waiting_bytes_ -= oldest->second.size();
  waiting_.erase(oldest);
  ++report_.unsealed_count;
}

Result<> SealAudit::AddRecord(const CollectedRecord& record) {
  if (record.verdict == Verdict::kRefused) {
    ++report_.refused_count;
    return {};
  }
  ASSIGN_OR_RETURN(const wire::FrameHeader header, wire::DecodeFrameHeader(record.head));
  if (record.verdict == Verdict::kOpened) return Open(header, record);
  const auto found = chains_.find(header.chain_id);
  if (found == chains_.end() || found->second.sensor != record.sensor) {
    return Fail(ErrorCode::kUnverified, "chain {} of {} was never opened",
                wire::FormatChainId(header.chain_id), VisibleText(record.sensor));
  }
  return Follow(found->second, header, record);
}

Result<> SealAudit::Open(const wire::FrameHeader& header, const CollectedRecord& record) {
  const std::string id = wire::FormatChainId(header.chain_id);
  if (chains_.contains(header.chain_id)) {
    return Fail(ErrorCode::kUnverified, "chain {} is opened again", id);
  }
  if (!IsWholeOpenFrame(header, record.head)) {
    return Fail(ErrorCode::kUnverified, "chain {}: frame {} does not open a chain", id,
                header.sequence);
  }
  Chain chain{.sensor = record.sensor,
              .next_sequence = 1,
              .last_sha256 = wire::DigestOf(header),
              .keys = {},
              .closed = false};
  keys::ChainClaim claim{
      .sensor = record.sensor, .chain_id = id, .first_key_tag = {}, .root = root_};
  if (escrow_private_ != nullptr) {
    ASSIGN_OR_RETURN(wire::ChainOpening opening,
                     wire::UnlockOpenFrame(record.head, escrow_private_));
    if (opening.description != record.note) {
      return Fail(ErrorCode::kUnverified,
                  "chain {}: the sensor's seal on frame 0 does not belong to what is stored", id);
    }
    claim.first_key_tag = wire::FormatSha256(wire::FirstKeyTag(opening.first_key));
    chain.keys.emplace(opening.first_key);
  }
  if (const Result<> stated = keys::CheckChainStatement(record.note, claim); !stated) {
    return Fail(ErrorCode::kUnverified, "chain {} of {}: {}", id, VisibleText(record.sensor),
                VisibleText(stated.error().message));
  }
  chains_.emplace(header.chain_id, std::move(chain));
  ++report_.chain_count;
  return {};
}

Result<> SealAudit::Follow(Chain& chain, const wire::FrameHeader& header,
                           const CollectedRecord& record) {
  const auto bad = [&header](std::string_view what) {
    return Fail(ErrorCode::kUnverified, "chain {}: frame {} {}",
                wire::FormatChainId(header.chain_id), header.sequence, what);
  };
  if (header.sequence < chain.next_sequence) return bad("comes again");
  if (chain.closed) return bad("follows the chain's end");
  if (record.verdict == Verdict::kMissing) return Skip(chain, header);
  if (header.sequence != chain.next_sequence || header.previous_sha256 != chain.last_sha256) {
    return bad(fmt::format("does not follow frame {}", chain.next_sequence - 1));
  }
  if (header.kind != KindFor(record.verdict)) {
    return bad("is not of the kind that the account says");
  }
  RETURN_IF_ERROR(CheckContent(chain, header, record));
  ++chain.next_sequence;
  chain.last_sha256 = wire::DigestOf(header);
  chain.closed = record.verdict == Verdict::kClosed;
  return {};
}

Result<> SealAudit::Skip(Chain& chain, const wire::FrameHeader& header) {
  if (header.sequence >= wire::kChainFramesMax) {
    return Fail(ErrorCode::kUnverified,
                "chain {}: frame {} would leave a gap of more frames than there can be",
                wire::FormatChainId(header.chain_id), header.sequence);
  }
  report_.missing_count += header.sequence - chain.next_sequence;
  chain.next_sequence = header.sequence;
  chain.last_sha256 = header.previous_sha256;
  return {};
}

// That an accepted record's entry is there and may be this chain's.
Result<> SealAudit::Claim(const wire::FrameHeader& header, const CollectedRecord& record) {
  const auto entry = waiting_.find(record.entry_index);
  if (entry == waiting_.end()) {
    return Fail(ErrorCode::kUnverified,
                "chain {}: frame {} is said to be entry {}, which is not there or has a seal",
                wire::FormatChainId(header.chain_id), header.sequence, record.entry_index);
  }
  const std::optional<wire::Batch> batch = wire::PeekBatch(entry->second);
  if (!batch) return {};  // wire::BatchChain says what it is
  if (batch->recording_id != header.chain_id) {
    return Fail(ErrorCode::kUnverified,
                "chain {}: frame {} is entry {}, of a recording of another chain",
                wire::FormatChainId(header.chain_id), header.sequence, record.entry_index);
  }
  if (batch->kind == wire::BatchKind::kRecordingOpen) KeepHosts(record.sensor, entry->second);
  return {};
}

void SealAudit::KeepHosts(const std::string& sensor, std::span<const std::byte> entry) {
  const Result<wire::Batch> batch = wire::DecodeBatch(entry);
  if (!batch) return;  // wire::BatchChain says what is wrong
  const nlohmann::json json =
      nlohmann::json::parse(AsText(batch->payload), nullptr, /*allow_exceptions=*/false);
  const auto keep = [&](const nlohmann::json& described) {
    if (described.is_object() && described.contains("host") && described["host"].is_string()) {
      report_.hosts[described["host"].get<std::string>()].insert(sensor);
    }
  };
  keep(json);
  if (!json.is_object() || !json.contains("scopes")) return;
  for (const nlohmann::json& scope : json["scopes"]) keep(scope);
}

Result<> SealAudit::CheckContent(Chain& chain, const wire::FrameHeader& header,
                                 const CollectedRecord& record) {
  const bool is_batch = record.verdict == Verdict::kAccepted;
  // The account of the last removed entries may stand behind them.
  if (is_batch && record.entry_index < removed_until_) return {};
  if (is_batch) RETURN_IF_ERROR(Claim(header, record));
  const auto entry = is_batch ? waiting_.find(record.entry_index) : waiting_.end();
  const std::span<const std::byte> content =
      is_batch ? std::span<const std::byte>(entry->second) : AsBytes(record.note);
  if (header.frame_bytes != wire::kFrameHeaderBytes + content.size() + wire::kFrameTagBytes) {
    return Fail(ErrorCode::kUnverified, "chain {}: frame {} had another size than what is stored",
                wire::FormatChainId(header.chain_id), header.sequence);
  }
  if (chain.keys) RETURN_IF_ERROR(chain.keys->AdvanceTo(header.sequence));
  if (chain.keys && !wire::MacMatches(chain.keys->key(), header, wire::DigestOf(content))) {
    return Fail(ErrorCode::kUnverified,
                "chain {}: the sensor's seal on frame {} does not belong to what is stored",
                wire::FormatChainId(header.chain_id), header.sequence);
  }
  if (record.verdict == Verdict::kGap) ++report_.gap_count;
  if (record.verdict == Verdict::kClosed) ++report_.closed_chain_count;
  if (!is_batch) return {};
  ++report_.sealed_count;
  if (chain.keys) ++report_.mac_count;
  waiting_bytes_ -= entry->second.size();
  waiting_.erase(entry);
  return {};
}

}  // namespace spoor::collector
