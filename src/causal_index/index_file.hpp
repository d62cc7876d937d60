// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.hpp"

/// The container of the causal index: sections behind a header that names what they were derived
/// from, under one digest. Bytes: docs/formats/causal-index.md.
namespace spoor::causal_index {

/// SHA-256 of what a file was derived from.
using SourceDigest = std::array<std::byte, 32>;

enum class FileKind : std::uint32_t { kFlows = 1, kNodes = 2 };

/// A whole file.
std::vector<std::byte> MakeIndexFile(FileKind kind, const SourceDigest& source,
                                     const std::vector<std::vector<std::byte>>& sections);

/// What holds the bytes of a file: memory of ours, or a mapping.
class Bytes {
 public:
  virtual ~Bytes() = default;
  virtual std::span<const std::byte> get() const = 0;
};
std::shared_ptr<const Bytes> HeldBytes(std::vector<std::byte> bytes);
/// Maps the open file `fd` of `size_bytes`. Fails: kIo.
Result<std::shared_ptr<const Bytes>> MappedBytes(int fd, std::uint64_t size_bytes);

/// A checked file. Copies share the bytes.
class IndexFile {
 public:
  /// Fails: kCorrupt (which part is not what it must be), kUnsupported (another version).
  static Result<IndexFile> Open(std::shared_ptr<const Bytes> bytes, FileKind kind,
                                const SourceDigest& source, std::size_t section_count);

  std::span<const std::byte> section(std::size_t index) const { return sections_[index]; }
  std::uint64_t size_bytes() const { return bytes_->get().size(); }

 private:
  std::shared_ptr<const Bytes> bytes_;
  std::vector<std::span<const std::byte>> sections_;
};

}  // namespace spoor::causal_index
