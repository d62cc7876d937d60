// SPDX-License-Identifier: Apache-2.0
#include "causal_index/packed_columns.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <random>

namespace spoor::causal_index {
namespace {

using Row = std::array<std::int64_t, 3>;

std::vector<std::byte> Pack(const std::vector<Row>& rows) {
  PackedWriter writer(3);
  for (const Row& row : rows) writer.Add(row);
  return writer.Finish();
}

TEST(PackedColumns, GiveBackWhatWasPutIn) {
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  std::mt19937_64 random(1);
  for (const std::size_t count : {0U, 1U, 127U, 128U, 129U, 1000U}) {
    std::vector<Row> rows;
    for (std::size_t i = 0; i < count; ++i) {
      const auto any = static_cast<std::int64_t>(random());
      rows.push_back({static_cast<std::int64_t>(i),
                      i % 7 == 0   ? kMin
                      : i % 7 == 1 ? kMax
                                   : any,
                      any >> (random() % 64)});
    }
    const std::vector<std::byte> bytes = Pack(rows);
    const auto columns = PackedColumns::Open(bytes, 3);
    ASSERT_TRUE(columns) << columns.error().message;
    ASSERT_EQ(columns->row_count(), count);
    for (std::size_t i = 0; i < count; ++i) {
      Row row{};
      columns->Row(i, row);
      ASSERT_EQ(row, rows[i]);
      for (std::size_t column = 0; column < 3; ++column) {
        ASSERT_EQ(columns->At(i, column), rows[i][column]);
      }
    }
  }
}

TEST(PackedColumns, FindTheFirstRowThatIsNotLess) {
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < 500; ++i) rows.push_back({i / 3 * 10, 0, 0});
  const std::vector<std::byte> bytes = Pack(rows);
  const auto columns = PackedColumns::Open(bytes, 3);
  ASSERT_TRUE(columns);
  EXPECT_EQ(columns->LowerBound(0, 500, 0, -5), 0U);
  EXPECT_EQ(columns->LowerBound(0, 500, 0, 10), 3U);
  EXPECT_EQ(columns->LowerBound(0, 500, 0, 11), 6U);
  EXPECT_EQ(columns->LowerBound(0, 500, 0, 99'999), 500U);
}

TEST(PackedColumns, TakeFewBitsForSmallDistances) {
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < 12'800; ++i) rows.push_back({1'795'293'000'000'000'000 + i, 5, 0});
  EXPECT_LT(Pack(rows).size(), rows.size() * 2);
}

TEST(PackedColumns, RefuseWhateverLeadsOutside) {
  std::vector<Row> rows;
  for (std::int64_t i = 0; i < 300; ++i) rows.push_back({i, i * i, -i});
  const std::vector<std::byte> whole = Pack(rows);
  EXPECT_FALSE(PackedColumns::Open(whole, 2));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(PackedColumns::Open(std::span(whole).first(size), 3)) << size;
  }
  // Whatever one byte says, each row that is there can be read.
  for (std::size_t place = 0; place < whole.size(); ++place) {
    std::vector<std::byte> changed = whole;
    changed[place] ^= std::byte{0xff};
    const auto columns = PackedColumns::Open(changed, 3);
    if (!columns) continue;
    ASSERT_LE(columns->row_count(), 384U) << place;
    Row row{};
    for (std::uint64_t i = 0; i < columns->row_count(); ++i) columns->Row(i, row);
  }
}

}  // namespace
}  // namespace spoor::causal_index
