// SPDX-License-Identifier: Apache-2.0
#include "ingest/derived_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.hpp"
#include "base/scratch_folder.hpp"

namespace spoor::ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

void Write(const std::filesystem::path& path) {
  ASSERT_TRUE(CreateFolders(path.parent_path()));
  ASSERT_TRUE(WriteFileAtomically(path, AsBytes("x")));
}

TEST(DerivedFiles, NamesOfSegmentsAreToldFromOthers) {
  for (const char* name : {"event/2026-11-21/0123456789ab-g7-0.parquet",
                           "event_by_object/2026-11-21/0123456789ab-g7-1.parquet",
                           "process/0123456789ab-g18446744073709551615-12.parquet"}) {
    EXPECT_TRUE(IsSegmentName(name)) << name;
  }
  for (const char* name :
       {"", "event", "event/", "0123456789ab-g7-0.parquet", "mine/0123456789ab-g7-0.parquet",
        "event/0123456789aB-g7-0.parquet", "event/0123456789-g7-0.parquet",
        "event/0123456789ab-g-0.parquet", "event/0123456789ab-g7-.parquet",
        "event/0123456789ab-g7-0.parquet.bak", "event/0123456789ab-g7-0.parquet/x",
        "event/../0123456789ab-g7-0.parquet", "event/2026-11/0123456789ab-g7-0.parquet",
        "event/0123456789ab-g99999999999999999999-0.parquet", "/event/0123456789ab-g7-0.parquet"}) {
    EXPECT_FALSE(IsSegmentName(name)) << name;
  }
}

TEST(DerivedFiles, WhatIngestMadeIsToldFromWhatItDidNot) {
  const ScratchFolder folder;
  const StoreLayout layout{folder.path()};
  Write(layout.segments() / "event/2026-11-21/0123456789ab-g7-0.parquet");
  Write(layout.segments() / "gap/0123456789ab-g9-1.parquet.tmp");
  Write(layout.segments() / "notes.txt");
  Write(layout.index() / "graph");
  std::filesystem::create_symlink("/etc", layout.segments() / "link");
  std::filesystem::create_symlink("/etc/passwd",
                                  layout.segments() / "gap/0123456789ab-g99-0.parquet");
  const Result<DerivedFiles> files = ListDerivedFiles(layout);
  ASSERT_TRUE(files);
  EXPECT_THAT(files->segments, UnorderedElementsAre("event/2026-11-21/0123456789ab-g7-0.parquet",
                                                    "gap/0123456789ab-g9-1.parquet.tmp"));
  EXPECT_THAT(files->strangers,
              ElementsAre("index/graph", "segments/gap/0123456789ab-g99-0.parquet", "segments/link",
                          "segments/notes.txt"));
  EXPECT_EQ(files->generation_max, 9U);
}

TEST(DerivedFiles, AStoreWithoutAnyHasNone) {
  const ScratchFolder folder;
  const Result<DerivedFiles> files = ListDerivedFiles({folder.path()});
  ASSERT_TRUE(files);
  EXPECT_TRUE(files->segments.empty() && files->strangers.empty());
}

}  // namespace
}  // namespace spoor::ingest
