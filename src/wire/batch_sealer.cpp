// SPDX-License-Identifier: Apache-2.0
#include "wire/batch_sealer.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/rand.h>

#include "base/check.hpp"
#include "wire/chunk.hpp"

namespace spoor::wire {
namespace {

using Bytes = std::vector<std::byte>;

// Larger payloads are cut before they are tried: records hardly ever compress to an eighth, and
// each try that fails costs a compression.
constexpr std::size_t kTriedBytesMax = 512 << 10;

std::optional<ChunkHalves> CutInTwo(BatchKind kind, const Bytes& payload) {
  if (kind == BatchKind::kRecords) return CutChunks(payload);
  if (kind != BatchKind::kImportData || payload.size() < 2) return std::nullopt;
  const auto middle = payload.begin() + static_cast<std::ptrdiff_t>(payload.size() / 2);
  return ChunkHalves{{payload.begin(), middle}, {middle, payload.end()}};
}

}  // namespace

RecordingId MakeRecordingId() {
  RecordingId recording_id;
  SPOOR_CHECK(RAND_bytes(recording_id.data(), static_cast<int>(recording_id.size())) == 1)
      << "no random numbers";
  return recording_id;
}

std::string FormatRecordingId(const RecordingId& recording_id) {
  return fmt::format("{:02x}", fmt::join(recording_id, ""));
}

Result<> BatchSealer::Seal(BatchKind kind, std::span<const std::byte> payload,
                           const Moment& moment) {
  return SealPart(kind, Bytes(payload.begin(), payload.end()), moment);
}

Result<> BatchSealer::SealPart(BatchKind kind, Bytes payload, const Moment& moment) {
  std::optional<ChunkHalves> halves;
  if (payload.size() > kTriedBytesMax) halves = CutInTwo(kind, payload);
  if (!halves) {
    Batch batch{.kind = kind,
                .recording_id = recording_id_,
                .batch_index = batch_index_,
                .boot_ns = moment.boot_ns,
                .wall_ns = moment.wall_ns,
                .complete_until_boot_ns = moment.complete_until_boot_ns,
                .previous_sha256 = previous_sha256_,
                .payload = std::move(payload)};
    Result<Bytes> encoded = EncodeBatch(batch);
    if (encoded) return Append(DigestedBytes(*encoded), moment);
    halves = CutInTwo(kind, batch.payload);
    if (!halves) return tl::unexpected<Error>(std::move(encoded).error());
  }
  // What the second part holds may be earlier than the new mark.
  RETURN_IF_ERROR(SealPart(kind, std::move(halves->first),
                           {moment.boot_ns, moment.wall_ns, complete_until_boot_ns_}));
  return SealPart(kind, std::move(halves->second), moment);
}

Result<> BatchSealer::Append(const DigestedBytes& encoded, const Moment& moment) {
  RETURN_IF_ERROR(sink_(encoded));
  ++batch_index_;
  encoded_bytes_ += encoded.bytes.size();
  complete_until_boot_ns_ = moment.complete_until_boot_ns;
  previous_sha256_ = encoded.sha256;
  return {};
}

}  // namespace spoor::wire
