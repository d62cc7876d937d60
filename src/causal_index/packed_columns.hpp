// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.hpp"

/// Rows of whole numbers in few bits, each row readable on its own: 128 rows are a block, and in a
/// block each column takes as many bits as its largest distance from its smallest value needs.
/// Bytes: docs/formats/causal-index.md.
namespace spoor::causal_index {

inline constexpr std::size_t kBlockRows = 128;
inline constexpr std::size_t kColumnsMax = 16;

/// Collects rows and packs each block as it is full.
class PackedWriter {
 public:
  explicit PackedWriter(std::size_t column_count);
  /// `row` has a value for each column.
  void Add(std::span<const std::int64_t> row);
  std::uint64_t row_count() const { return row_count_; }
  /// The section. Leaves the writer empty.
  std::vector<std::byte> Finish();

 private:
  void PackBlock();

  std::size_t column_count_;
  std::uint64_t row_count_ = 0;
  std::vector<std::int64_t> rows_;  // of the block that is not full
  std::vector<std::uint64_t> block_offsets_;
  std::vector<std::byte> data_;
};

/// Reads such a section. The bytes must outlive it. Safe from any thread.
class PackedColumns {
 public:
  PackedColumns() = default;
  /// Checks all places, so that no row can lead outside of `bytes`. Takes time for each block, none
  /// for each row. Fails: kCorrupt.
  static Result<PackedColumns> Open(std::span<const std::byte> bytes, std::size_t column_count);

  std::uint64_t row_count() const { return row_count_; }
  /// `row` must be below row_count(), `column` below the number of columns.
  std::int64_t At(std::uint64_t row, std::size_t column) const;
  /// All columns of `row`.
  void Row(std::uint64_t row, std::span<std::int64_t> values) const;
  /// The first of the rows [begin, end) whose `column` is not less than `value`; they ascend by it.
  std::uint64_t LowerBound(std::uint64_t begin, std::uint64_t end, std::size_t column,
                           std::int64_t value) const;

 private:
  const std::byte* Block(std::uint64_t row) const;

  std::uint64_t row_count_ = 0;
  std::size_t column_count_ = 0;
  const std::byte* directory_ = nullptr;
  const std::byte* data_ = nullptr;
};

}  // namespace spoor::causal_index
