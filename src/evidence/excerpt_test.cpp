// SPDX-License-Identifier: Apache-2.0
#include "evidence/excerpt.hpp"

#include <gmock/gmock.h>

#include "base/file.hpp"
#include "evidence/log_test_support.hpp"

namespace spoor::evidence {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kSize = 600;  // three bundles, the last incomplete

ByteSource SourceOf(std::string_view bytes) {
  return [bytes](std::span<std::byte> buffer) mutable -> Result<std::size_t> {
    // Small reads of uneven length, so that numbers and entries lie across them.
    const std::size_t count = std::min({buffer.size(), bytes.size(), std::size_t{13}});
    std::copy_n(AsBytes(bytes).begin(), count, buffer.begin());
    bytes.remove_prefix(count);
    return count;
  };
}

class ExcerptTest : public testing::Test {
 protected:
  ExcerptTest() { store_.Fill(kSize); }

  std::unique_ptr<LogReader> Open() const {
    auto log = LogReader::Open(store_.folder(), store_.verifier_key());
    EXPECT_TRUE(log) << log.error().message;
    return std::move(*log);
  }
  std::string Write(const std::vector<EntryRange>& ranges) const {
    std::string bytes;
    const auto report = WriteExcerpt(*Open(), ranges, [&](std::span<const std::byte> part) {
      bytes += AsText(part);
      return Result<>();
    });
    EXPECT_TRUE(report) << report.error().message;
    return bytes;
  }
  VerifierKey Key() const { return *VerifierKey::Parse(store_.verifier_key()); }
  Result<ExcerptReport> Read(std::string_view bytes,
                             std::vector<std::uint64_t>* indices = nullptr) const {
    return ReadExcerpt(
        SourceOf(bytes), Key(),
        {.range = {}, .entry = [&](std::uint64_t index, std::span<const std::byte> entry) {
           if (indices != nullptr) {
             indices->push_back(index);
             EXPECT_EQ(AsText(entry), AsText(TestEntry(index)));
           }
           return Result<>();
         }});
  }

  TestStore store_;
};

TEST_F(ExcerptTest, ProvesTheEntriesThatWereChosen) {
  const std::vector<std::vector<EntryRange>> choices{{},
                                                     {{0, kSize}},
                                                     {{0, 1}},
                                                     {{kSize - 1, kSize}},
                                                     {{3, 4}, {7, 9}, {255, 257}, {599, 600}},
                                                     {{100, 600}},
                                                     {{0, 512}}};
  for (const std::vector<EntryRange>& ranges : choices) {
    std::vector<std::uint64_t> wanted;
    for (const EntryRange& range : ranges) {
      for (std::uint64_t i = range.begin; i < range.end; ++i) wanted.push_back(i);
    }
    std::vector<std::uint64_t> indices;
    const auto report = Read(Write(ranges), &indices);
    ASSERT_TRUE(report) << report.error().message;
    EXPECT_EQ(indices, wanted);
    EXPECT_EQ(RangesOf(indices), ranges);
    EXPECT_EQ(report->entry_count, wanted.size());
    EXPECT_EQ(report->checkpoint.size, kSize);
  }
}

TEST_F(ExcerptTest, RefusesEveryFlippedByteAndEveryTruncation) {
  const std::string good = Write({{3, 5}, {9, 10}});
  ASSERT_TRUE(Read(good));
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    const auto report = Read(bad);
    ASSERT_FALSE(report) << "byte " << at;
    EXPECT_EQ(report.error().code, ErrorCode::kUnverified) << report.error().message;
    const auto cut = Read(std::string_view(good).substr(0, at));
    ASSERT_FALSE(cut) << "cut at " << at;
    EXPECT_EQ(cut.error().code, ErrorCode::kUnverified) << cut.error().message;
  }
  EXPECT_FALSE(Read(good + "x"));
}

TEST_F(ExcerptTest, NamesAForeignEntry) {
  std::string bytes = Write({{41, 42}});
  const std::size_t at = bytes.rfind("41x");
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at, 2, "42");
  const auto report = Read(bytes);
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().message, HasSubstr("entry 41 is not in the signed log"));
}

TEST_F(ExcerptTest, RefusesAnotherKey) {
  const TestStore other;
  other.Fill(1);
  const auto report = ReadExcerpt(SourceOf(Write({{0, 1}})),
                                  *VerifierKey::Parse(other.verifier_key()), ExcerptVisitor());
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().message, HasSubstr("not signed by"));
}

TEST_F(ExcerptTest, KeepsTheSignaturesOfWitnesses) {
  const auto path = store_.folder() / "checkpoint";
  const std::string note = *ReadTextFile(path, 4096);
  const std::string line = "\u2014 witness.example AAAAAAAAAAA=\n";
  ASSERT_TRUE(WriteFileAtomically(path, AsBytes(note + line)));
  const std::string bytes = Write({{0, 1}});
  const auto report = Read(bytes);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->checkpoint.other_signatures, 1U);
  EXPECT_EQ(report->checkpoint.note, note + line);
}

TEST_F(ExcerptTest, RefusesRangesThatTheLogDoesNotHave) {
  const auto log = Open();
  const auto sink = [](std::span<const std::byte>) { return Result<>(); };
  for (const std::vector<EntryRange>& ranges : std::vector<std::vector<EntryRange>>{
           {{0, kSize + 1}}, {{5, 5}}, {{7, 9}, {8, 10}}, {{7, 9}, {1, 2}}}) {
    const auto report = WriteExcerpt(*log, ranges, sink);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(Excerpt, RangesOfJoinsWhatIsSideBySide) {
  const std::vector<std::uint64_t> indices{1, 2, 3, 7, 9, 10};
  EXPECT_THAT(RangesOf(indices),
              ElementsAre(EntryRange{1, 4}, EntryRange{7, 8}, EntryRange{9, 11}));
}

}  // namespace
}  // namespace spoor::evidence
