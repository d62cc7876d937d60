// SPDX-License-Identifier: Apache-2.0
#include "sensor/sealer.hpp"

#include <nlohmann/json.hpp>

#include "base/check.hpp"
#include "base/file.hpp"

namespace spoor::sensor {

using wire::FrameKind;

Result<Sealer> Sealer::Open(EVP_PKEY* escrow_public, const Introduce& introduce, Sink sink,
                            WallClock wall_clock, std::uint64_t canary_interval_ns) {
  const wire::FrameKey first_key = wire::FrameKey::Random();
  Sealer sealer(first_key, std::move(sink), std::move(wall_clock));
  ASSIGN_OR_RETURN(const Introduction introduction, introduce(wire::FirstKeyTag(first_key)));
  sealer.chain_id_ = introduction.chain_id;
  ASSIGN_OR_RETURN(const std::vector<std::byte> content,
                   wire::LockOpening({first_key.Clone(), introduction.description},
                                     sealer.chain_id_, escrow_public));
  RETURN_IF_ERROR(sealer.SealContent(FrameKind::kOpen, wire::DigestedBytes(content)));
  if (canary_interval_ns != 0) {
    sealer.canaries_.emplace(first_key, sealer.sealed_boot_ns_, canary_interval_ns);
  }
  return sealer;
}

Result<> Sealer::Seal(const wire::DigestedBytes& batch) {
  Result<> sealed = SealContent(FrameKind::kBatch, batch);
  if (sealed && unsaid_.batch_count != 0) {
    const Result<> said = SealGap();
    return said || said.error().code == ErrorCode::kUnavailable ? Result<>{} : said;
  }
  if (sealed || sealed.error().code != ErrorCode::kUnavailable) return sealed;
  if (unsaid_.batch_count == 0) unsaid_since_boot_ns_ = BootNow();
  for (Dropped* dropped : {&dropped_, &unsaid_}) {
    ++dropped->batch_count;
    dropped->bytes += batch.bytes.size();
  }
  return {};
}

Result<> Sealer::SealGap() {
  const std::string text = nlohmann::json{{"dropped_batch_count", unsaid_.batch_count},
                                          {"dropped_bytes", unsaid_.bytes},
                                          {"from_boot_ns", unsaid_since_boot_ns_},
                                          {"until_boot_ns", BootNow()},
                                          {"reason", "the spool took no more"}}
                               .dump();
  RETURN_IF_ERROR(SealContent(FrameKind::kGap, wire::DigestedBytes(AsBytes(text))));
  unsaid_ = {};
  return {};
}

Result<> Sealer::Close(const std::string& reason) {
  if (unsaid_.batch_count != 0) RETURN_IF_ERROR(SealGap());
  const std::string text = nlohmann::json{
      {"reason", reason},
      {"dropped_batch_count", dropped_.batch_count},
      {"dropped_bytes",
       dropped_.bytes}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return SealContent(FrameKind::kClose, wire::DigestedBytes(AsBytes(text)));
}

Result<> Sealer::SealContent(FrameKind kind, const wire::DigestedBytes& content) {
  wire::FrameHeader header{.kind = kind,
                           .frame_bytes = 0,
                           .chain_id = chain_id_,
                           .sequence = sequence_,
                           .boot_ns = BootNow(),
                           .wall_ns = wall_clock_(),
                           .previous_sha256 = previous_sha256_,
                           .mac = {}};
  RETURN_IF_ERROR(sink_(wire::SealFrame(keys_.key(), header, content)));
  RETURN_IF_ERROR(keys_.AdvanceTo(sequence_ + 1));
  ++sequence_;
  previous_sha256_ = wire::DigestOf(header);
  sealed_boot_ns_ = header.boot_ns;
  return {};
}

}  // namespace spoor::sensor
