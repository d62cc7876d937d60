// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

struct evp_md_ctx_st;

namespace spoor::evidence {

/// A SHA-256 value: of an entry (leaf) or of two hashes (node).
using Hash = std::array<std::uint8_t, 32>;

/// SHA-256 as RFC 6962 section 2.1 uses it. Keeps one digest context, so that a hash costs no
/// allocation. Movable; not thread-safe.
class TreeHasher {
 public:
  TreeHasher();
  Hash Leaf(std::span<const std::byte> entry);     ///< SHA-256(0x00 || entry)
  Hash Node(const Hash& left, const Hash& right);  ///< SHA-256(0x01 || left || right)
  Hash Plain(std::span<const std::byte> bytes);    ///< SHA-256(bytes)
  /// Root of the perfect tree over `hashes`, whose count is a power of two (1..256).
  Hash PerfectRoot(std::span<const Hash> hashes);

 private:
  Hash Digest(std::span<const std::byte> prefix, std::span<const std::byte> bytes);
  struct FreeContext {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, FreeContext> context_;
};

/// The bytes of `hashes`, one after the other, as a tile holds them.
inline std::span<const std::byte> BytesOf(std::span<const Hash> hashes) {
  return std::as_bytes(hashes);
}

inline std::string_view TextOf(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Lower-case hexadecimal.
std::string EncodeHex(std::span<const std::uint8_t> bytes);

}  // namespace spoor::evidence
