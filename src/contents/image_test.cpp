// SPDX-License-Identifier: Apache-2.0
#include "contents/image.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "contents/versions.hpp"

namespace spoor::contents {
namespace {

/// Acts with their bytes, and what an image makes of them.
class File {
 public:
  void Write(std::int64_t process_id, std::int64_t offset, const std::string& data,
             std::int64_t size = -1, Content rest = Content::kCut) {
    acts_.push_back({.kind = Act::Kind::kWrite,
                     .rest = rest,
                     .process_id = process_id,
                     .wall_ns = static_cast<std::int64_t>(acts_.size()),
                     .offset_bytes = offset,
                     .size_bytes = size < 0 ? static_cast<std::int64_t>(data.size()) : size,
                     .captured_bytes = static_cast<std::int64_t>(data.size()),
                     .journal_at = static_cast<std::int64_t>(journal_.size())});
    journal_ += data;
  }
  void WriteSomewhere(std::int64_t size, Content rest = Content::kNotCaptured) {
    Write(1, 0, "", size, rest);
    acts_.back().offset_bytes.reset();
  }
  void Read(std::int64_t offset, const std::string& data, std::int64_t size = -1) {
    Write(9, offset, data, size);
    acts_.back().kind = Act::Kind::kRead;
  }
  void Resize(std::int64_t process_id, std::int64_t size) {
    acts_.push_back({.kind = Act::Kind::kResize, .process_id = process_id, .size_bytes = size});
  }
  void OpenForBoth(std::int64_t process_id) {
    acts_.push_back({.kind = Act::Kind::kMap, .process_id = process_id});
  }

  Image Make() const {
    Image image;
    for (const Act& act : acts_) image.Apply(act);
    return image;
  }
  /// Bytes as they are, '0' for a zero that was never written, of holes the first letter of why.
  std::string Text(const Image& image) const {
    std::string text;
    std::int64_t at = 0;
    for (const Extent& extent : image.Extents()) {
      EXPECT_EQ(extent.from_bytes, at) << "extents lie beside each other";
      EXPECT_GT(extent.until_bytes, extent.from_bytes);
      at = extent.until_bytes;
      const auto size = static_cast<std::size_t>(extent.size_bytes());
      if (extent.content == Content::kBytes) {
        text += journal_.substr(static_cast<std::size_t>(extent.journal_at), size);
      } else {
        text.append(size, extent.content == Content::kZeros
                              ? '0'
                              : static_cast<char>(std::toupper(NameOf(extent.content)[0])));
      }
    }
    EXPECT_EQ(at, image.size_bytes());
    return text;
  }
  std::string Text() const { return Text(Make()); }
  const std::vector<Act>& acts() const { return acts_; }

 private:
  std::vector<Act> acts_;
  std::string journal_;
};

TEST(Image, OfAFileThatWasMadeAndWrittenIsWhole) {
  File file;
  file.Resize(1, 0);
  file.Write(1, 0, "hello ");
  file.Write(1, 6, "world");
  EXPECT_EQ(file.Text(), "hello world");
  EXPECT_TRUE(file.Make().IsWhole());
  EXPECT_EQ(file.Make().Extents().size(), 1U) << "what follows each other is one extent";
}

TEST(Image, WhatWasThereBeforeIsAHoleAndNoZeros) {
  File file;
  file.Write(1, 4, "NEW");
  EXPECT_EQ(file.Text(), "EEEENEW");
  EXPECT_FALSE(file.Make().has_known_end());
  EXPECT_EQ(file.Make().known_bytes(), 3);
}

TEST(Image, ZerosLieBehindAKnownEndOnly) {
  File file;
  file.Resize(1, 0);
  file.Write(1, 4, "x");
  EXPECT_EQ(file.Text(), "0000x");
  EXPECT_TRUE(file.Make().IsWhole());
  file.Resize(1, 2);
  file.Resize(1, 4);
  EXPECT_EQ(file.Text(), "0000");
}

TEST(Image, ATruncationSetsTheEndOfAFileThatWasThere) {
  File file;
  file.Write(1, 2, "ab");
  file.Resize(1, 3);
  file.Resize(1, 5);
  EXPECT_EQ(file.Text(), "EEa00");
  EXPECT_TRUE(file.Make().has_known_end());
  EXPECT_FALSE(file.Make().IsWhole());
}

TEST(Image, WhatTheCapPerCallCutIsAHole) {
  File file;
  file.Resize(1, 0);
  file.Write(1, 0, "ab", 5);
  file.Write(1, 5, "cd");
  EXPECT_EQ(file.Text(), "abCCCcd");
}

TEST(Image, AWriteThatWasNotCapturedMakesAHoleInWhatWasKnown) {
  File file;
  file.Resize(1, 0);
  file.Write(1, 0, "abcd");
  file.Write(1, 1, "", 2, Content::kLeftOut);
  EXPECT_EQ(file.Text(), "aLLd");
}

TEST(Image, AWriteAtNoKnownPlaceTakesAwayAllThatWasKnown) {
  File file;
  file.Resize(1, 0);
  file.Write(1, 0, "abcd");
  file.WriteSomewhere(2);
  EXPECT_EQ(file.Text(), "UUUU");
  EXPECT_FALSE(file.Make().has_known_end());
  file.WriteSomewhere(6, Content::kMoved);
  EXPECT_EQ(file.Text(), "MMMMMM");
  file.Write(1, 1, "x");
  EXPECT_EQ(file.Text(), "MxMMMM");
}

TEST(Image, AReadAddsWhereNothingIsKnownAndChangesNothing) {
  File file;
  file.Write(1, 1, "B");
  file.Read(0, "abc");
  EXPECT_EQ(file.Text(), "aBc");
  file.Read(1, "X");
  EXPECT_EQ(file.Text(), "aBc");
}

TEST(Image, AReadBehindTheEndShowsThatSomethingWasWrittenUnseen) {
  File file;
  file.Resize(1, 0);
  file.Write(1, 0, "ab");
  file.Read(0, "", 4);
  EXPECT_EQ(file.Text(), "abUU");
  EXPECT_FALSE(file.Make().has_known_end());
}

TEST(Image, ZerosAreNotBelievedWhereAMappingCouldHaveFilledThem) {
  File file;
  file.Resize(1, 0);
  file.OpenForBoth(1);
  EXPECT_FALSE(file.Make().IsWhole()) << "nothing was seen to be written to it";
  file.Resize(1, 4);
  EXPECT_EQ(file.Text(), "MMMM");
  file.Write(1, 0, "a");  // who writes by calls is not taken to write by a mapping
  EXPECT_EQ(file.Text(), "a000");
  EXPECT_TRUE(file.Make().could_be_mapped());
}

TEST(Image, OffsetsAtTheEndOfTheRangeAreNotReckonedWith) {
  File file;
  file.Write(1, INT64_MAX, "a");
  EXPECT_EQ(file.Text(), "U");
  file.Write(1, INT64_MAX - 1, "a");
  EXPECT_EQ(file.Make().size_bytes(), INT64_MAX);
}

TEST(Image, IsWhatAFileIsAfterAnyCallsOnIt) {
  // Against the simplest of all references: a string with a byte for each byte.
  std::mt19937 random(5);
  const auto up_to = [&random](unsigned most) {
    return static_cast<std::int64_t>(random() % (most + 1));
  };
  for (int round = 0; round < 2000; ++round) {
    File file;
    std::string expected;
    bool known_end = false;
    for (std::int64_t i = up_to(12); i >= 0; --i) {
      if (up_to(3) == 0) {
        const std::int64_t size = up_to(24);
        file.Resize(1, size);
        expected.resize(static_cast<std::size_t>(size), known_end ? '0' : 'E');
        known_end = true;
        continue;
      }
      const std::int64_t offset = up_to(20), size = 1 + up_to(8), captured = up_to(8);
      const std::string data(static_cast<std::size_t>(std::min(size, captured)),
                             static_cast<char>('a' + up_to(25)));
      file.Write(1, offset, data, size);
      if (static_cast<std::int64_t>(expected.size()) < offset) {
        expected.resize(static_cast<std::size_t>(offset), known_end ? '0' : 'E');
      }
      expected.resize(std::max(expected.size(), static_cast<std::size_t>(offset + size)));
      const std::string part =
          data + std::string(static_cast<std::size_t>(size) - data.size(), 'C');
      expected.replace(static_cast<std::size_t>(offset), part.size(), part);
    }
    ASSERT_EQ(file.Text(), expected) << "round " << round;
    EXPECT_EQ(file.Make().has_known_end(), known_end);
  }
}

TEST(Versions, OfAFileThatNobodyTouchedThereAreNone) {
  EXPECT_FALSE(VersionWalk({}).Next());
}

TEST(Versions, WhatWasReadBeforeAnyWriteIsVersionZero) {
  File file;
  file.Read(0, "old");
  file.Write(1, 1, "NE");
  VersionWalk walk(file.acts());
  ASSERT_TRUE(walk.Next());
  EXPECT_EQ(walk.version().version, 0);
  EXPECT_EQ(walk.version().until_wall_ns, 1);
  EXPECT_EQ(file.Text(walk.image()), "old");
  ASSERT_TRUE(walk.Next());
  EXPECT_EQ(walk.version().version, 1);
  EXPECT_EQ(walk.version().process_id, 1);
  EXPECT_EQ(file.Text(walk.image()), "oNE");
  EXPECT_FALSE(walk.Next());
}

TEST(Versions, WritesOfOneProcessAreOneAndOfAnotherTheNext) {
  File file;
  file.OpenForBoth(1);  // says nothing about what is in it
  file.Write(1, 0, "aa");
  file.Write(1, 2, "bb");
  file.Write(2, 1, "X");
  VersionWalk walk(file.acts());
  ASSERT_TRUE(walk.Next());
  EXPECT_EQ(walk.version().version, 1);
  EXPECT_EQ(file.Text(walk.image()), "aabb");
  ASSERT_TRUE(walk.Next());
  EXPECT_EQ(walk.version().process_id, 2);
  EXPECT_EQ(file.Text(walk.image()), "aXbb");
  EXPECT_FALSE(walk.Next());
}

TEST(Versions, AnEmptiedFileIsANewOneAlsoOfTheSameProcess) {
  File file;
  file.Write(1, 0, "abc");
  file.Resize(1, 0);
  file.Write(1, 0, "a");
  VersionWalk walk(file.acts());
  ASSERT_TRUE(walk.Next());
  EXPECT_FALSE(walk.image().has_known_end());
  ASSERT_TRUE(walk.Next());
  EXPECT_TRUE(walk.image().IsWhole());
  EXPECT_EQ(file.Text(walk.image()), "a");
  EXPECT_FALSE(walk.Next());
}

}  // namespace
}  // namespace spoor::contents
