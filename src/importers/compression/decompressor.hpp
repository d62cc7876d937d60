// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.hpp"

namespace spoor::importers {

/// Undoes one way of compression, in bounded memory. Not thread-safe.
class Decompressor {
 public:
  using Take = std::function<Result<>(std::span<const std::byte>)>;

  virtual ~Decompressor() = default;
  /// Calls `take` with what the next `bytes` are uncompressed, part by part, at most 64 KiB each.
  /// Fails as `take`; kCorrupt: what follows cannot be undone.
  virtual Result<> Decompress(std::span<const std::byte> bytes, const Take& take) = 0;
  /// Whether what was given so far is a whole file. Nothing more may be given then.
  virtual bool IsWhole() = 0;
};

struct Compression {
  std::string_view name;
  bool (*looks_like)(std::string_view first_bytes);
  std::unique_ptr<Decompressor> (*make)();
};

/// FindCompression needs so many bytes, unless the file is shorter.
inline constexpr std::size_t kMagicBytesMax = 10;
/// Null: a file that begins so is not compressed in a way that is known.
const Compression* FindCompression(std::string_view first_bytes);

inline constexpr std::size_t kPlainPartBytes = 1 << 16;
/// What undoing one file may need.
inline constexpr std::size_t kDecompressionBytesMax = 128 << 20;

std::unique_ptr<Decompressor> MakeGzipDecompressor();
std::unique_ptr<Decompressor> MakeBzip2Decompressor();
std::unique_ptr<Decompressor> MakeXzDecompressor();
std::unique_ptr<Decompressor> MakeZstdDecompressor();

}  // namespace spoor::importers
