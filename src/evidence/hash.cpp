// SPDX-License-Identifier: Apache-2.0
#include "evidence/hash.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.hpp"

namespace spoor::evidence {
namespace {

constexpr std::byte kLeafPrefix{0x00};
constexpr std::byte kNodePrefix{0x01};

/// Fetched once: EVP_sha256() would look the implementation up again for every hash.
const EVP_MD* Sha256() {
  static const EVP_MD* const kDigest = [] {
    const EVP_MD* digest = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    SPOOR_CHECK(digest != nullptr) << "OpenSSL has no SHA-256";
    return digest;
  }();
  return kDigest;
}

}  // namespace

void TreeHasher::FreeContext::operator()(evp_md_ctx_st* context) const {
  EVP_MD_CTX_free(context);
}

TreeHasher::TreeHasher() : context_(EVP_MD_CTX_new()) {
  SPOOR_CHECK(context_ != nullptr) << "out of memory";
}

Hash TreeHasher::Digest(std::span<const std::byte> prefix, std::span<const std::byte> bytes) {
  Hash hash;
  const bool done =
      EVP_DigestInit_ex2(context_.get(), Sha256(), nullptr) == 1 &&
      (prefix.empty() || EVP_DigestUpdate(context_.get(), prefix.data(), prefix.size()) == 1) &&
      EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1 &&
      EVP_DigestFinal_ex(context_.get(), hash.data(), nullptr) == 1;
  SPOOR_CHECK(done) << "SHA-256 failed in OpenSSL";
  return hash;
}

Hash TreeHasher::Leaf(std::span<const std::byte> entry) {
  return Digest(std::span(&kLeafPrefix, 1), entry);
}

Hash TreeHasher::Node(const Hash& left, const Hash& right) {
  std::array<std::byte, 1 + 2 * sizeof(Hash)> input;
  input[0] = kNodePrefix;
  std::memcpy(input.data() + 1, left.data(), left.size());
  std::memcpy(input.data() + 1 + left.size(), right.data(), right.size());
  return Digest({}, input);
}

Hash TreeHasher::Plain(std::span<const std::byte> bytes) {
  return Digest({}, bytes);
}

Hash TreeHasher::PerfectRoot(std::span<const Hash> hashes) {
  SPOOR_CHECK(std::has_single_bit(hashes.size()) && hashes.size() <= 256) << hashes.size();
  std::array<Hash, 256> nodes;
  std::copy(hashes.begin(), hashes.end(), nodes.begin());
  for (std::size_t count = hashes.size(); count > 1; count /= 2) {
    for (std::size_t i = 0; i < count / 2; ++i) nodes[i] = Node(nodes[2 * i], nodes[2 * i + 1]);
  }
  return nodes[0];
}

std::string EncodeHex(std::span<const std::uint8_t> bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) fmt::format_to(std::back_inserter(text), "{:02x}", byte);
  return text;
}

}  // namespace spoor::evidence
