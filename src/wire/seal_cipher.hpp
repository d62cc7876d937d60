// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/crypto.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

/// The primitives that sealing is made of. Only seal_*.cpp include this.
namespace spoor::wire {

inline constexpr std::size_t kKeyBytes = 32;
using Key = std::array<std::uint8_t, kKeyBytes>;

/// A derived key that does not outlive its use.
struct ScopedKey {
  Key bytes{};
  ScopedKey() = default;
  ScopedKey(const ScopedKey&) = delete;
  ScopedKey& operator=(const ScopedKey&) = delete;
  ~ScopedKey() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

/// HKDF-Expand (RFC 5869) with SHA-256 and one block of output.
void DeriveKey(std::span<const std::uint8_t, kKeyBytes> key, std::string_view purpose, Key& out);

/// HMAC-SHA256 over `first` and then `second`.
std::array<std::uint8_t, 32> Mac(std::span<const std::uint8_t, kKeyBytes> key,
                                 std::span<const std::byte> first,
                                 std::span<const std::byte> second);

/// AES-256-GCM with a key used for this message only, hence a constant nonce. `out` is as large as
/// `clear` and a tag of 16 bytes.
void Encrypt(const Key& key, std::span<const std::byte> authenticated,
             std::span<const std::byte> clear, std::span<std::byte> out);
/// Nothing when `sealed` (with its tag) or `authenticated` is not what was encrypted.
std::optional<std::vector<std::byte>> Decrypt(const Key& key,
                                              std::span<const std::byte> authenticated,
                                              std::span<const std::byte> sealed);

}  // namespace spoor::wire
