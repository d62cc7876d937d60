// SPDX-License-Identifier: Apache-2.0
#include "importers/text/log_time.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "base/saturating.hpp"
#include "event/number_range.hpp"

namespace spoor::importers {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::int64_t kSecondsPerDay = 86400;

bool IsDigit(char letter) {
  return letter >= '0' && letter <= '9';
}

/// Takes `count` digits.
bool TakeNumber(std::string_view& text, std::size_t count, int& value) {
  if (text.size() < count) return false;
  value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!IsDigit(text[i])) return false;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool TakeLetter(std::string_view& text, char letter) {
  if (text.empty() || text.front() != letter) return false;
  text.remove_prefix(1);
  return true;
}

// Days from 1970-01-01 in the Gregorian calendar, by eras of 400 years that begin in March.
std::int64_t DaysOf(int year, int month, int day) {
  const int shifted_year = month <= 2 ? year - 1 : year;
  const int era = (shifted_year >= 0 ? shifted_year : shifted_year - 399) / 400;
  const int year_of_era = shifted_year - era * 400;
  const int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return std::int64_t{era} * 146097 + day_of_era - 719468;
}

bool IsDate(int year, int month, int day) {
  constexpr std::array kDays{31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  if (day > kDays[static_cast<std::size_t>(month - 1)]) return false;
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month != 2 || day <= 28 || leap;
}

/// Digits behind the point as ns; more than nine are cut off.
std::int64_t TakeFraction(std::string_view& text) {
  std::int64_t ns = 0;
  std::int64_t digit_ns = kNsPerSecond / 10;
  for (; !text.empty() && IsDigit(text.front()); text.remove_prefix(1), digit_ns /= 10) {
    ns += (text.front() - '0') * digit_ns;
  }
  return ns;
}

/// "14:52:57.716360": ns since midnight. A leap second is the end of its minute.
std::optional<std::int64_t> TakeClock(std::string_view& text) {
  int hour = 0, minute = 0, second = 0;
  if (!TakeNumber(text, 2, hour) || !TakeLetter(text, ':') || !TakeNumber(text, 2, minute) ||
      !TakeLetter(text, ':') || !TakeNumber(text, 2, second) || hour > 23 || minute > 59 ||
      second > 60) {
    return std::nullopt;
  }
  std::int64_t ns = (std::int64_t{hour} * 3600 + minute * 60 + second) * kNsPerSecond;
  if (!text.empty() && (text.front() == '.' || text.front() == ',') && text.size() > 1 &&
      IsDigit(text[1])) {
    text.remove_prefix(1);
    ns += TakeFraction(text);
  }
  return ns;
}

/// Local time minus UTC: "Z", "+02:00", "+0200", "+02"; none: as `reading` says.
std::optional<std::int64_t> TakeZone(std::string_view text, const TimeReading& reading) {
  if (text.empty()) return reading.utc_offset_ns;
  if (text == "Z" || text == "z" || text == "UTC" || text == "GMT") return 0;
  const bool west = text.front() == '-';
  if (!west && text.front() != '+') return std::nullopt;
  text.remove_prefix(1);
  int hours = 0, minutes = 0;
  if (!TakeNumber(text, 2, hours)) return std::nullopt;
  if (!text.empty()) {
    if (text.front() == ':') text.remove_prefix(1);
    if (!TakeNumber(text, 2, minutes)) return std::nullopt;
  }
  if (!text.empty() || hours > 18 || minutes > 59) return std::nullopt;
  const std::int64_t offset_ns = (std::int64_t{hours} * 3600 + minutes * 60) * kNsPerSecond;
  return west ? -offset_ns : offset_ns;
}

std::optional<std::int64_t> Moment(int year, int month, int day, std::int64_t clock_ns,
                                   std::int64_t utc_offset_ns) {
  if (!IsDate(year, month, day)) return std::nullopt;
  const std::int64_t wall_ns = SaturatingSub(
      SaturatingAdd(SaturatingMul(DaysOf(year, month, day) * kSecondsPerDay, kNsPerSecond),
                    clock_ns),
      utc_offset_ns);
  return event::IsPossibleWallTime(wall_ns) ? std::optional(wall_ns) : std::nullopt;
}

}  // namespace

int MonthOf(std::string_view name) {
  constexpr std::array<std::string_view, 12> kNames{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<int>(i) + 1;
  }
  return 0;
}

std::optional<std::int64_t> ParseIsoTime(std::string_view text, const TimeReading& reading) {
  int year = 0, month = 0, day = 0;
  if (!TakeNumber(text, 4, year) || !TakeLetter(text, '-') || !TakeNumber(text, 2, month) ||
      !TakeLetter(text, '-') || !TakeNumber(text, 2, day)) {
    return std::nullopt;
  }
  if (!TakeLetter(text, 'T') && !TakeLetter(text, ' ') && !TakeLetter(text, 't')) {
    return std::nullopt;
  }
  const auto clock_ns = TakeClock(text);
  if (!clock_ns) return std::nullopt;
  if (text.starts_with(' ')) text.remove_prefix(1);
  const auto zone_ns = TakeZone(text, reading);
  if (!zone_ns) return std::nullopt;
  return Moment(year, month, day, *clock_ns, *zone_ns);
}

std::optional<std::int64_t> ParseSeconds(std::string_view text) {
  if (text.find_first_of("eE") != std::string_view::npos) {
    double seconds = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (error != std::errc{} || end != text.data() + text.size() || !(std::fabs(seconds) < 4e9)) {
      return std::nullopt;
    }
    return static_cast<std::int64_t>(seconds * 1e9);
  }
  const bool negative = TakeLetter(text, '-');
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || seconds < 0 || text.front() == '-') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  std::int64_t fraction_ns = 0;
  if (TakeLetter(text, '.')) fraction_ns = TakeFraction(text);
  if (!text.empty()) return std::nullopt;
  const std::int64_t ns = SaturatingAdd(SaturatingMul(seconds, kNsPerSecond), fraction_ns);
  return negative ? -ns : ns;
}

std::optional<std::int64_t> ParseEpochTime(std::string_view text) {
  const auto ns = ParseSeconds(text);
  return ns && event::IsPossibleWallTime(*ns) ? ns : std::nullopt;
}

std::optional<std::int64_t> DayKeeper::ParseClock(std::string_view text) {
  constexpr std::int64_t kHalfDayNs = 43'200'000'000'000;
  const auto clock_ns = TakeClock(text);
  if (!clock_ns || !text.empty() || !reading_.day_wall_ns) return std::nullopt;
  if (*clock_ns < last_ns_ - kHalfDayNs) *reading_.day_wall_ns += 2 * kHalfDayNs;
  // A line that comes late, behind the first of the next day.
  const bool late = *clock_ns > last_ns_ + kHalfDayNs && last_ns_ != 0;
  if (!late) last_ns_ = *clock_ns;
  const std::int64_t wall_ns =
      *reading_.day_wall_ns - (late ? 2 * kHalfDayNs : 0) + *clock_ns - reading_.utc_offset_ns;
  return event::IsPossibleWallTime(wall_ns) ? std::optional(wall_ns) : std::nullopt;
}

std::optional<std::int64_t> YearKeeper::At(int month, int day, std::string_view clock) {
  const auto clock_ns = TakeClock(clock);
  if (!clock_ns || !clock.empty() || !reading_.year) return std::nullopt;
  if (last_month_ != 0 && month + 6 < last_month_) ++*reading_.year;
  // A line of December that comes late, behind lines of January, is of the year before.
  const bool late = last_month_ != 0 && month > last_month_ + 6;
  const auto moment =
      Moment(*reading_.year - (late ? 1 : 0), month, day, *clock_ns, reading_.utc_offset_ns);
  if (moment && !late) last_month_ = month;
  return moment;
}

std::optional<std::int64_t> YearKeeper::ParseSyslogTime(std::string_view text,
                                                        std::string_view& rest) {
  const int month = MonthOf(text.substr(0, 3));
  if (month == 0) return std::nullopt;
  text.remove_prefix(3);
  int day = 0;
  if (!TakeLetter(text, ' ')) return std::nullopt;
  static_cast<void>(TakeLetter(text, ' '));
  if (!TakeNumber(text, 2, day) && !TakeNumber(text, 1, day)) return std::nullopt;
  if (!TakeLetter(text, ' ')) return std::nullopt;
  const std::size_t end = std::min(text.find(' '), text.size());
  std::string_view clock = text.substr(0, end);
  if (clock.ends_with(':')) clock.remove_suffix(1);
  rest = text.substr(end);
  return At(month, day, clock);
}

std::optional<std::int64_t> YearKeeper::ParseSnortTime(std::string_view text) {
  int month = 0, day = 0, year = 0;
  if (!TakeNumber(text, 2, month) || !TakeLetter(text, '/') || !TakeNumber(text, 2, day)) {
    return std::nullopt;
  }
  if (TakeLetter(text, '-')) return At(month, day, text);
  if (!TakeLetter(text, '/')) return std::nullopt;
  const std::size_t dash = text.find('-');
  if (dash == 4) {
    if (!TakeNumber(text, 4, year)) return std::nullopt;
  } else if (dash == 2) {
    if (!TakeNumber(text, 2, year)) return std::nullopt;
    year += 2000;
  }
  if (!TakeLetter(text, '-')) return std::nullopt;
  const auto clock_ns = TakeClock(text);
  if (!clock_ns || !text.empty()) return std::nullopt;
  return Moment(year, month, day, *clock_ns, reading_.utc_offset_ns);
}

std::optional<std::int64_t> ParseAccessLogTime(std::string_view text, const TimeReading& reading) {
  int day = 0, year = 0;
  if (!TakeNumber(text, 2, day) || !TakeLetter(text, '/') || text.size() < 4) return std::nullopt;
  const int month = MonthOf(text.substr(0, 3));
  text.remove_prefix(3);
  if (!TakeLetter(text, '/') || !TakeNumber(text, 4, year) || !TakeLetter(text, ':')) {
    return std::nullopt;
  }
  const auto clock_ns = TakeClock(text);
  if (!clock_ns) return std::nullopt;
  if (text.starts_with(' ')) text.remove_prefix(1);
  const auto zone_ns = TakeZone(text, reading);
  return zone_ns ? Moment(year, month, day, *clock_ns, *zone_ns) : std::nullopt;
}

std::optional<std::int64_t> ParseSlashedTime(std::string_view text, const TimeReading& reading) {
  int year = 0, month = 0, day = 0;
  if (!TakeNumber(text, 4, year) || !TakeLetter(text, '/') || !TakeNumber(text, 2, month) ||
      !TakeLetter(text, '/') || !TakeNumber(text, 2, day) || !TakeLetter(text, ' ')) {
    return std::nullopt;
  }
  const auto clock_ns = TakeClock(text);
  if (!clock_ns || !text.empty()) return std::nullopt;
  return Moment(year, month, day, *clock_ns, reading.utc_offset_ns);
}

}  // namespace spoor::importers
