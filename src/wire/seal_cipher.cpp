// SPDX-License-Identifier: Apache-2.0
#include "wire/seal_cipher.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <cstring>
#include <memory>

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
  static EVP_CIPHER* const kCipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  static constexpr std::array<unsigned char, kNonceBytes> kNonce{};
  CipherPointer context(EVP_CIPHER_CTX_new());
  SPOOR_CHECK(context != nullptr &&
              EVP_CipherInit_ex2(context.get(), kCipher, key.data(), kNonce.data(), encrypt ? 1 : 0,
                                 nullptr) == 1)
      << "AES-256-GCM is missing";
  return context;
}

struct FreeMac {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
using MacPointer = std::unique_ptr<EVP_MAC_CTX, FreeMac>;

MacPointer MakeHmac() {
  EVP_MAC* hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  MacPointer context(EVP_MAC_CTX_new(hmac));
  EVP_MAC_free(hmac);  // the context holds it
  char digest[] = "SHA256";
  const std::array<OSSL_PARAM, 2> parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  SPOOR_CHECK(context != nullptr && EVP_MAC_CTX_set_params(context.get(), parameters.data()) == 1)
      << "HMAC-SHA256 is missing";
  return context;
}

}  // namespace

void DeriveKey(std::span<const std::uint8_t, kKeyBytes> key, std::string_view purpose, Key& out) {
  static constexpr std::array<std::byte, 1> kFirstBlock{std::byte{1}};
  out = Mac(key, std::as_bytes(std::span(purpose.data(), purpose.size())), kFirstBlock);
}

std::array<std::uint8_t, 32> Mac(std::span<const std::uint8_t, kKeyBytes> key,
                                 std::span<const std::byte> first,
                                 std::span<const std::byte> second) {
  // Looked up once: it costs more than a short message.
  static const MacPointer kHmac = MakeHmac();
  const MacPointer context(EVP_MAC_CTX_dup(kHmac.get()));
  std::array<std::uint8_t, 32> mac{};
  std::size_t size_bytes = 0;
  SPOOR_CHECK(context != nullptr &&
              EVP_MAC_init(context.get(), key.data(), key.size(), nullptr) == 1 &&
              EVP_MAC_update(context.get(), Pointer(first), first.size()) == 1 &&
              EVP_MAC_update(context.get(), Pointer(second), second.size()) == 1 &&
              EVP_MAC_final(context.get(), mac.data(), &size_bytes, mac.size()) == 1 &&
              size_bytes == mac.size())
      << "HMAC-SHA256 failed";
  return mac;
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
