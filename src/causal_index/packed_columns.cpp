// SPDX-License-Identifier: Apache-2.0
// A section: row count, column count, the place of each block, the blocks, 16 bytes of nothing. A
// block: the bits of each column, the smallest value of each column, then row after row. The
// nothing at the end lets a reader load eight bytes wherever a value begins.
#include "causal_index/packed_columns.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/check.hpp"

namespace spoor::causal_index {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are stored as they are held");

constexpr std::size_t kHeaderBytes = 16;
constexpr std::size_t kPaddingBytes = 16;

template <typename T>
T Load(const std::byte* place) {
  T value;
  std::memcpy(&value, place, sizeof value);
  return value;
}

template <typename T>
void Store(std::vector<std::byte>& bytes, T value) {
  const std::size_t size = bytes.size();
  bytes.resize(size + sizeof value);
  std::memcpy(bytes.data() + size, &value, sizeof value);
}

std::size_t BlockHeaderBytes(std::size_t column_count) {
  return column_count * (1 + sizeof(std::int64_t));
}

/// `width` bits that begin `bit` bits behind `place`.
std::uint64_t Bits(const std::byte* place, std::uint64_t bit, unsigned width) {
  if (width == 0) return 0;
  const std::byte* const from = place + bit / 8;
  const auto shift = static_cast<unsigned>(bit % 8);
  std::uint64_t value = Load<std::uint64_t>(from) >> shift;
  if (shift + width > 64) value |= std::to_integer<std::uint64_t>(from[8]) << (64 - shift);
  return width == 64 ? value : value & ((std::uint64_t{1} << width) - 1);
}

void PutBits(std::byte* place, std::uint64_t bit, unsigned width, std::uint64_t value) {
  if (width == 0) return;
  std::byte* const to = place + bit / 8;
  const auto shift = static_cast<unsigned>(bit % 8);
  const std::uint64_t held = Load<std::uint64_t>(to) | value << shift;
  std::memcpy(to, &held, sizeof held);
  if (shift + width > 64) to[8] |= static_cast<std::byte>(value >> (64 - shift));
}

}  // namespace

PackedWriter::PackedWriter(std::size_t column_count) : column_count_(column_count) {
  SPOOR_CHECK(column_count > 0 && column_count <= kColumnsMax) << "too many columns";
}

void PackedWriter::Add(std::span<const std::int64_t> row) {
  SPOOR_CHECK(row.size() == column_count_) << "a row of other columns";
  rows_.insert(rows_.end(), row.begin(), row.end());
  ++row_count_;
  if (rows_.size() == kBlockRows * column_count_) PackBlock();
}

void PackedWriter::PackBlock() {
  const std::size_t count = rows_.size() / column_count_;
  block_offsets_.push_back(data_.size());
  std::vector<std::int64_t> lowest(column_count_);
  std::vector<unsigned> widths(column_count_);
  std::uint64_t stride = 0;
  for (std::size_t column = 0; column < column_count_; ++column) {
    std::int64_t low = rows_[column], high = rows_[column];
    for (std::size_t row = 0; row < count; ++row) {
      low = std::min(low, rows_[row * column_count_ + column]);
      high = std::max(high, rows_[row * column_count_ + column]);
    }
    lowest[column] = low;
    widths[column] = static_cast<unsigned>(
        std::bit_width(static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low)));
    stride += widths[column];
  }
  for (const unsigned width : widths) data_.push_back(static_cast<std::byte>(width));
  for (const std::int64_t low : lowest) Store(data_, low);
  const std::size_t begin = data_.size();
  const std::size_t size_bytes = (count * stride + 7) / 8;
  data_.resize(begin + size_bytes + kPaddingBytes);
  std::uint64_t bit = 0;
  for (std::size_t row = 0; row < count; ++row) {
    for (std::size_t column = 0; column < column_count_; ++column) {
      const std::uint64_t distance =
          static_cast<std::uint64_t>(rows_[row * column_count_ + column]) -
          static_cast<std::uint64_t>(lowest[column]);
      PutBits(data_.data() + begin, bit, widths[column], distance);
      bit += widths[column];
    }
  }
  data_.resize(begin + size_bytes);
  rows_.clear();
}

std::vector<std::byte> PackedWriter::Finish() {
  if (!rows_.empty()) PackBlock();
  std::vector<std::byte> section;
  section.reserve(kHeaderBytes + block_offsets_.size() * 8 + data_.size() + kPaddingBytes);
  Store(section, row_count_);
  Store(section, static_cast<std::uint64_t>(column_count_));
  for (const std::uint64_t offset : block_offsets_) Store(section, offset);
  section.insert(section.end(), data_.begin(), data_.end());
  section.resize(section.size() + kPaddingBytes);
  *this = PackedWriter(column_count_);
  return section;
}

Result<PackedColumns> PackedColumns::Open(std::span<const std::byte> bytes,
                                          std::size_t column_count) {
  const auto wrong = [](std::string_view what) { return Fail(ErrorCode::kCorrupt, "{}", what); };
  if (bytes.size() < kHeaderBytes + kPaddingBytes) return wrong("a section is cut off");
  PackedColumns columns;
  columns.row_count_ = Load<std::uint64_t>(bytes.data());
  columns.column_count_ = column_count;
  if (Load<std::uint64_t>(bytes.data() + 8) != column_count) {
    return wrong("a section has other columns");
  }
  const std::uint64_t block_count =
      columns.row_count_ / kBlockRows + (columns.row_count_ % kBlockRows != 0 ? 1 : 0);
  const std::uint64_t room = bytes.size() - kHeaderBytes - kPaddingBytes;
  if (block_count > room / 8) return wrong("a section lacks blocks");
  columns.directory_ = bytes.data() + kHeaderBytes;
  columns.data_ = columns.directory_ + block_count * 8;
  const std::uint64_t data_bytes = room - block_count * 8;
  const std::size_t header_bytes = BlockHeaderBytes(column_count);
  for (std::uint64_t block = 0; block < block_count; ++block) {
    const auto offset = Load<std::uint64_t>(columns.directory_ + block * 8);
    if (offset > data_bytes || data_bytes - offset < header_bytes) {
      return wrong("a block lies outside of its section");
    }
    std::uint64_t stride = 0;
    for (std::size_t column = 0; column < column_count; ++column) {
      const auto width = std::to_integer<unsigned>(columns.data_[offset + column]);
      if (width > 64) return wrong("a number of more than 64 bits");
      stride += width;
    }
    const std::uint64_t count =
        std::min<std::uint64_t>(kBlockRows, columns.row_count_ - block * kBlockRows);
    if (data_bytes - offset - header_bytes < (count * stride + 7) / 8) {
      return wrong("a block is cut off");
    }
  }
  return columns;
}

const std::byte* PackedColumns::Block(std::uint64_t row) const {
  return data_ + Load<std::uint64_t>(directory_ + row / kBlockRows * 8);
}

std::int64_t PackedColumns::At(std::uint64_t row, std::size_t column) const {
  const std::byte* const block = Block(row);
  std::uint64_t stride = 0, before = 0;
  for (std::size_t i = 0; i < column_count_; ++i) {
    if (i == column) before = stride;
    stride += std::to_integer<unsigned>(block[i]);
  }
  const auto lowest = Load<std::uint64_t>(block + column_count_ + column * sizeof(std::int64_t));
  return static_cast<std::int64_t>(lowest + Bits(block + BlockHeaderBytes(column_count_),
                                                 row % kBlockRows * stride + before,
                                                 std::to_integer<unsigned>(block[column])));
}

void PackedColumns::Row(std::uint64_t row, std::span<std::int64_t> values) const {
  const std::byte* const block = Block(row);
  std::uint64_t stride = 0;
  for (std::size_t i = 0; i < column_count_; ++i) stride += std::to_integer<unsigned>(block[i]);
  std::uint64_t bit = row % kBlockRows * stride;
  const std::byte* const rows = block + BlockHeaderBytes(column_count_);
  for (std::size_t i = 0; i < column_count_; ++i) {
    const auto width = std::to_integer<unsigned>(block[i]);
    const auto lowest = Load<std::uint64_t>(block + column_count_ + i * sizeof(std::int64_t));
    values[i] = static_cast<std::int64_t>(lowest + Bits(rows, bit, width));
    bit += width;
  }
}

std::uint64_t PackedColumns::LowerBound(std::uint64_t begin, std::uint64_t end, std::size_t column,
                                        std::int64_t value) const {
  while (begin < end) {
    const std::uint64_t middle = begin + (end - begin) / 2;
    if (At(middle, column) < value) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return begin;
}

}  // namespace spoor::causal_index
