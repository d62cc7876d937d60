// SPDX-License-Identifier: Apache-2.0
#include "wire/seal_cipher.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstring>
#include <memory>
#include <string>

#include "base/check.hpp"

namespace spoor::wire {
namespace {

constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kFrameTagBytes = 16;

const unsigned char* Pointer(std::span<const std::byte> bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* Pointer(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using CipherPointer = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

CipherPointer MakeCipher(const Key& key, bool encrypt) {
  static constexpr std::array<unsigned char, kNonceBytes> kNonce{};
  CipherPointer context(EVP_CIPHER_CTX_new());
  SPOOR_CHECK(context != nullptr &&
              EVP_CipherInit_ex2(context.get(), EVP_aes_256_gcm(), key.data(), kNonce.data(),
                                 encrypt ? 1 : 0, nullptr) == 1)
      << "AES-256-GCM is missing";
  return context;
}

}  // namespace

void DeriveKey(std::span<const std::uint8_t, kKeyBytes> key, std::string_view purpose, Key& out) {
  const std::string info = std::string(purpose) + '\x01';
  unsigned size_bytes = 0;
  SPOOR_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                   reinterpret_cast<const unsigned char*>(info.data()), info.size(), out.data(),
                   &size_bytes) != nullptr &&
              size_bytes == out.size())
      << "HMAC failed";
}

// `out`: as large as `clear` and a tag.
void Encrypt(const Key& key, std::span<const std::byte> authenticated,
             std::span<const std::byte> clear, std::span<std::byte> out) {
  const CipherPointer context = MakeCipher(key, true);
  int size_bytes = 0;
  SPOOR_CHECK(EVP_EncryptUpdate(context.get(), nullptr, &size_bytes, Pointer(authenticated),
                                static_cast<int>(authenticated.size())) == 1 &&
              EVP_EncryptUpdate(context.get(), Pointer(out), &size_bytes, Pointer(clear),
                                static_cast<int>(clear.size())) == 1 &&
              EVP_EncryptFinal_ex(context.get(), nullptr, &size_bytes) == 1 &&
              EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kFrameTagBytes,
                                  Pointer(out.subspan(clear.size()))) == 1)
      << "AES-256-GCM failed";
}

std::optional<std::vector<std::byte>> Decrypt(const Key& key,
                                              std::span<const std::byte> authenticated,
                                              std::span<const std::byte> sealed) {
  if (sealed.size() < kFrameTagBytes) return std::nullopt;
  const std::span<const std::byte> hidden = sealed.first(sealed.size() - kFrameTagBytes);
  std::array<unsigned char, kFrameTagBytes> tag{};
  std::memcpy(tag.data(), sealed.data() + hidden.size(), tag.size());
  std::vector<std::byte> clear(hidden.size());
  const CipherPointer context = MakeCipher(key, false);
  int size_bytes = 0;
  std::array<unsigned char, 16> nothing{};
  if (EVP_DecryptUpdate(context.get(), nullptr, &size_bytes, Pointer(authenticated),
                        static_cast<int>(authenticated.size())) != 1 ||
      EVP_DecryptUpdate(context.get(), Pointer(std::span(clear)), &size_bytes, Pointer(hidden),
                        static_cast<int>(hidden.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kFrameTagBytes, tag.data()) != 1 ||
      EVP_DecryptFinal_ex(context.get(), nothing.data(), &size_bytes) != 1) {
    return std::nullopt;
  }
  return clear;
}

}  // namespace spoor::wire
