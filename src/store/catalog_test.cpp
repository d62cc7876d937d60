// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.hpp"
#include "base/scratch_folder.hpp"
#include "store/catalog.hpp"
#include "store/catalog_check.hpp"

namespace spoor::store {
namespace {

using testing::HasSubstr;

const std::string kId(32, 'a');

Catalog GoodCatalog() {
  Catalog catalog;
  catalog.generation = 2;
  catalog.next_entry = 9;
  catalog.recordings = {{.recording_id = kId, .first_entry = 0, .last_entry = 8, .event_count = 3}};
  catalog.segments = {{.table = "event",
                       .file = "event/2026-11-21/aaaaaaaaaaaa-g1-0.parquet",
                       .size_bytes = 10,
                       .mtime_ns = 5,
                       .sha256 = std::string(64, '0'),
                       .row_count = 3,
                       .recording_id = kId,
                       .first_entry = 0,
                       .last_entry = 8,
                       .day = "2026-11-21",
                       .host = "web-1"}};
  catalog.retired = {"host/aaaaaaaaaaaa-g0-7.parquet"};
  return catalog;
}

TEST(Catalog, IsReadBackAsItWasSaved) {
  const ScratchFolder scratch;
  ASSERT_EQ(WhatIsWrong(GoodCatalog()), std::nullopt);
  ASSERT_TRUE(SaveCatalog({scratch.path()}, GoodCatalog()));
  const auto catalog = LoadCatalog({scratch.path()});
  ASSERT_TRUE(catalog) << catalog.error().message;
  EXPECT_EQ(catalog->segments.at(0).file, GoodCatalog().segments.at(0).file);
  EXPECT_EQ(catalog->retired, GoodCatalog().retired);
}

TEST(Catalog, NamesOnlyTablesAndFilesThatASegmentCanHave) {
  for (const std::string file :
       {"../../x.parquet", "/etc/passwd", "event/../x.parquet", "",
        "event/aaaaaaaaaaaa-g1-0.parquet/x", "event/2026-13-41/aaaaaaaaaaaa-g1-0.parquet",
        "event/aaaaaaaaaaaa-g01-0.parquet", "event/AAAAAAAAAAAA-g1-0.parquet",
        "event/aaaaaaaaaaaa-g1-0.parquet.tmp", "other/aaaaaaaaaaaa-g1-0.parquet",
        "event/aaaaaaaaaaaa-g1--1.parquet", "event/aaaaaaaaaaaa-g1-.parquet",
        "event/aaaaaaaaaaaa-g-0.parquet", "event/2026-11/aaaaaaaaaaaa-g1-0.parquet",
        "/event/aaaaaaaaaaaa-g1-0.parquet", "event/aaaaaaaaaaaa-g9223372036854775808-0.parquet",
        "event/aaaaaaaaaaaa-g99999999999999999999-0.parquet", "aaaaaaaaaaaa-g1-0.parquet"}) {
    EXPECT_FALSE(ParseSegmentName(file)) << file;
    Catalog catalog = GoodCatalog();
    catalog.segments[0].file = file;
    EXPECT_NE(WhatIsWrong(catalog), std::nullopt) << file;
    catalog = GoodCatalog();
    catalog.retired = {file};
    EXPECT_NE(WhatIsWrong(catalog), std::nullopt) << file;
  }
  Catalog catalog = GoodCatalog();
  catalog.segments[0].table = "event; DROP TABLE host";
  EXPECT_THAT(WhatIsWrong(catalog).value_or(""), HasSubstr("is of no table"));
}

TEST(Catalog, TakesNoNegativeNumberForACount) {
  for (
      const char* const text :
      {R"({"version":1,"generation":-1,"next_entry":0,"recordings":[],"segments":[],"retired":[]})",
       R"({"version":1,"generation":1.5,"next_entry":0,"recordings":[],"segments":[],"retired":[]})",
       R"({"version":1,"generation":1,"next_entry":18446744073709551615,"recordings":[],"segments":[],"retired":[]})",
       R"({"version":1,"generation":1,"next_entry":0,"recordings":{},"segments":[],"retired":[]})",
       R"({"version":1,"generation":1,"next_entry":0,"recordings":[],"segments":[],"retired":"x"})",
       "7", "null"}) {
    const auto catalog = ParseCatalog(text);
    ASSERT_FALSE(catalog) << text;
    EXPECT_EQ(catalog.error().code, ErrorCode::kCorrupt) << text;
  }
}

TEST(Catalog, IsNotParsedDeeperOrLongerThanOneCanBe) {
  const auto deep = ParseCatalog(std::string(100'000, '['));
  ASSERT_FALSE(deep);
  EXPECT_THAT(deep.error().message, HasSubstr("nested too deeply"));
  std::string zeros = "[0";
  while (zeros.size() < 8'100'000) zeros += ",0";
  const auto longer = ParseCatalog(zeros + "]");
  ASSERT_FALSE(longer);
  EXPECT_THAT(longer.error().message, HasSubstr("too many values"));
}

TEST(Catalog, HasEachFileOnce) {
  Catalog catalog = GoodCatalog();
  catalog.segments.push_back(catalog.segments[0]);
  EXPECT_THAT(WhatIsWrong(catalog).value_or(""), HasSubstr("file of an earlier one"));
  catalog = GoodCatalog();
  catalog.retired = {catalog.segments[0].file};
  EXPECT_THAT(WhatIsWrong(catalog).value_or(""), HasSubstr("named before"));
}

}  // namespace
}  // namespace spoor::store
