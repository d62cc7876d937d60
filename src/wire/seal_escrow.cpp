// SPDX-License-Identifier: Apache-2.0
// An open frame's content: a fresh X25519 public key, then the chain's first key and description
// under AES-256-GCM. The key is HMAC-SHA256(shared secret, purpose || ephemeral || escrow public ||
// chain id || 0x01): bound to both parties and to the chain, used once.
#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "base/check.hpp"
#include "base/file.hpp"
#include "wire/seal_cipher.hpp"
#include "wire/seal_frame.hpp"

namespace spoor::wire {
namespace {

constexpr std::size_t kPointBytes = 32;
constexpr std::string_view kPurpose = "spoor seal escrow v1";

struct FreeKey {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
};
using KeyPointer = std::unique_ptr<EVP_PKEY, FreeKey>;
using Point = std::array<std::uint8_t, kPointBytes>;

bool PublicPoint(EVP_PKEY* key, Point& point) {
  std::size_t size_bytes = point.size();
  return EVP_PKEY_get_id(key) == EVP_PKEY_X25519 &&
         EVP_PKEY_get_raw_public_key(key, point.data(), &size_bytes) == 1 &&
         size_bytes == point.size();
}

// False when the peer's point is one of the few that give away the secret (OpenSSL refuses them).
bool SharedKey(EVP_PKEY* own, EVP_PKEY* peer, const Point& ephemeral, const Point& escrow,
               const ChainId& chain_id, ScopedKey& key) {
  const std::unique_ptr<EVP_PKEY_CTX, FreeKey> context(EVP_PKEY_CTX_new(own, nullptr));
  ScopedKey secret;
  std::size_t size_bytes = secret.bytes.size();
  if (context == nullptr || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), peer) != 1 ||
      EVP_PKEY_derive(context.get(), secret.bytes.data(), &size_bytes) != 1 ||
      size_bytes != secret.bytes.size()) {
    return false;
  }
  std::string purpose(kPurpose);
  purpose.append(ephemeral.begin(), ephemeral.end());
  purpose.append(escrow.begin(), escrow.end());
  purpose.append(chain_id.begin(), chain_id.end());
  DeriveKey(secret.bytes, purpose, key.bytes);
  return true;
}

std::string FormatHex(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

}  // namespace

Result<std::vector<std::byte>> LockOpening(const ChainOpening& opening, const ChainId& chain_id,
                                           EVP_PKEY* escrow_public) {
  Point escrow{};
  Point ephemeral{};
  const KeyPointer own(EVP_PKEY_Q_keygen(nullptr, nullptr, "X25519"));
  ScopedKey key;
  if (!PublicPoint(escrow_public, escrow) || own == nullptr || !PublicPoint(own.get(), ephemeral) ||
      !SharedKey(own.get(), escrow_public, ephemeral, escrow, chain_id, key)) {
    return Fail(ErrorCode::kInvalidArgument, "the escrow key is no usable X25519 public key");
  }
  std::vector<std::byte> clear(kKeyBytes + opening.description.size());
  std::memcpy(clear.data(), opening.first_key.bytes().data(), kKeyBytes);
  std::copy(opening.description.begin(), opening.description.end(),
            reinterpret_cast<char*>(clear.data()) + kKeyBytes);
  std::vector<std::byte> content(kPointBytes + clear.size() + kFrameTagBytes);
  std::memcpy(content.data(), ephemeral.data(), kPointBytes);
  const std::span<std::byte> all(content);
  Encrypt(key.bytes, all.first(kPointBytes), clear, all.subspan(kPointBytes));
  OPENSSL_cleanse(clear.data(), clear.size());
  return content;
}

Result<ChainOpening> UnlockOpenFrame(std::span<const std::byte> frame, EVP_PKEY* escrow_private) {
  ASSIGN_OR_RETURN(const FrameHeader header, DecodeFrameHeader(frame));
  constexpr std::size_t kBytesMin =
      kFrameHeaderBytes + kPointBytes + kKeyBytes + 2 * kFrameTagBytes;
  if (header.kind != FrameKind::kOpen || header.sequence != 0 || frame.size() < kBytesMin ||
      header.frame_bytes != frame.size() || header.previous_sha256 != Sha256{}) {
    return Fail(ErrorCode::kCorrupt, "frame {}: does not open a chain", header.sequence);
  }
  const std::span<const std::byte> content =
      frame.subspan(kFrameHeaderBytes, frame.size() - kFrameHeaderBytes - kFrameTagBytes);
  Point ephemeral{};
  std::memcpy(ephemeral.data(), content.data(), kPointBytes);
  Point escrow{};
  const KeyPointer peer(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, ephemeral.data(), kPointBytes));
  ScopedKey key;
  std::optional<std::vector<std::byte>> clear;
  if (peer != nullptr && PublicPoint(escrow_private, escrow) &&
      SharedKey(escrow_private, peer.get(), ephemeral, escrow, header.chain_id, key)) {
    clear = Decrypt(key.bytes, content.first(kPointBytes), content.subspan(kPointBytes));
  }
  if (!clear) {
    return Fail(ErrorCode::kUnverified,
                "chain {}: its first key is not locked for this collector's escrow key",
                FormatChainId(header.chain_id));
  }
  Key bytes{};
  std::memcpy(bytes.data(), clear->data(), kKeyBytes);
  ChainOpening opening{FrameKey(bytes), std::string(AsText(std::span(*clear).subspan(kKeyBytes)))};
  OPENSSL_cleanse(bytes.data(), bytes.size());
  OPENSSL_cleanse(clear->data(), clear->size());
  RETURN_IF_ERROR(UnsealFrame(ChainKeys(opening.first_key).key(), frame));
  return opening;
}

Sha256 FirstKeyTag(const FrameKey& first_key) {
  ScopedKey tag;
  DeriveKey(first_key.bytes(), "spoor seal tag v1", tag.bytes);
  return tag.bytes;
}

std::string FormatChainId(const ChainId& chain_id) {
  return FormatHex(chain_id);
}

std::string FormatSha256(const Sha256& digest) {
  return FormatHex(digest);
}

Result<ChainId> ParseChainId(std::string_view text) {
  ChainId chain_id{};
  const auto nibble = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  bool good = text.size() == 2 * chain_id.size();
  for (std::size_t i = 0; good && i < chain_id.size(); ++i) {
    const int high = nibble(text[2 * i]);
    const int low = nibble(text[2 * i + 1]);
    good = high >= 0 && low >= 0;
    chain_id[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  if (!good) return Fail(ErrorCode::kInvalidArgument, "chain id: must be 32 hexadecimal digits");
  return chain_id;
}

}  // namespace spoor::wire
