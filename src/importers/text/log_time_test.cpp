// SPDX-License-Identifier: Apache-2.0
#include "importers/text/log_time.hpp"

#include <gmock/gmock.h>

#include "base/time.hpp"

namespace spoor::importers {
namespace {

std::string Shown(std::optional<std::int64_t> wall_ns) {
  return wall_ns ? FormatWallTime(*wall_ns) : "none";
}

TEST(LogTime, ReadsIsoTimesInTheirZone) {
  EXPECT_EQ(Shown(ParseIsoTime("2011-08-12T14:52:57.716360+0200", {})),
            "2011-08-12T12:52:57.716360000Z");
  EXPECT_EQ(Shown(ParseIsoTime("2011-08-12 14:52:57,5-01:30", {})),
            "2011-08-12T16:22:57.500000000Z");
  EXPECT_EQ(Shown(ParseIsoTime("1969-12-31T23:59:59.6Z", {})), "1969-12-31T23:59:59.600000000Z");
}

TEST(LogTime, TakesATimeWithoutAZoneAsItIsTold) {
  constexpr std::int64_t kHourNs = 3'600'000'000'000;
  EXPECT_EQ(Shown(ParseIsoTime("2024-02-29T00:30:00", {})), "2024-02-29T00:30:00.000000000Z");
  EXPECT_EQ(Shown(ParseIsoTime("2024-02-29T00:30:00", {.year = {}, .utc_offset_ns = kHourNs})),
            "2024-02-28T23:30:00.000000000Z");
}

TEST(LogTime, RefusesDatesThatAreNone) {
  for (const char* text : {"2023-02-29T00:00:00Z", "2023-13-01T00:00:00Z", "2023-01-01T24:00:00Z",
                           "2023-01-01", "", "2023-01-01T00:00:00+99", "9999-01-01T00:00:00Z"}) {
    EXPECT_EQ(ParseIsoTime(text, {}), std::nullopt) << text;
  }
}

TEST(LogTime, ReadsEpochsToTheNanosecond) {
  EXPECT_EQ(ParseEpochTime("1521911720.600843"), 1521911720600843000);
  EXPECT_EQ(ParseEpochTime("1521911720"), 1521911720000000000);
  EXPECT_EQ(ParseEpochTime("-0.4"), -400000000);
  EXPECT_EQ(ParseEpochTime("1.5e9"), 1500000000000000000);
  for (const char* text : {"", "-", "--1", "1x", "1.2.3", "99999999999999999999", "nan", "1e300"}) {
    EXPECT_EQ(ParseEpochTime(text), std::nullopt) << text;
  }
}

TEST(LogTime, GoesOnIntoTheNextYear) {
  YearKeeper years({.year = 2023, .utc_offset_ns = 0});
  std::string_view rest;
  EXPECT_EQ(Shown(years.ParseSyslogTime("Dec 31 23:59:59 host x", rest)),
            "2023-12-31T23:59:59.000000000Z");
  EXPECT_EQ(rest, " host x");
  EXPECT_EQ(Shown(years.ParseSyslogTime("Jan  1 00:00:01 host x", rest)),
            "2024-01-01T00:00:01.000000000Z");
  EXPECT_EQ(Shown(years.ParseSyslogTime("Jan 1 00:00:01 host x", rest)),
            "2024-01-01T00:00:01.000000000Z");
  // One that comes late is of the year before.
  EXPECT_EQ(Shown(years.ParseSyslogTime("Dec 31 23:59:58 host x", rest)),
            "2023-12-31T23:59:58.000000000Z");
  EXPECT_EQ(Shown(years.ParseSyslogTime("Jan  2 00:00:00 host x", rest)),
            "2024-01-02T00:00:00.000000000Z");
}

TEST(LogTime, ReadsTheTimesOfSnortWithAndWithoutAYear) {
  YearKeeper years({.year = 2017, .utc_offset_ns = 0});
  EXPECT_EQ(Shown(years.ParseSnortTime("11/27-13:01:46.385525")), "2017-11-27T13:01:46.385525000Z");
  EXPECT_EQ(Shown(years.ParseSnortTime("11/27/19-13:01:46.385525")),
            "2019-11-27T13:01:46.385525000Z");
  EXPECT_EQ(Shown(years.ParseSnortTime("11/27/2021-13:01:46")), "2021-11-27T13:01:46.000000000Z");
  EXPECT_EQ(YearKeeper({}).ParseSnortTime("11/27-13:01:46.385525"), std::nullopt);
}

TEST(LogTime, ReadsAccessLogsAndSlashedTimes) {
  EXPECT_EQ(Shown(ParseAccessLogTime("10/Oct/2000:13:55:36 -0700", {})),
            "2000-10-10T20:55:36.000000000Z");
  EXPECT_EQ(Shown(ParseSlashedTime("2026/11/26 22:17:44", {})), "2026-11-26T22:17:44.000000000Z");
}

}  // namespace
}  // namespace spoor::importers
