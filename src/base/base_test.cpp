// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/base64.hpp"
#include "base/exists.hpp"
#include "base/exit_code.hpp"
#include "base/file.hpp"
#include "base/saturating.hpp"
#include "base/stable_id.hpp"
#include "base/time.hpp"
#include "base/wall_time_text.hpp"

namespace spoor {
namespace {

TEST(Saturating, EndsAtTheEndsOfItsType) {
  constexpr std::int64_t kMin = INT64_MIN;
  constexpr std::int64_t kMax = INT64_MAX;
  EXPECT_EQ(SaturatingAdd(kMax, std::int64_t{1}), kMax);
  EXPECT_EQ(SaturatingAdd(kMin, std::int64_t{-1}), kMin);
  EXPECT_EQ(SaturatingAdd(kMin, kMax), -1);
  EXPECT_EQ(SaturatingSub(kMax, std::int64_t{-1}), kMax);
  EXPECT_EQ(SaturatingSub(kMin, std::int64_t{1}), kMin);
  EXPECT_EQ(SaturatingSub(std::int64_t{0}, kMin), kMax);
  EXPECT_EQ(SaturatingMul(kMax, std::int64_t{2}), kMax);
  EXPECT_EQ(SaturatingMul(kMax, std::int64_t{-2}), kMin);
  EXPECT_EQ(SaturatingMul(kMin, std::int64_t{-1}), kMax);
  EXPECT_EQ(SaturatingMul(std::int64_t{-6}, std::int64_t{7}), -42);
  EXPECT_EQ(SaturatingAdd(UINT64_MAX, std::uint64_t{1}), UINT64_MAX);
  EXPECT_EQ(SaturatingSub(std::uint64_t{1}, std::uint64_t{2}), 0U);
  EXPECT_EQ(SaturatingMul(UINT64_MAX, std::uint64_t{2}), UINT64_MAX);
  EXPECT_EQ(Saturated<std::int64_t>(UINT64_MAX), kMax);
  EXPECT_EQ(Saturated<std::uint64_t>(kMin), 0U);
  EXPECT_EQ(Saturated<std::int64_t>(std::uint64_t{7}), 7);
}

TEST(Time, FormatsAndParsesTheSameInstant) {
  for (const std::int64_t wall_ns :
       {0LL, 1LL, -1LL, 1'795'293'095'000'000'001LL, 4'102'444'799'999'999'999LL}) {
    EXPECT_EQ(*ParseWallTime(FormatWallTime(wall_ns), 0), wall_ns);
  }
  EXPECT_EQ(FormatWallTime(1'795'293'095'000'000'001LL), "2026-11-21T20:31:35.000000001Z");
}

TEST(Time, UnderstandsOffsetsAndRelativeTimes) {
  EXPECT_EQ(*ParseWallTime("2026-11-21 21:31:35+01:00", 0),
            *ParseWallTime("2026-11-21T20:31:35Z", 0));
  EXPECT_EQ(*ParseWallTime("-1h30m", 5'400'000'000'000), 0);
  EXPECT_EQ(*ParseWallTime("now", 7), 7);
}

TEST(Time, TellsOpenEndsFromTimes) {
  EXPECT_EQ(WallTimeText(INT64_MAX), "open");
  EXPECT_EQ(WallTimeText(INT64_MAX - 1'000'000'000'000), "open") << "shifted, still no time";
  EXPECT_EQ(WallTimeText(INT64_MIN), "beginning");
  EXPECT_EQ(WallTimeText(0), "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(WallSpanText(INT64_MIN, INT64_MAX), "from the beginning to an open end");
}

TEST(Time, ReadsWhatIsPrinted) {
  for (const std::int64_t wall_ns :
       {std::int64_t{0}, std::int64_t{1'795'293'095'000'000'001}, INT64_MAX, INT64_MIN + 1}) {
    EXPECT_EQ(*ParseWallTime(WallTimeText(wall_ns), 5), wall_ns);
  }
  EXPECT_EQ(*ParseWallTime("1795293095000000001", 5), 1'795'293'095'000'000'001) << "as in JSON";
}

TEST(Time, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "yesterday", "2026-13-01", "2026-02-30", "-", "-5x", "12:00", "9223372036854775808",
        "12x", "2026-11-21T25:00:00Z", "2026-11-21T20:31:35Zx"}) {
    const auto result = ParseWallTime(text, 0);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(ParseDuration("99999999999999999999s"));
  EXPECT_FALSE(ParseDuration("9223372036854775807d"));
}

TEST(StableId, DependsOnEveryPartAndOnNothingElse) {
  const auto id = [](std::string_view kind, std::uint64_t a, std::string_view b) {
    return StableIdBuilder(kind).Add(a).Add(b).Build();
  };
  EXPECT_EQ(id("process", 1, "a"), id("process", 1, "a"));
  EXPECT_NE(id("process", 1, "a"), id("object", 1, "a"));
  EXPECT_NE(id("process", 1, "a"), id("process", 2, "a"));
  EXPECT_NE(id("process", 1, "a"), id("process", 1, "b"));
  EXPECT_GT(id("process", 1, "a"), 0);
  // Pinned: ids are written into stores and permalinks, so a change of the function is a break.
  EXPECT_EQ(id("process", 1, "a"), 2732795343452261995LL);
}

TEST(File, ReplacesAtomicallyAndReadsBack) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("spoor-base-test-{}", ::getpid());
  ASSERT_TRUE(CreateFolders(folder));
  const auto path = folder / "file";
  ASSERT_TRUE(WriteFileAtomically(path, AsBytes("first")));
  ASSERT_TRUE(WriteFileAtomically(path, AsBytes("second")));
  EXPECT_EQ(*ReadTextFile(path, 100), "second");
  EXPECT_EQ(ReadTextFile(path, 3).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(ReadTextFile(folder / "none", 3).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1);
  std::filesystem::remove_all(folder);
}

TEST(File, SaysWhereItCannotTellWhetherThereIsAFile) {
  EXPECT_TRUE(*Exists("/"));
  EXPECT_FALSE(*Exists("/none/none"));
  EXPECT_EQ(Exists("/" + std::string(300, 'x')).error().code, ErrorCode::kIo);
}

TEST(File, ReportsAFullDisk) {
  const auto full = OpenFile("/dev/full", O_WRONLY);
  ASSERT_TRUE(full);
  const auto result = WriteAll(full->get(), AsBytes("x"), "/dev/full");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "/dev/full: cannot write: No space left on device");
}

TEST(Base64, EncodesTheVectorsOfRfc4648AndDecodesThemBack) {
  const std::pair<std::string, std::string> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"},
                                                         {"\xff\xfe", "//4="}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(ToBase64(bytes), text);
    EXPECT_EQ(FromBase64(text), bytes);
  }
}

TEST(Base64, RefusesEveryOtherSpelling) {
  for (const char* text : {"Zg", "Zg=", "Zh==", "Z===", "====", "Zm9v\n", "Zm9v Zg==", "Z-8="}) {
    EXPECT_EQ(FromBase64(text), std::nullopt) << text;
  }
}

TEST(ExitCode, KeepsUnverifiedApartFromEverythingElse) {
  EXPECT_EQ(ExitCodeOf({ErrorCode::kUnverified, ""}), ExitCode::kUnverified);
  EXPECT_EQ(ExitCodeOf({ErrorCode::kInvalidArgument, ""}), ExitCode::kUsage);
  for (const ErrorCode code : {ErrorCode::kNotFound, ErrorCode::kCorrupt, ErrorCode::kIo,
                               ErrorCode::kUnavailable, ErrorCode::kUnsupported}) {
    EXPECT_EQ(ExitCodeOf({code, ""}), ExitCode::kCannotRun);
  }
}

}  // namespace
}  // namespace spoor
