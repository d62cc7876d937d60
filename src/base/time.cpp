// SPDX-License-Identifier: Apache-2.0
#include "base/time.hpp"

#include <charconv>
#include <chrono>
#include <ctime>
#include <limits>
#include <optional>

#include "base/saturating.hpp"
#include "base/wall_time_text.hpp"

namespace spoor {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

std::int64_t ClockNow(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * kNsPerSecond + now.tv_nsec;
}

/// Takes exactly `digits` decimal digits off the front of `text`.
std::optional<int> TakeDigits(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digits, value);
  if (error != std::errc() || end != text.data() + digits || text[0] == '-') return std::nullopt;
  text.remove_prefix(digits);
  return value;
}

bool TakeChar(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::int64_t> ParseRfc3339(std::string_view text) {
  const auto year = TakeDigits(text, 4);
  if (!year || !TakeChar(text, "-")) return std::nullopt;
  const auto month = TakeDigits(text, 2);
  if (!month || !TakeChar(text, "-")) return std::nullopt;
  const auto day = TakeDigits(text, 2);
  if (!day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *year < kYearMin || *year > kYearMax) return std::nullopt;
  std::int64_t seconds = std::chrono::sys_days(date).time_since_epoch().count() * 86400LL;
  std::int64_t fraction_ns = 0;
  if (!text.empty()) {
    if (!TakeChar(text, "Tt ")) return std::nullopt;
    const auto hour = TakeDigits(text, 2);
    if (!hour || *hour > 23 || !TakeChar(text, ":")) return std::nullopt;
    const auto minute = TakeDigits(text, 2);
    if (!minute || *minute > 59) return std::nullopt;
    int second = 0;
    if (TakeChar(text, ":")) {
      const auto value = TakeDigits(text, 2);
      if (!value || *value > 60) return std::nullopt;
      second = *value;
      if (TakeChar(text, ".")) {
        std::int64_t unit_ns = kNsPerSecond;
        bool any = false;
        while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
          unit_ns /= 10;
          fraction_ns += (text[0] - '0') * unit_ns;
          text.remove_prefix(1);
          any = true;
        }
        if (!any) return std::nullopt;
      }
    }
    seconds += *hour * 3600 + *minute * 60 + second;
    if (!TakeChar(text, "Zz") && !text.empty()) {
      const std::int64_t sign = text[0] == '-' ? -1 : 1;
      if (!TakeChar(text, "+-")) return std::nullopt;
      const auto offset_hour = TakeDigits(text, 2);
      if (!offset_hour || *offset_hour > 23) return std::nullopt;
      TakeChar(text, ":");
      const auto offset_minute = TakeDigits(text, 2);
      if (!offset_minute || *offset_minute > 59) return std::nullopt;
      seconds -= sign * (*offset_hour * 3600 + *offset_minute * 60);
    }
  }
  if (!text.empty()) return std::nullopt;
  return seconds * kNsPerSecond + fraction_ns;
}

}  // namespace

std::int64_t WallNow() {
  return ClockNow(CLOCK_REALTIME);
}
std::uint64_t BootNow() {
  return static_cast<std::uint64_t>(ClockNow(CLOCK_BOOTTIME));
}

std::string FormatWallTime(std::int64_t wall_ns) {
  std::int64_t seconds = wall_ns / kNsPerSecond;
  std::int64_t fraction_ns = wall_ns % kNsPerSecond;
  if (fraction_ns < 0) {
    fraction_ns += kNsPerSecond;
    --seconds;
  }
  const auto whole = static_cast<std::time_t>(seconds);
  std::tm parts{};
  gmtime_r(&whole, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     fraction_ns);
}

Result<std::int64_t> ParseDuration(std::string_view text) {
  const std::string_view whole = text;
  std::int64_t total_ns = 0;
  if (text.empty()) return Fail(ErrorCode::kInvalidArgument, "empty duration");
  while (!text.empty()) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || text[0] == '-') {
      return Fail(ErrorCode::kInvalidArgument, "'{}' is not a duration such as 90s or 1h30m",
                  whole);
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    const std::size_t unit_length = text.find_first_of("0123456789");
    const std::string_view unit = text.substr(0, unit_length);
    std::int64_t unit_ns = 0;
    if (unit == "ns") unit_ns = 1;
    if (unit == "us") unit_ns = 1'000;
    if (unit == "ms") unit_ns = 1'000'000;
    if (unit == "s" || unit.empty()) unit_ns = kNsPerSecond;
    if (unit == "m") unit_ns = 60 * kNsPerSecond;
    if (unit == "h") unit_ns = 3600 * kNsPerSecond;
    if (unit == "d") unit_ns = 86400 * kNsPerSecond;
    std::int64_t part_ns = 0;
    if (unit_ns == 0 || __builtin_mul_overflow(value, unit_ns, &part_ns) ||
        __builtin_add_overflow(total_ns, part_ns, &total_ns)) {
      return Fail(ErrorCode::kInvalidArgument, "'{}' is not a duration such as 90s or 1h30m",
                  whole);
    }
    text.remove_prefix(unit.size());
  }
  return total_ns;
}

Result<std::int64_t> ParseWallTime(std::string_view text, std::int64_t now_wall_ns) {
  if (text == "now") return now_wall_ns;
  if (text == "open") return INT64_MAX;
  if (text == "beginning") return INT64_MIN + 1;  // which SQL can spell
  std::int64_t whole_ns = 0;
  const char* const text_end = text.data() + text.size();
  const auto [number_end, error] = std::from_chars(text.data(), text_end, whole_ns);
  if (error == std::errc() && number_end == text_end && whole_ns >= 0) return whole_ns;
  if (text.starts_with('-')) {
    ASSIGN_OR_RETURN(const std::int64_t before_ns, ParseDuration(text.substr(1)));
    return SaturatingSub(now_wall_ns, before_ns);
  }
  if (const auto wall_ns = ParseRfc3339(text)) return *wall_ns;
  return Fail(ErrorCode::kInvalidArgument,
              "'{}' is not a time: give RFC 3339 (2026-11-21T20:31:35Z) or -15m", text);
}

}  // namespace spoor
