// SPDX-License-Identifier: Apache-2.0
#include "collector/ledger.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/file.hpp"
#include "keys/chain_statement.hpp"
#include "wire/batch.hpp"
#include "wire/batch_sealer.hpp"

namespace spoor::collector {
namespace {

// Of what a sensor says in its own words, all of which the account keeps.
constexpr std::size_t kToldBytesMax = 8 << 10;

std::uint64_t ShortDigest(const wire::FrameHeader& header) {
  const wire::Sha256 digest = wire::DigestOf(header);
  std::uint64_t text = 0;
  std::memcpy(&text, digest.data(), sizeof(text));
  return text;
}

std::vector<std::byte> HeadOf(std::span<const std::byte> frame) {
  const std::span<const std::byte> head =
      frame.first(std::min(frame.size(), wire::kFrameHeaderBytes));
  return {head.begin(), head.end()};
}

Ledger::Decision Refuse(CollectedRecord record, std::string why) {
  record.verdict = Verdict::kRefused;
  record.note = std::move(why);
  return {Ledger::Outcome::kRefused, {std::move(record)}, std::nullopt, 0};
}

}  // namespace

Ledger::Decision Ledger::Receive(const std::string& sensor, std::span<const std::byte> frame,
                                 bool after_gap, std::int64_t received_wall_ns) {
  CollectedRecord record{.verdict = Verdict::kRefused,
                         .entry_index = kNoEntry,
                         .received_wall_ns = received_wall_ns,
                         .sensor = sensor,
                         .head = HeadOf(frame),
                         .note = {}};
  const Result<wire::FrameHeader> header = wire::DecodeFrameHeader(frame);
  if (!header) return Refuse(std::move(record), header.error().message);
  const auto found = chains_.find(header->chain_id);
  if (found == chains_.end()) {
    if (header->kind != wire::FrameKind::kOpen) {
      return {Outcome::kUnknownChain, {}, std::nullopt, 0};
    }
    return Open(sensor, frame, *header, received_wall_ns, root_);
  }
  Chain& chain = found->second;
  if (chain.sensor != sensor) {
    return Refuse(std::move(record), fmt::format("the chain is {}'s", chain.sensor));
  }
  if (header->sequence < chain.next_sequence) {
    const std::optional<std::uint64_t> digest = DigestAt(chain, header->sequence);
    if (digest == ShortDigest(*header)) return {Outcome::kDuplicate, {}, std::nullopt, 0};
    if (header->sequence < chain.carried_until) {
      return Refuse(std::move(record),
                    fmt::format("frame {} was taken before the evidence of its time was removed",
                                header->sequence));
    }
    return Refuse(std::move(record),
                  !digest ? fmt::format("frame {} was given up as missing", header->sequence)
                          : fmt::format("frame {} again with other content: sealed anew or forged",
                                        header->sequence));
  }
  if (chain.closed) return Refuse(std::move(record), "the chain was closed before this frame");
  return Continue(chain, frame, *header, std::move(record), after_gap);
}

Ledger::Decision Ledger::Open(const std::string& sensor, std::span<const std::byte> frame,
                              const wire::FrameHeader& header, std::int64_t received_wall_ns,
                              X509* root) {
  CollectedRecord record{.verdict = Verdict::kOpened,
                         .entry_index = kNoEntry,
                         .received_wall_ns = received_wall_ns,
                         .sensor = sensor,
                         .head = {frame.begin(), frame.end()},
                         .note = {}};
  Result<wire::ChainOpening> opening = wire::UnlockOpenFrame(frame, escrow_private_);
  std::string why;
  if (!opening) why = opening.error().message;
  if (frame.size() > kToldBytesMax) why = "describes itself at too great length";
  if (opening && why.empty()) {
    const Result<> stated = keys::CheckChainStatement(
        opening->description,
        {.sensor = sensor,
         .chain_id = wire::FormatChainId(header.chain_id),
         .first_key_tag = wire::FormatSha256(wire::FirstKeyTag(opening->first_key)),
         .root = root});
    if (!stated) why = stated.error().message;
  }
  if (!why.empty()) {
    record.head = HeadOf(frame);
    return Refuse(std::move(record), std::move(why));
  }
  record.note = opening->description;
  Chain chain{.sensor = sensor,
              .keys = wire::ChainKeys(opening->first_key),
              .next_sequence = 0,
              .last_sha256 = {},
              .closed = false,
              .carried_until = 0,
              .taken = {}};
  Advance(chain, header);
  chains_.emplace(header.chain_id, std::move(chain));
  return {Outcome::kTaken, {std::move(record)}, std::nullopt, 0};
}

Ledger::Decision Ledger::Continue(Chain& chain, std::span<const std::byte> frame,
                                  const wire::FrameHeader& header, CollectedRecord record,
                                  bool after_gap) {
  Decision decision{Outcome::kTaken, {}, std::nullopt, 0};
  const bool link_known = header.sequence == chain.next_sequence;
  if (!link_known && !after_gap) return {Outcome::kEarly, {}, std::nullopt, 0};
  if (header.sequence >= wire::kChainFramesMax) {
    return Refuse(std::move(record), "claims a gap of more frames than there can be");
  }
  // Tried on a copy: what is refused leaves no trace.
  wire::ChainKeys keys = chain.keys.Clone();
  if (const Result<> found = keys.AdvanceTo(header.sequence); !found) {
    return Refuse(std::move(record), found.error().message);
  }
  if (!link_known) {
    CollectedRecord missing = record;
    missing.verdict = Verdict::kMissing;
    missing.note = fmt::format("frames {} to {} were not delivered here", chain.next_sequence,
                               header.sequence - 1);
    decision.records.push_back(std::move(missing));
  }
  Result<wire::FrameContent> content = wire::UnsealFrame(keys.key(), frame);
  if (!content) return Refuse(std::move(record), content.error().message);
  if (link_known && header.previous_sha256 != chain.last_sha256) {
    return Refuse(std::move(record),
                  fmt::format("frame {} does not follow the one before it", header.sequence));
  }
  switch (header.kind) {
    case wire::FrameKind::kBatch: {
      const Result<> taken = TakeBatch(header.chain_id, *content, decision.unpacked_bytes);
      if (!taken) return Refuse(std::move(record), taken.error().message);
      record.verdict = Verdict::kAccepted;
      decision.batch = std::move(content->bytes);
      break;
    }
    case wire::FrameKind::kGap:
    case wire::FrameKind::kClose:
      if (content->bytes.size() > kToldBytesMax) return Refuse(std::move(record), "tells too much");
      record.verdict = header.kind == wire::FrameKind::kGap ? Verdict::kGap : Verdict::kClosed;
      record.note = std::string(AsText(content->bytes));
      chain.closed = header.kind == wire::FrameKind::kClose;
      break;
    case wire::FrameKind::kOpen:
      return Refuse(std::move(record), "opens a chain that is open");
  }
  chain.next_sequence = header.sequence;
  chain.keys = std::move(keys);
  Advance(chain, header);
  decision.records.push_back(std::move(record));
  return decision;
}

// What a sensor may put into the log: the next batch of its chain's one recording, which goes by
// the chain's id. Anything else would leave a log that does not verify, for all sensors.
Result<> Ledger::TakeBatch(const wire::ChainId& chain_id, const wire::FrameContent& content,
                           std::size_t& unpacked_bytes) {
  ASSIGN_OR_RETURN(const wire::Batch batch, wire::DecodeBatch(content.bytes));
  unpacked_bytes = batch.payload.size();
  if (!wire::IsOfRecording(batch.kind)) {
    return Fail(ErrorCode::kUnverified, "batch: poses as a collector's account");
  }
  if (batch.recording_id != chain_id) {
    return Fail(ErrorCode::kUnverified, "batch {} of recording {} is not of this chain's recording",
                batch.batch_index, wire::FormatRecordingId(batch.recording_id));
  }
  // Which entry it becomes is of no use here.
  return recordings_.Follow(kNoEntry, batch, content.sha256);
}

void Ledger::TakeUpBatch(std::uint64_t entry_index, std::span<const std::byte> entry) {
  const std::optional<wire::Batch> batch = wire::PeekBatch(entry);
  if (!batch || !wire::IsOfRecording(batch->kind)) return;
  // What is wrong with it already is `spoor verify`'s to say: a collector goes on collecting.
  static_cast<void>(recordings_.Follow(entry_index, *batch, wire::DigestOf(entry)));
}

void Ledger::Advance(Chain& chain, const wire::FrameHeader& header) {
  ++chain.next_sequence;
  chain.last_sha256 = wire::DigestOf(header);
  chain.taken.push_back({header.sequence, ShortDigest(header)});
}

std::optional<std::uint64_t> Ledger::DigestAt(const Chain& chain, std::uint64_t sequence) {
  const auto found = std::ranges::lower_bound(chain.taken, sequence, {}, &Chain::Taken::sequence);
  if (found == chain.taken.end() || found->sequence != sequence) return std::nullopt;
  return found->header_digest;
}

Result<> Ledger::Skip(Chain& chain, std::uint64_t sequence) {
  if (sequence < chain.next_sequence || sequence >= wire::kChainFramesMax) {
    return Fail(ErrorCode::kCorrupt, "collector's account: frame {} comes where {} is due",
                sequence, chain.next_sequence);
  }
  chain.next_sequence = sequence;
  return {};
}

Result<> Ledger::Replay(const CollectedRecord& record) {
  if (record.verdict == Verdict::kRefused || record.verdict == Verdict::kMissing) return {};
  ASSIGN_OR_RETURN(const wire::FrameHeader header, wire::DecodeFrameHeader(record.head));
  if (record.verdict == Verdict::kOpened) {
    // The authority may be another by now; whom it knew was asked when the frame came.
    const Decision decision =
        Open(record.sensor, record.head, header, record.received_wall_ns, nullptr);
    if (decision.outcome == Outcome::kTaken) return {};
    return Fail(ErrorCode::kUnverified, "collector's account: chain {}: {}",
                wire::FormatChainId(header.chain_id), decision.records.front().note);
  }
  const auto found = chains_.find(header.chain_id);
  if (found == chains_.end()) {
    return Fail(ErrorCode::kCorrupt, "collector's account: chain {} was never opened",
                wire::FormatChainId(header.chain_id));
  }
  Chain& chain = found->second;
  RETURN_IF_ERROR(Skip(chain, header.sequence));
  chain.closed = record.verdict == Verdict::kClosed;
  Advance(chain, header);
  return {};
}

Result<> Ledger::Continue(const wire::Carried& carried) {
  for (const wire::CarriedRecording& item : carried.recordings) {
    recordings_.Continue(item.recording_id, item.extent, item.last_sha256);
  }
  for (const wire::CarriedChain& item : carried.chains) {
    // Of a closed chain nothing is taken any more: no key is needed to refuse.
    Result<wire::FrameKey> key = wire::FrameKey(std::array<std::uint8_t, 32>{});
    if (!item.closed) {
      ASSIGN_OR_RETURN(wire::ChainOpening opening,
                       wire::UnlockOpenFrame(item.open_frame, escrow_private_));
      key = std::move(opening.first_key);
    }
    chains_.insert_or_assign(item.chain_id, Chain{.sensor = item.sensor,
                                                  .keys = wire::ChainKeys(*key),
                                                  .next_sequence = item.next_sequence,
                                                  .last_sha256 = item.last_sha256,
                                                  .closed = item.closed,
                                                  .carried_until = item.next_sequence,
                                                  .taken = {}});
  }
  return {};
}

std::optional<Ledger::Position> Ledger::PositionOf(const wire::ChainId& chain_id) const {
  const auto found = chains_.find(chain_id);
  if (found == chains_.end()) return std::nullopt;
  return Position{found->second.sensor, found->second.next_sequence};
}

}  // namespace spoor::collector
