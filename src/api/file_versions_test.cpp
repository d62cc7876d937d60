// SPDX-License-Identifier: Apache-2.0
#include "api/file_versions.hpp"

#include <gtest/gtest.h>

namespace spoor::api {
namespace {

using Kind = FileAct::Kind;

FileAct Write(std::int64_t process_id, std::int64_t offset, const std::string& data) {
  return {.kind = Kind::kWrite,
          .process_id = process_id,
          .wall_ns = offset,
          .offset_bytes = offset,
          .size_bytes = static_cast<std::int64_t>(data.size()),
          .data = data};
}
FileAct Read(std::int64_t offset, const std::string& data) {
  FileAct act = Write(9, offset, data);
  act.kind = Kind::kRead;
  return act;
}
using Pieces = std::map<std::int64_t, std::string>;

TEST(FileVersions, OfAFileThatNobodyTouchedThereAreNone) {
  EXPECT_TRUE(VersionsOf({}).empty());
}

TEST(FileVersions, WhatWasReadBeforeAnyWriteIsVersionZero) {
  const auto versions = VersionsOf({Read(0, "old"), Write(1, 1, "NE")});
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_EQ(versions[0].version, 0);
  EXPECT_EQ(versions[0].pieces, (Pieces{{0, "old"}}));
  EXPECT_EQ(versions[1].version, 1);
  EXPECT_EQ(versions[1].pieces, (Pieces{{0, "oNE"}}));
}

TEST(FileVersions, WritesOfOneProcessAreOneVersionAndOfAnotherTheNext) {
  const auto versions = VersionsOf({Write(1, 0, "aa"), Write(1, 2, "bb"), Write(2, 1, "X")});
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_EQ(versions[0].pieces, (Pieces{{0, "aabb"}}));
  EXPECT_EQ(versions[1].known_bytes(), 4);
  EXPECT_EQ(versions[1].process_id, 2);
}

TEST(FileVersions, WhatWasNotCapturedStaysUnknown) {
  FileAct cut = Write(1, 0, "ab");
  cut.size_bytes = 100;
  const auto versions = VersionsOf({cut, Write(1, 1000, "z")});
  EXPECT_EQ(versions.back().pieces, (Pieces{{0, "ab"}, {1000, "z"}}));
  EXPECT_EQ(versions.back().size_bytes, 1001);
  EXPECT_EQ(versions.back().known_bytes(), 3);
}

TEST(FileVersions, AWriteMakesWhatItCoversUnknownWhereItWasNotCaptured) {
  FileAct blind = Write(1, 1, "");
  blind.size_bytes = 2;
  EXPECT_EQ(VersionsOf({Write(1, 0, "abcd"), blind}).back().pieces, (Pieces{{0, "a"}, {3, "d"}}));
}

TEST(FileVersions, AReadAddsOnlyWhereNothingIsKnown) {
  const auto versions = VersionsOf({Write(1, 1, "B"), Read(0, "abc")});
  std::string all;
  for (const auto& [offset, bytes] : versions.back().pieces) all += bytes;
  EXPECT_EQ(all, "aBc");
}

TEST(FileVersions, AWriteAtNoKnownPlaceTakesAwayWhatWasKnown) {
  FileAct somewhere = Write(1, 0, "q");
  somewhere.offset_bytes = {};
  EXPECT_TRUE(VersionsOf({Write(1, 0, "abcd"), somewhere}).back().pieces.empty());
}

TEST(FileVersions, TheEndIsKnownOnlyOfAFileThatWasEmptied) {
  const FileAct empty{.kind = Kind::kTruncate, .process_id = 1, .size_bytes = 0};
  EXPECT_FALSE(VersionsOf({Write(1, 0, "a")}).back().has_known_end);
  const auto versions = VersionsOf({Write(1, 0, "abc"), empty, Write(1, 0, "a")});
  ASSERT_EQ(versions.size(), 2u);
  EXPECT_TRUE(versions.back().has_known_end);
  EXPECT_EQ(versions.back().pieces, (Pieces{{0, "a"}}));
}

TEST(FileVersions, OffsetsAtTheEndOfTheRangeAreNotReckonedWith) {
  FileAct far = Write(1, 0, "a");
  far.offset_bytes = INT64_MAX;
  far.size_bytes = INT64_MAX;
  EXPECT_TRUE(VersionsOf({far}).back().pieces.empty());
}

TEST(FileVersions, EndWithTheOneAskedFor) {
  EXPECT_EQ(VersionsOf({Write(1, 0, "a"), Write(2, 0, "b"), Write(3, 0, "c")}, 2).size(), 2u);
}

}  // namespace
}  // namespace spoor::api
