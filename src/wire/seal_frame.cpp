// SPDX-License-Identifier: Apache-2.0
// Key schedule (HKDF-Expand of RFC 5869 with one output block, so each is one HMAC), from the
// chain's first key, which is the root of a tree, down to K_i, which is its leaf i:
//   left child   = HMAC(node, "spoor seal left v1"   || 0x01)
//   right child  = HMAC(node, "spoor seal right v1"  || 0x01)
//   mac key      = HMAC(K_i, "spoor seal mac v1"     || 0x01)
//   cipher key   = HMAC(K_i, "spoor seal cipher v1"  || 0x01)
// A cipher key serves one message, so its GCM nonce may be constant.
#include "wire/seal_frame.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.hpp"
#include "wire/seal_cipher.hpp"

namespace spoor::wire {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

constexpr std::array<char, 8> kMagic{'S', 'P', 'O', 'O', 'R', 'S', 'E', 'A'};
constexpr std::uint16_t kVersion = 3;

struct EncodedHeader {
  std::array<char, 8> magic;
  std::uint16_t version;
  std::uint16_t kind;
  std::uint32_t frame_bytes;
  ChainId chain_id;
  std::uint64_t sequence;
  std::uint64_t boot_ns;
  std::int64_t wall_ns;
  Sha256 previous_sha256;
  Sha256 mac;
};
static_assert(sizeof(EncodedHeader) == kFrameHeaderBytes);
static_assert(offsetof(EncodedHeader, mac) == 88);

EncodedHeader Encoded(const FrameHeader& header) {
  return {.magic = kMagic,
          .version = kVersion,
          .kind = static_cast<std::uint16_t>(header.kind),
          .frame_bytes = header.frame_bytes,
          .chain_id = header.chain_id,
          .sequence = header.sequence,
          .boot_ns = header.boot_ns,
          .wall_ns = header.wall_ns,
          .previous_sha256 = header.previous_sha256,
          .mac = header.mac};
}

// Over the content's digest and not the content: that digest is there already, in the chain of
// batches.
Sha256 MacOf(const FrameKey& key, const FrameHeader& header, const Sha256& content_sha256) {
  ScopedKey mac_key;
  DeriveKey(key.bytes(), "spoor seal mac v1", mac_key.bytes);
  const EncodedHeader encoded = Encoded(header);
  return Mac(mac_key.bytes,
             std::as_bytes(std::span(&encoded, 1)).first(offsetof(EncodedHeader, mac)),
             std::as_bytes(std::span(content_sha256)));
}

}  // namespace

Result<FrameHeader> DecodeFrameHeader(std::span<const std::byte> bytes) {
  if (bytes.size() < kFrameHeaderBytes) {
    return Fail(ErrorCode::kCorrupt, "frame: {} bytes, a header has {}", bytes.size(),
                kFrameHeaderBytes);
  }
  EncodedHeader encoded;
  std::memcpy(&encoded, bytes.data(), sizeof(encoded));
  if (encoded.magic != kMagic) return Fail(ErrorCode::kCorrupt, "frame: none begins here");
  if (encoded.version != kVersion) {
    return Fail(ErrorCode::kUnsupported, "frame: format version {}, this build reads {}",
                encoded.version, kVersion);
  }
  if (encoded.kind < static_cast<std::uint16_t>(FrameKind::kOpen) ||
      encoded.kind > static_cast<std::uint16_t>(FrameKind::kClose)) {
    return Fail(ErrorCode::kUnsupported, "frame {}: unknown kind {}", encoded.sequence,
                encoded.kind);
  }
  if (encoded.frame_bytes < kFrameHeaderBytes + kFrameTagBytes ||
      encoded.frame_bytes > kFrameBytesMax) {
    return Fail(ErrorCode::kCorrupt, "frame {}: claims {} bytes", encoded.sequence,
                encoded.frame_bytes);
  }
  return FrameHeader{.kind = static_cast<FrameKind>(encoded.kind),
                     .frame_bytes = encoded.frame_bytes,
                     .chain_id = encoded.chain_id,
                     .sequence = encoded.sequence,
                     .boot_ns = encoded.boot_ns,
                     .wall_ns = encoded.wall_ns,
                     .previous_sha256 = encoded.previous_sha256,
                     .mac = encoded.mac};
}

std::vector<std::byte> EncodeFrameHeader(const FrameHeader& header) {
  const EncodedHeader encoded = Encoded(header);
  std::vector<std::byte> bytes(sizeof(encoded));
  std::memcpy(bytes.data(), &encoded, sizeof(encoded));
  return bytes;
}

Sha256 DigestOf(const FrameHeader& header) {
  return DigestOf(EncodeFrameHeader(header));
}

FrameKey FrameKey::Random() {
  ScopedKey bytes;
  SPOOR_CHECK(RAND_priv_bytes(bytes.bytes.data(), kKeyBytes) == 1) << "no random numbers";
  return FrameKey(bytes.bytes);
}

FrameKey::FrameKey(std::span<const std::uint8_t, 32> bytes) {
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}
FrameKey::FrameKey(FrameKey&& other) noexcept : bytes_(other.bytes_) {
  OPENSSL_cleanse(other.bytes_.data(), other.bytes_.size());
}
FrameKey& FrameKey::operator=(FrameKey&& other) noexcept {
  if (this != &other) {
    bytes_ = other.bytes_;
    OPENSSL_cleanse(other.bytes_.data(), other.bytes_.size());
  }
  return *this;
}
FrameKey::~FrameKey() {
  OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

ChainKeys::ChainKeys(const FrameKey& first_key) {
  coming_.reserve(kKeyTreeHeight + 1);
  coming_.push_back({.key = first_key.Clone(), .first = 0, .height = kKeyTreeHeight});
  Descend(0);
}

// From the root of the subtree that `sequence` is in down to its leaf. Siblings to the left are of
// frames that are over and never made.
void ChainKeys::Descend(std::uint64_t sequence) {
  while (coming_.back().height > 0) {
    const Subtree parent = std::move(coming_.back());
    coming_.pop_back();
    const unsigned height = parent.height - 1;
    const std::uint64_t middle = parent.first + (std::uint64_t{1} << height);
    ScopedKey child;
    DeriveKey(parent.key.bytes(), "spoor seal right v1", child.bytes);
    coming_.push_back({.key = FrameKey(child.bytes), .first = middle, .height = height});
    if (sequence >= middle) continue;
    DeriveKey(parent.key.bytes(), "spoor seal left v1", child.bytes);
    coming_.push_back({.key = FrameKey(child.bytes), .first = parent.first, .height = height});
  }
}

Result<> ChainKeys::AdvanceTo(std::uint64_t sequence) {
  if (sequence < this->sequence() || sequence >= kChainFramesMax) {
    return Fail(ErrorCode::kInvalidArgument, "frame {}: its key is not to be had", sequence);
  }
  while ((sequence - coming_.back().first) >> coming_.back().height != 0) coming_.pop_back();
  Descend(sequence);
  return {};
}

ChainKeys ChainKeys::Clone() const {
  ChainKeys clone;
  clone.coming_.reserve(kKeyTreeHeight + 1);
  for (const Subtree& subtree : coming_) {
    clone.coming_.push_back(
        {.key = subtree.key.Clone(), .first = subtree.first, .height = subtree.height});
  }
  return clone;
}

std::vector<std::byte> SealFrame(const FrameKey& key, FrameHeader& header,
                                 const DigestedBytes& content) {
  const bool locked = header.kind == FrameKind::kOpen;
  header.frame_bytes =
      static_cast<std::uint32_t>(kFrameHeaderBytes + content.bytes.size() + kFrameTagBytes);
  SPOOR_CHECK(header.frame_bytes <= kFrameBytesMax)
      << "content of " << content.bytes.size() << " bytes";
  header.mac = MacOf(key, header, content.sha256);
  std::vector<std::byte> frame = EncodeFrameHeader(header);
  frame.resize(header.frame_bytes);
  const std::span<std::byte> body = std::span(frame).subspan(kFrameHeaderBytes);
  if (locked) {
    std::copy(content.bytes.begin(), content.bytes.end(), body.begin());
    return frame;
  }
  ScopedKey cipher_key;
  DeriveKey(key.bytes(), "spoor seal cipher v1", cipher_key.bytes);
  Encrypt(cipher_key.bytes, std::span(frame).first(kFrameHeaderBytes), content.bytes, body);
  return frame;
}

Result<FrameContent> UnsealFrame(const FrameKey& key, std::span<const std::byte> frame) {
  ASSIGN_OR_RETURN(const FrameHeader header, DecodeFrameHeader(frame));
  if (header.frame_bytes != frame.size()) {
    return Fail(ErrorCode::kCorrupt, "frame {}: {} bytes, claims {}", header.sequence, frame.size(),
                header.frame_bytes);
  }
  const std::span<const std::byte> body = frame.subspan(kFrameHeaderBytes);
  std::optional<std::vector<std::byte>> content;
  if (header.kind == FrameKind::kOpen) {
    const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
    const std::span<const std::byte> tail = body.last(kFrameTagBytes);
    if (std::all_of(tail.begin(), tail.end(), is_zero)) {
      content.emplace(body.begin(), body.end() - kFrameTagBytes);
    }
  } else {
    ScopedKey cipher_key;
    DeriveKey(key.bytes(), "spoor seal cipher v1", cipher_key.bytes);
    content = Decrypt(cipher_key.bytes, frame.first(kFrameHeaderBytes), body);
  }
  if (content) {
    const Sha256 sha256 = DigestOf(*content);
    if (MacMatches(key, header, sha256)) return FrameContent{std::move(*content), sha256};
  }
  return Fail(ErrorCode::kUnverified, "frame {}: not sealed with the key of its place",
              header.sequence);
}

bool MacMatches(const FrameKey& key, const FrameHeader& header, const Sha256& content_sha256) {
  const Sha256 mac = MacOf(key, header, content_sha256);
  return CRYPTO_memcmp(mac.data(), header.mac.data(), mac.size()) == 0;
}

}  // namespace spoor::wire
