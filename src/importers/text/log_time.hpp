// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

/// Times as logs write them, to ns since 1970 UTC. None: it is no such time, or outside of what
/// event/number_range.hpp allows.
namespace spoor::importers {

/// How times that leave something out are meant.
struct TimeReading {
  std::optional<int> year{};       ///< of the first line of a log without years
  std::int64_t utc_offset_ns = 0;  ///< of a log without a zone: local time minus UTC
  /// Midnight of the first line's day as if it were UTC, of a log without dates.
  std::optional<std::int64_t> day_wall_ns{};
};

/// "2011-08-12T14:52:57.716360+0200": space or T between, fraction of up to 9 digits behind . or ,
/// (more are cut off), zone Z, +hh:mm, +hhmm or none.
std::optional<std::int64_t> ParseIsoTime(std::string_view text, const TimeReading& reading);

/// "1521911720.600843" exactly, also below 0, and with an exponent ("1.5e9", approximately).
std::optional<std::int64_t> ParseEpochTime(std::string_view text);
/// Seconds of the same form as a difference in ns.
std::optional<std::int64_t> ParseSeconds(std::string_view text);

/// Follows a log whose lines have no year: each begins in the year of the line before, or in the
/// next when the month goes far back. Not thread-safe.
class YearKeeper {
 public:
  explicit YearKeeper(const TimeReading& reading) : reading_(reading) {}
  bool has_year() const { return reading_.year.has_value(); }

  /// "Nov 26 22:17:44", also with a fraction. Sets `rest` behind it.
  std::optional<std::int64_t> ParseSyslogTime(std::string_view text, std::string_view& rest);
  /// "11/26-22:17:44.716360", "11/26/26-…" or "11/26/2026-…": Snort and Suricata.
  std::optional<std::int64_t> ParseSnortTime(std::string_view text);

 private:
  std::optional<std::int64_t> At(int month, int day, std::string_view clock);

  TimeReading reading_;
  int last_month_ = 0;
};

/// "10/Oct/2000:13:55:36 -0700".
std::optional<std::int64_t> ParseAccessLogTime(std::string_view text, const TimeReading& reading);
/// "2026/11/26 22:17:44".
std::optional<std::int64_t> ParseSlashedTime(std::string_view text, const TimeReading& reading);

/// Follows a log whose lines have no date: each is of the day of the line before, or of the next
/// where the clock goes far back. Not thread-safe.
class DayKeeper {
 public:
  explicit DayKeeper(const TimeReading& reading) : reading_(reading) {}
  bool has_day() const { return reading_.day_wall_ns.has_value(); }

  /// "23:40:09.161030503". None: it is no such time, or there is no day.
  std::optional<std::int64_t> ParseClock(std::string_view text);

 private:
  TimeReading reading_;
  std::int64_t last_ns_ = 0;  // since midnight
};

/// 1 to 12 of "Jan" to "Dec"; 0: none.
int MonthOf(std::string_view name);

}  // namespace spoor::importers
