// SPDX-License-Identifier: Apache-2.0
#include "report/text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/visible_text.hpp"
#include "base/wall_time_text.hpp"

namespace spoor::report {
namespace {

// Control characters: VisibleText leaves none of them in a name.
constexpr char kBegin = '\x01';
constexpr char kEnd = '\x02';
constexpr std::size_t kNameCharactersMax = 240;
constexpr std::size_t kCommandCharactersMax = 100;
constexpr std::size_t kLineCharactersMax = 2000;

/// A code span: as many backticks around as hold what is inside (CommonMark 6.1).
std::string CodeSpan(std::string_view text) {
  std::size_t longest = 0;
  for (std::size_t i = 0, run = 0; i < text.size(); ++i) {
    run = text[i] == '`' ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  const std::string fence(longest + 1, '`');
  const bool pad = text.empty() || text.front() == '`' || text.back() == '`';
  return fence + (pad ? " " : "") + std::string(text) + (pad ? " " : "") + fence;
}

}  // namespace

std::string Name(std::string_view text) {
  return VisibleName(VisibleText(text, kNameCharactersMax));
}

std::string VisibleName(std::string_view text) {
  return kBegin + std::string(text) + kEnd;
}

std::string ProcessName(std::optional<std::int64_t> pid, std::string_view command_line) {
  const std::string number = pid ? fmt::format("pid {}", *pid) : "pid unknown";
  if (command_line.empty()) return "a process (" + number + ")";
  return fmt::format("{} ({})", VisibleName(VisibleText(command_line, kCommandCharactersMax)),
                     number);
}

std::string HostName(std::string_view name) {
  return name.empty() ? std::string("this host") : "host " + Name(name);
}

std::string Plain(std::string_view sentence) {
  std::string plain;
  for (const char c : sentence) {
    if (c == kBegin) {
      plain += "“";
    } else if (c == kEnd) {
      plain += "”";
    } else {
      plain += c;
    }
  }
  return plain;
}

std::string Markdown(std::string_view sentence) {
  std::string markdown;
  while (!sentence.empty()) {
    const std::size_t begin = std::min(sentence.find(kBegin), sentence.size());
    markdown += sentence.substr(0, begin);
    if (begin == sentence.size()) break;
    const std::size_t end = std::min(sentence.find(kEnd, begin), sentence.size());
    markdown += CodeSpan(sentence.substr(begin + 1, end - begin - 1));
    sentence.remove_prefix(std::min(end + 1, sentence.size()));
  }
  return markdown;
}

std::string Moment(std::int64_t wall_ns) {
  std::string text = WallTimeText(wall_ns).substr(0, 23);
  std::replace(text.begin(), text.end(), 'T', ' ');
  return text;
}

std::string UntilMoment(std::int64_t wall_ns) {
  const std::string moment = Moment(wall_ns);
  return moment == "open" ? "with an open end" : "until " + moment;
}

std::string User(std::optional<std::int64_t> uid) {
  if (!uid) return "an unknown user";
  return *uid == 0 ? "root" : fmt::format("uid {}", *uid);
}

std::string Bytes(std::int64_t size_bytes) {
  return Count(size_bytes, "byte", "bytes");
}

std::string Count(std::int64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

namespace {

/// $'…' as bash and zsh read it: whatever VisibleLine would not show as it is, byte by
/// byte.
std::string SpelledWord(std::string_view text) {
  std::string word = "$'";
  while (!text.empty()) {
    const std::string_view character = text.substr(0, FirstCharacter(text).size_bytes);
    text.remove_prefix(character.size());
    if (character == "'" || character == "\\") {
      word += '\\' + std::string(character);
    } else if (VisibleLine(character) == character) {
      word += character;
    } else {
      for (const char c : character) {
        word += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
      }
    }
  }
  return word + "'";
}

}  // namespace

std::string ShellWord(std::string_view text) {
  if (text.empty()) return "''";
  if (VisibleLine(text) != text) return SpelledWord(text);
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:@%+=,-";
  if (text.find_first_not_of(kPlain) == std::string_view::npos) return std::string(text);
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string StoreWords(const std::string& store) {
  return store == "spoor-store" ? "" : "--store " + ShellWord(store) + " ";
}

std::string PercentDecoded(std::string_view text) {
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  };
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? digit(text[i + 1]) : -1;
    const int low = high >= 0 ? digit(text[i + 2]) : -1;
    if (low >= 0) {
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

std::vector<std::string> PayloadLines(std::string_view data, std::size_t lines_max) {
  std::vector<std::string> lines;
  while (!data.empty() && lines.size() < lines_max) {
    const std::size_t end = std::min(data.find('\n'), data.size() - 1);
    lines.push_back(VisibleText(data.substr(0, end + 1), kLineCharactersMax));
    data.remove_prefix(end + 1);
  }
  if (!data.empty())
    lines.push_back(fmt::format("… and {} more", Bytes(static_cast<std::int64_t>(data.size()))));
  return lines;
}

}  // namespace spoor::report
