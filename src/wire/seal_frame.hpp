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

/// A sealed frame: what leaves the host. One sensor run is one chain of frames, each under a key of
/// its own. Byte layout and reasoning: docs/formats/sealing.md.
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
/// At a thousand frames a second this is 34 years.
inline constexpr unsigned kKeyTreeHeight = 40;
inline constexpr std::uint64_t kChainFramesMax = std::uint64_t{1} << kKeyTreeHeight;

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

/// The key of one frame, a chain's first key, or one that others follow from. Overwritten when it
/// is moved from and on destruction. Never copied but by Clone.
class FrameKey {
 public:
  static FrameKey Random();
  explicit FrameKey(std::span<const std::uint8_t, 32> bytes);
  FrameKey(FrameKey&& other) noexcept;
  FrameKey& operator=(FrameKey&& other) noexcept;
  FrameKey(const FrameKey&) = delete;
  FrameKey& operator=(const FrameKey&) = delete;
  ~FrameKey();

  /// For keeping a collector's place: the verifier holds the first key anyway.
  FrameKey Clone() const { return FrameKey(bytes_); }
  std::span<const std::uint8_t, 32> bytes() const { return bytes_; }

 private:
  std::array<std::uint8_t, 32> bytes_{};
};

/// The keys of a chain's frames, from one on: the leaves of a binary tree whose root is the chain's
/// first key. Only the roots of the subtrees that are still to come are kept, so that what was
/// sealed before can neither be read nor sealed again; and any frame's key is at most
/// 2 * kKeyTreeHeight derivations away.
class ChainKeys {
 public:
  /// From frame 0 on.
  explicit ChainKeys(const FrameKey& first_key);
  /// Of frame sequence().
  const FrameKey& key() const { return coming_.back().key; }
  std::uint64_t sequence() const { return coming_.back().first; }
  /// Goes on to the key of frame `sequence` and overwrites all before it.
  /// Fails: kInvalidArgument (before sequence(), or no chain has so many frames); stays where it
  /// is.
  Result<> AdvanceTo(std::uint64_t sequence);
  /// For trying what may be refused.
  ChainKeys Clone() const;

 private:
  struct Subtree {
    FrameKey key;             ///< of its root
    std::uint64_t first = 0;  ///< leaf
    unsigned height = 0;
  };
  ChainKeys() = default;
  void Descend(std::uint64_t sequence);

  std::vector<Subtree> coming_;  ///< the nearest last: the leaf of sequence()
};

/// Encrypts and authenticates `content` with the key of the frame's place; fills header.mac and
/// header.frame_bytes. For kOpen the content is AppendEscrow's and goes unencrypted (it is locked
/// itself).
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
