// SPDX-License-Identifier: Apache-2.0
#include "importers/syslog/syslog_line.hpp"

#include <fmt/format.h>

#include "importers/text/fields.hpp"

namespace spoor::importers {
namespace {

std::string_view NotNil(std::string_view word) {
  return word == "-" ? std::string_view() : word;
}

/// Cuts off "[id key="value" …]…", in which ] and " may be escaped.
void SkipStructuredData(std::string_view& text) {
  while (text.starts_with('[')) {
    bool quoted = false;
    std::size_t i = 1;
    for (; i < text.size() && (quoted || text[i] != ']'); ++i) {
      if (text[i] == '\\') {
        ++i;
      } else if (text[i] == '"') {
        quoted = !quoted;
      }
    }
    text.remove_prefix(std::min(i + 1, text.size()));
  }
}

SyslogForm ParseNew(std::string_view text, const TimeReading& reading, SyslogLine& line) {
  const std::string_view time = TakeUntil(text, " ");
  if (time != "-") {
    line.wall_ns = ParseIsoTime(time, reading);
    if (!line.wall_ns) return SyslogForm::kNone;
  }
  line.host = NotNil(TakeUntil(text, " "));
  line.program = NotNil(TakeUntil(text, " "));
  TakeUntil(text, " ");  // process
  TakeUntil(text, " ");  // message id
  if (text.starts_with('-')) {
    text.remove_prefix(1);
  } else {
    SkipStructuredData(text);
  }
  text = Trim(text);
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  line.message = text;
  return SyslogForm::kLine;
}

/// An ISO time, or what journalctl writes with -o short-unix ("1700000000.123456") and short-full
/// ("Tue 2023-11-14 22:13:20 UTC").
std::optional<std::int64_t> TakeTime(std::string_view& text, const TimeReading& reading) {
  std::string_view rest = text;
  std::string_view word = TakeUntil(rest, " ");
  if (word.size() == 3 && word[0] >= 'A' && word[0] <= 'Z') {
    constexpr std::size_t kDateAndClock = std::string_view("2023-11-14 22:13:20").size();
    const std::string_view time = rest.substr(0, kDateAndClock);
    rest.remove_prefix(time.size());
    rest = Trim(rest);
    const std::string_view zone = TakeUntil(rest, " ");
    text = rest;
    return ParseIsoTime(time, zone == "UTC" || zone == "GMT" ? TimeReading{} : reading);
  }
  text = rest;
  constexpr std::size_t kSecondsSize = 10;
  if (word.find('.') == kSecondsSize) return ParseEpochTime(word);
  return ParseIsoTime(word, reading);
}

/// "Jan  2 2024 03:04:05" and "2024 Jan  2 03:04:05", cut off; none: there is no year in it.
std::optional<std::int64_t> TakeDatedTime(std::string_view& text, const TimeReading& reading) {
  constexpr std::size_t kDaySize = std::string_view("Jan  2").size();
  constexpr std::size_t kYearSize = std::string_view(" 2024").size();
  const auto year_at = [&](std::size_t place) -> std::optional<int> {
    const auto year = text.size() > place + 5 && text[place + 4] == ' '
                          ? ParseNumber(text.substr(place, 4))
                          : std::nullopt;
    return year ? std::optional(static_cast<int>(*year)) : std::nullopt;
  };
  std::string undated;
  auto year = year_at(0);
  if (year && MonthOf(text.substr(kYearSize, 3)) != 0) {
    undated = text.substr(kYearSize);
  } else if (MonthOf(text.substr(0, 3)) != 0 && (year = year_at(kDaySize + 1))) {
    undated = fmt::format("{}{}", text.substr(0, kDaySize), text.substr(kDaySize + kYearSize));
  } else {
    return std::nullopt;
  }
  TimeReading dated = reading;
  dated.year = year;
  std::string_view rest;
  const auto wall_ns = YearKeeper(dated).ParseSyslogTime(undated, rest);
  if (wall_ns) text.remove_prefix(text.size() - rest.size());
  return wall_ns;
}

/// Whether what stands behind the time is a program ("sshd[77]:"): the host is left out where a
/// machine writes to itself.
bool IsProgram(std::string_view word) {
  return word.ends_with("]:") || (word.ends_with(':') && word.find(':') == word.size() - 1);
}

}  // namespace

SyslogForm ParseSyslog(std::string_view text, const TimeReading& reading, YearKeeper& years,
                       SyslogLine& line) {
  line = {};
  if (text.starts_with('<')) {
    const std::size_t end = text.find('>');
    if (end == std::string_view::npos || end > 4 || !ParseNumber(text.substr(1, end - 1))) {
      return SyslogForm::kNone;
    }
    text.remove_prefix(end + 1);
    const std::size_t space = text.find(' ');
    if (space <= 3 && ParseNumber(text.substr(0, space))) {
      return ParseNew(text.substr(space + 1), reading, line);
    }
  }
  if (const auto dated = TakeDatedTime(text, reading)) {
    line.wall_ns = dated;
  } else if (MonthOf(text.substr(0, 3)) != 0 && text.size() > 4 && text[3] == ' ') {
    if (!years.has_year()) return SyslogForm::kNoYear;
    std::string_view rest;
    line.wall_ns = years.ParseSyslogTime(text, rest);
    text = rest;
  } else {
    line.wall_ns = TakeTime(text, reading);
  }
  if (!line.wall_ns) return SyslogForm::kNone;
  text = Trim(text);
  if (!IsProgram(text.substr(0, text.find(' ')))) line.host = TakeUntil(text, " ");
  // "program[123]: message", "program: message", or no program.
  const std::size_t end = text.find_first_of(":[ ");
  if (end != std::string_view::npos && text[end] != ' ') {
    line.program = text.substr(0, end);
    const std::size_t colon = text.find(": ", end);
    if (colon != std::string_view::npos) text = text.substr(colon + 2);
  }
  line.message = Trim(text);
  return SyslogForm::kLine;
}

}  // namespace spoor::importers
