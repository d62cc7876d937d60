// SPDX-License-Identifier: Apache-2.0
#include "witness/publication.hpp"

#include <gmock/gmock.h>

#include "evidence/log_test_support.hpp"
#include "evidence/tile_tree.hpp"
#include "evidence/tree.hpp"

namespace spoor::witness {
namespace {

using evidence::TestEntry;
using evidence::TestStore;

Publication Of(const TestStore& store) {
  return Publication({.evidence = store.folder(), .witnessed = store.root() / "witnessed"});
}

/// What a log of `size` test entries has in bundle `index`, up to entry `width` of it.
std::string BundleOf(std::uint64_t index, unsigned width) {
  std::string bytes;
  for (unsigned i = 0; i < width; ++i) {
    const std::vector<std::byte> entry = TestEntry(index * evidence::kTileWidth + i);
    bytes += static_cast<char>(entry.size() >> 8);
    bytes += static_cast<char>(entry.size() & 0xFF);
    bytes += AsText(entry);
  }
  return bytes;
}

/// Everything that the checkpoint of now covers is there, and nothing beyond.
void ExpectPublished(const TestStore& store, std::uint64_t size) {
  const Publication publication = Of(store);
  evidence::TreeHasher hasher;
  for (std::uint64_t tile = 0; tile <= size / evidence::kTileWidth; ++tile) {
    const std::uint64_t left = size - tile * evidence::kTileWidth;
    for (const bool entries : {false, true}) {
      for (unsigned width = 1; width <= evidence::kTileWidth; ++width) {
        const bool full = width == evidence::kTileWidth;
        const std::string name =
            TilePath({.entries = entries, .level = 0, .index = tile},
                     full ? evidence::TileForm::kFull : evidence::TileForm::kClosed, width);
        const http::Answer answer = publication.Answer("/" + name);
        ASSERT_EQ(answer.status, width <= left ? 200 : 404) << name << " of " << size;
        if (answer.status != 200) continue;
        ASSERT_THAT(answer.headers.at(0).value, testing::HasSubstr("immutable"));
        if (entries) {
          ASSERT_EQ(answer.body, BundleOf(tile, width)) << name;
          continue;
        }
        ASSERT_EQ(answer.body.size(), width * sizeof(evidence::Hash));
        const evidence::Hash last = hasher.Leaf(TestEntry(tile * evidence::kTileWidth + width - 1));
        ASSERT_TRUE(answer.body.ends_with(evidence::TextOf(last))) << name;
      }
    }
  }
}

TEST(Publication, ServesWhatTheCheckpointCoversOfAClosedLog) {
  for (const std::uint64_t size : {0U, 1U, 255U, 256U, 257U, 600U}) {
    const TestStore store;
    store.Fill(size);
    ExpectPublished(store, size);
  }
}

TEST(Publication, ServesWhatTheCheckpointCoversBesideAWriter) {
  const TestStore store;
  const auto writer = store.OpenWriter();
  for (const std::uint64_t size : {1U, 200U, 256U, 300U, 512U, 520U}) {
    while (writer->size() < size) ASSERT_TRUE(writer->Append(TestEntry(writer->size())));
    ASSERT_TRUE(writer->Checkpoint());
    // Behind the checkpoint, on disk or not.
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(writer->Append(TestEntry(writer->size())));
    ExpectPublished(store, size);
    ASSERT_TRUE(writer->Checkpoint());
    ExpectPublished(store, size + 5);
  }
}

TEST(Publication, CoveredTileThatIsStillCalledPartialIsServed) {
  const TestStore store;
  store.Fill(300);
  // As a writer killed between the checkpoint and the renames leaves them.
  std::filesystem::rename(store.folder() / "tile/0/000", store.folder() / "tile/0/000.partial");
  std::filesystem::rename(store.folder() / "tile/entries/000",
                          store.folder() / "tile/entries/000.partial");
  ExpectPublished(store, 300);
}

TEST(Publication, DamagedFilesAreNoCrash) {
  const TestStore store;
  store.Fill(300);
  for (const char* name : {"tile/0/000", "tile/entries/000", "tile/0/001.p/44"}) {
    std::filesystem::resize_file(store.folder() / name, 31);
    EXPECT_EQ(Of(store).Answer(fmt::format("/{}", name)).status, 503) << name;
    std::filesystem::remove(store.folder() / name);
    EXPECT_EQ(Of(store).Answer(fmt::format("/{}", name)).status, 404) << name;
  }
  ASSERT_TRUE(WriteFileAtomically(store.folder() / "checkpoint", AsBytes("noise")));
  EXPECT_EQ(Of(store).Answer("/checkpoint").status, 503);
  EXPECT_EQ(Of(store).Answer("/tile/0/000").status, 503);
  std::filesystem::remove(store.folder() / "checkpoint");
  EXPECT_EQ(Of(store).Answer("/checkpoint").status, 503);
}

}  // namespace
}  // namespace spoor::witness
