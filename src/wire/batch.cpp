// SPDX-License-Identifier: Apache-2.0
// The layout is docs/formats/batch.md: a fixed little-endian header, the payload as one zstd frame,
// and a checksum over all of it, so that an accident is told from a forgery (which only the log's
// signatures can tell) before a field is believed.
#include "wire/batch.hpp"

#include <openssl/sha.h>
#include <xxhash.h>
#include <zstd.h>

#include <bit>
#include <cstring>

#include "base/check.hpp"

namespace spoor::wire {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

constexpr std::array<char, 8> kMagic{'S', 'P', 'O', 'O', 'R', 'B', 'A', 'T'};
constexpr std::uint16_t kVersion = 1;
constexpr int kZstdLevel = 1;
constexpr std::size_t kRawFrameHeaderBytes = 12;

struct BatchHeader {
  std::array<char, 8> magic;
  std::uint16_t version;
  std::uint16_t kind;
  std::uint32_t payload_bytes;
  std::array<std::uint8_t, 16> recording_id;
  std::uint64_t batch_index;
  std::uint64_t boot_ns;
  std::int64_t wall_ns;
  std::uint64_t complete_until_boot_ns;
  std::array<std::uint8_t, 32> previous_sha256;
  std::uint32_t stored_bytes;
  std::uint32_t reserved;
};
static_assert(sizeof(BatchHeader) == 104 && offsetof(BatchHeader, stored_bytes) == 96);

constexpr std::size_t kChecksumBytes = sizeof(std::uint64_t);

std::uint64_t ChecksumOf(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

Result<> CheckHeader(const BatchHeader& header, std::size_t size_bytes) {
  if (header.kind < static_cast<std::uint16_t>(BatchKind::kRecordingOpen) ||
      header.kind > static_cast<std::uint16_t>(BatchKind::kTransferred)) {
    return Fail(ErrorCode::kUnsupported, "batch {}: unknown kind {}", header.batch_index,
                header.kind);
  }
  if (header.payload_bytes > kBatchPayloadBytesMax) {
    return Fail(ErrorCode::kCorrupt, "batch {}: claims a payload of {} bytes, at most {} allowed",
                header.batch_index, header.payload_bytes, kBatchPayloadBytesMax);
  }
  if (header.stored_bytes != size_bytes - sizeof(BatchHeader) - kChecksumBytes) {
    return Fail(ErrorCode::kCorrupt, "batch {}: {} stored payload bytes in an entry of {}",
                header.batch_index, header.stored_bytes, size_bytes);
  }
  if (header.reserved != 0) {
    return Fail(ErrorCode::kCorrupt, "batch {}: reserved field is not zero", header.batch_index);
  }
  return {};
}

Batch WithoutPayload(const BatchHeader& header) {
  return {.kind = static_cast<BatchKind>(header.kind),
          .recording_id = header.recording_id,
          .batch_index = header.batch_index,
          .boot_ns = header.boot_ns,
          .wall_ns = header.wall_ns,
          .complete_until_boot_ns = header.complete_until_boot_ns,
          .previous_sha256 = header.previous_sha256,
          .payload = {}};
}

/// A zstd frame (RFC 8878) of one raw block, written by hand: who reads it needs no zstd.
/// `payload` fits one block.
std::size_t StoreAsItIs(std::span<const std::byte> payload, std::byte* frame) {
  const auto size_bytes = static_cast<std::uint32_t>(payload.size());
  constexpr std::array<std::uint8_t, 5> kFrameBegin{0x28, 0xB5, 0x2F, 0xFD,
                                                    0xA0};  // one segment, 4 bytes of size
  const std::uint32_t block_header = size_bytes << 3 | 1;   // last block, raw
  std::memcpy(frame, kFrameBegin.data(), kFrameBegin.size());
  std::memcpy(frame + 5, &size_bytes, 4);
  std::memcpy(frame + 9, &block_header, 3);
  std::memcpy(frame + kRawFrameHeaderBytes, payload.data(), payload.size());
  return kRawFrameHeaderBytes + payload.size();
}

// Exactly one frame, whose own idea of its size is the header's.
Result<std::vector<std::byte>> Decompress(const BatchHeader& header,
                                          std::span<const std::byte> stored) {
  // Only the format of RFC 8878, not the skippable and legacy ones that zstd reads as well.
  constexpr std::uint32_t kMagicNumber = ZSTD_MAGICNUMBER;
  if (stored.size() < sizeof(kMagicNumber) ||
      std::memcmp(stored.data(), &kMagicNumber, sizeof(kMagicNumber)) != 0 ||
      ZSTD_getFrameContentSize(stored.data(), stored.size()) != header.payload_bytes ||
      ZSTD_findFrameCompressedSize(stored.data(), stored.size()) != stored.size()) {
    return Fail(ErrorCode::kCorrupt, "batch {}: payload is not one zstd frame of {} bytes",
                header.batch_index, header.payload_bytes);
  }
  std::vector<std::byte> payload(header.payload_bytes);
  const std::size_t written =
      ZSTD_decompress(payload.data(), payload.size(), stored.data(), stored.size());
  if (ZSTD_isError(written) != 0 || written != payload.size()) {
    return Fail(ErrorCode::kCorrupt, "batch {}: payload does not decompress: {}",
                header.batch_index,
                ZSTD_isError(written) != 0 ? ZSTD_getErrorName(written) : "too short");
  }
  return payload;
}

}  // namespace

Result<std::vector<std::byte>> EncodeBatch(const Batch& batch) {
  if (batch.payload.size() > kBatchPayloadBytesMax) {
    return Fail(ErrorCode::kInvalidArgument, "batch {}: payload of {} bytes, at most {} allowed",
                batch.batch_index, batch.payload.size(), kBatchPayloadBytesMax);
  }
  const bool as_it_is = batch.kind == BatchKind::kRetention && batch.payload.size() < 65536;
  std::vector<std::byte> bytes(sizeof(BatchHeader) + kRawFrameHeaderBytes +
                               ZSTD_compressBound(batch.payload.size()) + kChecksumBytes);
  const std::size_t stored_bytes =
      as_it_is
          ? StoreAsItIs(batch.payload, bytes.data() + sizeof(BatchHeader))
          : ZSTD_compress(bytes.data() + sizeof(BatchHeader), bytes.size() - sizeof(BatchHeader),
                          batch.payload.data(), batch.payload.size(), kZstdLevel);
  SPOOR_CHECK(ZSTD_isError(stored_bytes) == 0) << ZSTD_getErrorName(stored_bytes);
  const std::size_t size_bytes = sizeof(BatchHeader) + stored_bytes + kChecksumBytes;
  if (size_bytes > kBatchBytesMax) {
    return Fail(ErrorCode::kInvalidArgument, "batch {}: {} bytes encoded, at most {} allowed",
                batch.batch_index, size_bytes, kBatchBytesMax);
  }
  const BatchHeader header{.magic = kMagic,
                           .version = kVersion,
                           .kind = static_cast<std::uint16_t>(batch.kind),
                           .payload_bytes = static_cast<std::uint32_t>(batch.payload.size()),
                           .recording_id = batch.recording_id,
                           .batch_index = batch.batch_index,
                           .boot_ns = batch.boot_ns,
                           .wall_ns = batch.wall_ns,
                           .complete_until_boot_ns = batch.complete_until_boot_ns,
                           .previous_sha256 = batch.previous_sha256,
                           .stored_bytes = static_cast<std::uint32_t>(stored_bytes),
                           .reserved = 0};
  std::memcpy(bytes.data(), &header, sizeof(header));
  bytes.resize(size_bytes);
  const std::span<std::byte> covered = std::span(bytes).first(size_bytes - kChecksumBytes);
  const std::uint64_t checksum = ChecksumOf(covered);
  std::memcpy(bytes.data() + covered.size(), &checksum, sizeof(checksum));
  return bytes;
}

Result<Batch> DecodeBatch(std::span<const std::byte> bytes) {
  if (bytes.size() < sizeof(BatchHeader) + kChecksumBytes || bytes.size() > kBatchBytesMax) {
    return Fail(ErrorCode::kCorrupt, "batch: {} bytes, must be {} to {}", bytes.size(),
                sizeof(BatchHeader) + kChecksumBytes, kBatchBytesMax);
  }
  BatchHeader header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.magic != kMagic) return Fail(ErrorCode::kCorrupt, "batch: no batch begins here");
  if (header.version != kVersion) {
    return Fail(ErrorCode::kUnsupported, "batch: format version {}, this build reads {}",
                header.version, kVersion);
  }
  const std::span<const std::byte> covered = bytes.first(bytes.size() - kChecksumBytes);
  std::uint64_t checksum = 0;
  std::memcpy(&checksum, bytes.data() + covered.size(), sizeof(checksum));
  if (checksum != ChecksumOf(covered)) {
    return Fail(ErrorCode::kCorrupt, "batch: checksum does not match its {} bytes", bytes.size());
  }
  RETURN_IF_ERROR(CheckHeader(header, bytes.size()));
  Batch batch = WithoutPayload(header);
  ASSIGN_OR_RETURN(batch.payload, Decompress(header, covered.subspan(sizeof(BatchHeader))));
  return batch;
}

std::optional<BatchKind> PeekKind(std::span<const std::byte> bytes) {
  const std::optional<Batch> batch = PeekBatch(bytes);
  return batch ? std::optional(batch->kind) : std::nullopt;
}

std::optional<Batch> PeekBatch(std::span<const std::byte> bytes) {
  BatchHeader header;
  if (bytes.size() < sizeof(header)) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.magic != kMagic) return std::nullopt;
  return WithoutPayload(header);
}

Sha256 DigestOf(std::span<const std::byte> bytes) {
  Sha256 digest;
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return digest;
}

}  // namespace spoor::wire
