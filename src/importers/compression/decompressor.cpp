// SPDX-License-Identifier: Apache-2.0
#include "importers/compression/decompressor.hpp"

#include <algorithm>
#include <array>

namespace spoor::importers {
namespace {

using namespace std::string_view_literals;

bool LooksLikeGzip(std::string_view first_bytes) {
  return first_bytes.starts_with("\x1f\x8b\x08");
}

bool LooksLikeBzip2(std::string_view first_bytes) {
  if (first_bytes.size() < kMagicBytesMax || !first_bytes.starts_with("BZh")) return false;
  const std::string_view after = first_bytes.substr(4, 6);
  return first_bytes[3] >= '1' && first_bytes[3] <= '9' &&
         (after == "\x31\x41\x59\x26\x53\x59" || after == "\x17\x72\x45\x38\x50\x90");
}

bool LooksLikeXz(std::string_view first_bytes) {
  return first_bytes.starts_with("\xfd\x37zXZ\0"sv);
}

/// A frame, or one to be skipped, as tools that compress on several cores put before each.
bool LooksLikeZstd(std::string_view first_bytes) {
  const bool skippable = first_bytes.size() >= 4 && (first_bytes[0] & 0xf0) == 0x50 &&
                         first_bytes.substr(1, 3) == "\x2a\x4d\x18";
  return first_bytes.starts_with("\x28\xb5\x2f\xfd") || skippable;
}

constexpr std::array kCompressions{
    Compression{"gzip", LooksLikeGzip, MakeGzipDecompressor},
    Compression{"bzip2", LooksLikeBzip2, MakeBzip2Decompressor},
    Compression{"xz", LooksLikeXz, MakeXzDecompressor},
    Compression{"zstd", LooksLikeZstd, MakeZstdDecompressor},
};

}  // namespace

const Compression* FindCompression(std::string_view first_bytes) {
  const auto* const found =
      std::find_if(kCompressions.begin(), kCompressions.end(),
                   [&](const Compression& one) { return one.looks_like(first_bytes); });
  return found == kCompressions.end() ? nullptr : found;
}

}  // namespace spoor::importers
