// SPDX-License-Identifier: Apache-2.0
#include "collector/seal_audit.hpp"

#include "base/file.hpp"
#include "wire/batch.hpp"

namespace spoor::collector {
namespace {

// More than a collector puts under one checkpoint. What is older was not shipped by a sensor.
constexpr std::size_t kWaitingBytesMax = 32 << 20;

}  // namespace

Result<> SealAudit::Continue(const wire::Carried& carried, std::uint64_t removed_until) {
  removed_until_ = removed_until;
  for (const wire::CarriedChain& item : carried.chains) {
    has_account_ = true;
    Chain chain{.sensor = item.sensor,
                .next_sequence = item.next_sequence,
                .last_sha256 = item.last_sha256,
                .key = {}};
    if (escrow_private_ != nullptr && !item.closed) {
      ASSIGN_OR_RETURN(wire::ChainOpening opening,
                       wire::UnlockOpenFrame(item.open_frame, escrow_private_));
      chain.key.emplace(std::move(opening.first_key));
      for (std::uint64_t i = 0; i < item.next_sequence; ++i) chain.key->Evolve();
    }
    chains_.insert_or_assign(item.chain_id, std::move(chain));
    if (!item.closed) ++report_.chain_count;
  }
  return {};
}

Result<> SealAudit::Add(std::uint64_t entry_index, std::span<const std::byte> entry) {
  if (wire::PeekKind(entry) != wire::BatchKind::kCollected) {
    waiting_.emplace(entry_index, std::vector<std::byte>(entry.begin(), entry.end()));
    waiting_bytes_ += entry.size();
    while (waiting_bytes_ > kWaitingBytesMax) {
      waiting_bytes_ -= waiting_.begin()->second.size();
      waiting_.erase(waiting_.begin());
      ++report_.unsealed_count;
    }
    return {};
  }
  has_account_ = true;
  ASSIGN_OR_RETURN(const wire::Batch batch, wire::DecodeBatch(entry));
  ASSIGN_OR_RETURN(const std::vector<CollectedRecord> records, ParseRecords(batch.payload));
  for (const CollectedRecord& record : records) {
    if (const Result<> added = AddRecord(record); !added) {
      return Fail(ErrorCode::kUnverified, "entry {}: {}", entry_index, added.error().message);
    }
  }
  return {};
}

void SealAudit::Finish() {
  report_.unsealed_count += waiting_.size();
  waiting_.clear();
}

Result<> SealAudit::AddRecord(const CollectedRecord& record) {
  if (record.verdict == Verdict::kRefused) {
    ++report_.refused_count;
    return {};
  }
  ASSIGN_OR_RETURN(const wire::FrameHeader header, wire::DecodeFrameHeader(record.head));
  const std::string id = wire::FormatChainId(header.chain_id);
  if (record.verdict == Verdict::kOpened) {
    Chain chain{.sensor = record.sensor, .next_sequence = 0, .last_sha256 = {}, .key = {}};
    if (escrow_private_ != nullptr) {
      ASSIGN_OR_RETURN(wire::ChainOpening opening,
                       wire::UnlockOpenFrame(record.head, escrow_private_));
      chain.key.emplace(std::move(opening.first_key));
      chain.key->Evolve();
    }
    chain.next_sequence = 1;
    chain.last_sha256 = wire::DigestOf(header);
    if (!chains_.emplace(header.chain_id, std::move(chain)).second) {
      return Fail(ErrorCode::kUnverified, "chain {} is opened again", id);
    }
    ++report_.chain_count;
    return {};
  }
  const auto found = chains_.find(header.chain_id);
  if (found == chains_.end() || found->second.sensor != record.sensor) {
    return Fail(ErrorCode::kUnverified, "chain {} of {} was never opened", id, record.sensor);
  }
  return Follow(found->second, header, record);
}

Result<> SealAudit::Follow(Chain& chain, const wire::FrameHeader& header,
                           const CollectedRecord& record) {
  if (header.sequence < chain.next_sequence) {
    return Fail(ErrorCode::kUnverified, "chain {}: frame {} comes again",
                wire::FormatChainId(header.chain_id), header.sequence);
  }
  if (record.verdict == Verdict::kMissing) {
    report_.missing_count += header.sequence - chain.next_sequence;
    for (; chain.next_sequence < header.sequence; ++chain.next_sequence) {
      if (chain.key) chain.key->Evolve();
    }
    chain.last_sha256 = header.previous_sha256;
    return {};
  }
  if (header.sequence != chain.next_sequence || header.previous_sha256 != chain.last_sha256) {
    return Fail(ErrorCode::kUnverified, "chain {}: frame {} does not follow frame {}",
                wire::FormatChainId(header.chain_id), header.sequence, chain.next_sequence - 1);
  }
  RETURN_IF_ERROR(CheckContent(chain, header, record));
  if (chain.key) chain.key->Evolve();
  ++chain.next_sequence;
  chain.last_sha256 = wire::DigestOf(header);
  return {};
}

Result<> SealAudit::CheckContent(const Chain& chain, const wire::FrameHeader& header,
                                 const CollectedRecord& record) {
  // The account of the last removed entries may stand behind them.
  if (record.verdict == Verdict::kAccepted && record.entry_index < removed_until_) return {};
  std::span<const std::byte> content = AsBytes(record.note);
  const auto entry = waiting_.find(record.entry_index);
  if (record.verdict == Verdict::kAccepted) {
    if (entry == waiting_.end()) {
      return Fail(ErrorCode::kUnverified,
                  "chain {}: frame {} is said to be entry {}, which is not there or has a seal",
                  wire::FormatChainId(header.chain_id), header.sequence, record.entry_index);
    }
    content = entry->second;
    ++report_.sealed_count;
  }
  if (record.verdict == Verdict::kGap) ++report_.gap_count;
  if (record.verdict == Verdict::kClosed) ++report_.closed_chain_count;
  if (chain.key) {
    if (!wire::MacMatches(*chain.key, header, content)) {
      return Fail(ErrorCode::kUnverified,
                  "chain {}: the sensor's seal on frame {} does not belong to what is stored",
                  wire::FormatChainId(header.chain_id), header.sequence);
    }
    if (record.verdict == Verdict::kAccepted) ++report_.mac_count;
  }
  if (record.verdict == Verdict::kAccepted) {
    waiting_bytes_ -= entry->second.size();
    waiting_.erase(entry);
  }
  return {};
}

}  // namespace spoor::collector
