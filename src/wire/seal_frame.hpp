// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "wire/batch.hpp"

/// A sealed frame: what leaves the host. One sensor run is one chain of frames under a key that
/// evolves with each frame. Byte layout and reasoning: docs/formats/sealing.md.
namespace spoor::wire {

using ChainId = std::array<std::uint8_t, 16>;

enum class FrameKind : std::uint16_t {
  kOpen = 1,   ///< first of a chain: the first key, locked for the collectors, and a description
  kBatch = 2,  ///< one encoded batch
  kGap = 3,    ///< JSON: batches that were not kept, and why
  kClose = 4,  ///< last of a chain: JSON, the final counts
};

inline constexpr std::size_t kFrameHeaderBytes = 120;
inline constexpr std::size_t kFrameTagBytes = 16;
inline constexpr std::size_t kFrameBytesMax = kFrameHeaderBytes + 128 + kBatchBytesMax;

/// As it stands before the encrypted content, and as evidence keeps it.
struct FrameHeader {
  FrameKind kind = FrameKind::kBatch;
  std::uint32_t frame_bytes = 0;  ///< header, content and tag together
  ChainId chain_id{};
  std::uint64_t sequence = 0;  ///< contiguous from 0 within the chain
  std::uint64_t boot_ns = 0;   ///< CLOCK_BOOTTIME when sealed …
  std::int64_t wall_ns = 0;    ///< … and CLOCK_REALTIME at the same moment
  Sha256 previous_sha256{};    ///< of the previous frame's header; zeros for the first
  Sha256 mac{};  ///< HMAC-SHA256 over all of the above and the content's (in the clear) SHA-256
};

/// Fails: kCorrupt, kUnsupported. `bytes` may be longer than one header.
Result<FrameHeader> DecodeFrameHeader(std::span<const std::byte> bytes);
std::vector<std::byte> EncodeFrameHeader(const FrameHeader& header);
/// SHA-256 of the encoded header: the next frame's previous_sha256.
Sha256 DigestOf(const FrameHeader& header);

/// The key of one frame. Evolve() replaces it by the next one and overwrites it: what was sealed
/// before can then neither be read nor sealed again. Overwritten on destruction too. Never copied.
class FrameKey {
 public:
  static FrameKey Random();
  explicit FrameKey(std::span<const std::uint8_t, 32> bytes);
  FrameKey(FrameKey&& other) noexcept;
  FrameKey& operator=(FrameKey&& other) noexcept;
  FrameKey(const FrameKey&) = delete;
  FrameKey& operator=(const FrameKey&) = delete;
  ~FrameKey();

  void Evolve();
  /// For keeping a collector's place: the verifier holds the first key anyway.
  FrameKey Clone() const { return FrameKey(bytes_); }
  std::span<const std::uint8_t, 32> bytes() const { return bytes_; }

 private:
  std::array<std::uint8_t, 32> bytes_{};
};

/// Encrypts and authenticates `content`; fills header.mac and header.frame_bytes. Does not evolve
/// `key`. For kOpen the content is AppendEscrow's and goes unencrypted (it is locked itself).
std::vector<std::byte> SealFrame(const FrameKey& key, FrameHeader& header,
                                 const DigestedBytes& content);
/// A frame's content in the clear.
struct FrameContent {
  std::vector<std::byte> bytes;
  Sha256 sha256{};  ///< of them
};
/// The content, when the frame is exactly what the holder of `key` sealed.
/// Fails: kCorrupt (no frame), kUnverified.
Result<FrameContent> UnsealFrame(const FrameKey& key, std::span<const std::byte> frame);

/// Whether header.mac belongs to a frame of this content in the clear, under `key`.
bool MacMatches(const FrameKey& key, const FrameHeader& header, const Sha256& content_sha256);

/// What an open frame says: the chain's first key and a description (JSON).
struct ChainOpening {
  FrameKey first_key;
  std::string description;
};
/// The content of an open frame, readable only with the private half of `escrow_public` (X25519).
/// Fails: kInvalidArgument (no X25519 key).
Result<std::vector<std::byte>> LockOpening(const ChainOpening& opening, const ChainId& chain_id,
                                           EVP_PKEY* escrow_public);
/// Opens a whole open frame and checks its MAC. Fails: kCorrupt, kUnverified.
Result<ChainOpening> UnlockOpenFrame(std::span<const std::byte> frame, EVP_PKEY* escrow_private);

/// Tells a chain's first key from others without giving it away: what the sensor signs.
Sha256 FirstKeyTag(const FrameKey& first_key);

std::string FormatChainId(const ChainId& chain_id);  ///< 32 hexadecimal digits
std::string FormatSha256(const Sha256& digest);      ///< 64 hexadecimal digits
Result<ChainId> ParseChainId(std::string_view text);

}  // namespace spoor::wire
