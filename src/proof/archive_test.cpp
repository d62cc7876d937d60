// SPDX-License-Identifier: Apache-2.0
#include "proof/archive.hpp"

#include <gmock/gmock.h>

#include "base/file.hpp"
#include "base/scratch_folder.hpp"

namespace spoor::proof {
namespace {

using testing::HasSubstr;

class ArchiveTest : public testing::Test {
 protected:
  void Write() {
    auto writer = ArchiveWriter::Create(path_);
    ASSERT_TRUE(writer) << writer.error().message;
    ASSERT_TRUE((*writer)->Add("manifest.json", "{}"));
    ASSERT_TRUE((*writer)->Add("queries/a.sql", std::string(512, 'a')));
    ASSERT_TRUE((*writer)->Begin("empty"));
    ASSERT_TRUE((*writer)->End());
    ASSERT_TRUE((*writer)->Finish());
  }
  void Overwrite(std::string_view bytes) {
    ASSERT_TRUE(WriteFileAtomically(path_, AsBytes(bytes)));
  }
  std::string Bytes() { return *ReadTextFile(path_, 1 << 20); }

  ScratchFolder scratch_{ScratchFolder::MemoryFolder()};
  std::filesystem::path path_ = scratch_.path() / "bundle";
};

TEST_F(ArchiveTest, GivesBackItsMembers) {
  Write();
  const auto archive = ArchiveReader::Open(path_);
  ASSERT_TRUE(archive) << archive.error().message;
  ASSERT_EQ((*archive)->members().size(), 3U);
  EXPECT_EQ(*(*archive)->Read("manifest.json", 10), "{}");
  EXPECT_EQ(*(*archive)->Read("empty", 10), "");
  EXPECT_FALSE((*archive)->Read("queries/a.sql", 511)) << "above the limit";
  const auto stream = (*archive)->Stream("queries/a.sql");
  ASSERT_TRUE(stream);
  std::array<std::byte, 500> buffer{};
  EXPECT_EQ(*(*stream)(buffer), 500U);
  EXPECT_EQ(*(*stream)(buffer), 12U);
  EXPECT_EQ(*(*stream)(buffer), 0U);
}

TEST_F(ArchiveTest, RefusesEveryFlippedByteAndEveryTruncation) {
  Write();
  const std::string good = Bytes();
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x20);
    Overwrite(bad);
    const auto archive = ArchiveReader::Open(path_);
    ASSERT_FALSE(archive) << "byte " << at;
    EXPECT_EQ(archive.error().code, ErrorCode::kUnverified) << archive.error().message;
    if (at % 64 != 0) continue;
    Overwrite(good.substr(0, at));
    EXPECT_FALSE(ArchiveReader::Open(path_)) << "cut at " << at;
  }
  Overwrite(good + '\0');
  EXPECT_FALSE(ArchiveReader::Open(path_));
}

TEST_F(ArchiveTest, NamesTheMemberThatWasChanged) {
  Write();
  std::string bytes = Bytes();
  bytes[bytes.find("{}")] = '[';
  Overwrite(bytes);
  const auto archive = ArchiveReader::Open(path_);
  ASSERT_FALSE(archive);
  EXPECT_THAT(archive.error().message, HasSubstr("manifest.json: is not what SHA256SUMS says"));
}

TEST_F(ArchiveTest, LeavesNothingBehindWithoutItsEnd) {
  {
    auto writer = ArchiveWriter::Create(path_);
    ASSERT_TRUE(writer);
    ASSERT_TRUE((*writer)->Add("a", "b"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(scratch_.path()));
}

TEST_F(ArchiveTest, DoesNotOverwrite) {
  Overwrite("something");
  const auto writer = ArchiveWriter::Create(path_);
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(Bytes(), "something");
}

}  // namespace
}  // namespace spoor::proof
