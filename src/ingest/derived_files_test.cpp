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

TEST(DerivedFiles, WhatIngestMadeIsToldFromWhatItDidNot) {
  const ScratchFolder folder;
  const StoreLayout layout{folder.path()};
  Write(layout.segments() / "event/2026-11-21/0123456789ab-g7-0.parquet");
  const std::filesystem::path cut =
      TemporaryPathFor(layout.segments() / "gap/0123456789ab-g9-1.parquet");
  Write(cut);
  Write(layout.segments() / "gap/0123456789ab-g9-2.parquet.tmp");
  Write(layout.segments() / "spoor-spill-a1B2c3/duckdb_temp_storage-0.tmp");
  Write(layout.segments() / "notes.txt");
  Write(layout.index() / "graph");
  const std::string digest(64, 'a');
  Write(layout.index() / ("flows-" + digest));
  Write(layout.index() / ("nodes-" + digest.substr(1)));
  std::filesystem::create_symlink("/etc", layout.segments() / "link");
  std::filesystem::create_symlink("/etc/passwd",
                                  layout.segments() / "gap/0123456789ab-g99-0.parquet");
  const Result<DerivedFiles> files = ListDerivedFiles(layout);
  ASSERT_TRUE(files);
  EXPECT_THAT(files->segments, UnorderedElementsAre("event/2026-11-21/0123456789ab-g7-0.parquet",
                                                    "gap/" + cut.filename().string()));
  EXPECT_THAT(files->spills, ElementsAre("spoor-spill-a1B2c3/duckdb_temp_storage-0.tmp"));
  EXPECT_THAT(files->indexes, ElementsAre("flows-" + digest));
  EXPECT_THAT(files->strangers, ElementsAre("index/graph", "index/nodes-" + digest.substr(1),
                                            "segments/gap/0123456789ab-g9-2.parquet.tmp",
                                            "segments/gap/0123456789ab-g99-0.parquet",
                                            "segments/link", "segments/notes.txt"));
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
