// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.hpp"
#include "base/visible_text.hpp"

/// The one way to stdout and stderr (tools/check refuses every other one in src/programs): what
/// was recorded, sent or named by others reaches no terminal as a command (base/visible_text.hpp),
/// whether or not there is a terminal.
namespace spoor::programs {

/// Longest line on stderr; of a longer one the middle is left out.
inline constexpr std::size_t kMessageCharactersMax = 2000;

namespace internal {

/// Text as one visible line, anything else as it is.
template <typename T>
decltype(auto) Shown(const T& value) {
  if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return VisibleLine(value);
  } else {
    return (value);
  }
}

template <typename... Args>
std::string Formatted(fmt::string_view format, const Args&... args) {
  return fmt::vformat(format, fmt::make_format_args(args...));
}

void WriteError(std::string_view lines);

}  // namespace internal

/// Many lines that are ours, or made by a renderer: line feeds stay, all else is made visible.
void PrintText(std::string_view text);

/// PrintText that lets colours (SGR sequences) through: for stdout that is a terminal.
void PrintColouredText(std::string_view text);

/// As fmt::print to stdout: data. Text among `args` becomes one visible line each.
template <typename... Args>
void PrintOut(fmt::format_string<Args...> format, Args&&... args) {
  PrintText(internal::Formatted(format, internal::Shown(args)...));
}

/// As fmt::print to stderr: narration and errors. As PrintOut, and each line is at most
/// kMessageCharactersMax characters long.
template <typename... Args>
void PrintError(fmt::format_string<Args...> format, Args&&... args) {
  internal::WriteError(internal::Formatted(format, internal::Shown(args)...));
}

/// A JSON text, one line or more, that parses to the same value. Adds the last line feed where
/// there is none.
void PrintJson(std::string_view json);
/// One value on one line. Bytes that are not UTF-8 become U+FFFD: name such text by
/// event::MakeUtf8, which keeps them readable.
void PrintJson(const nlohmann::json& value);
void PrintJson(const nlohmann::ordered_json& value);

/// One cell of a line of CSV.
struct CsvCell {
  std::string text;
  /// Text that a spreadsheet would take for a formula (it begins with = + - @, or with a tab or a
  /// carriage return before they were made visible) gets an apostrophe in front.
  bool is_text = true;
};
/// RFC 4180; cells are visible lines, so a cell never spans lines.
void PrintCsv(const std::vector<CsvCell>& cells);

/// Bytes for the terminal itself, at once: what replay's playback has filtered, or --raw. The only
/// way past the rule.
void PrintPlayback(std::string_view bytes);

/// One line on a terminal that is overwritten by the next; nothing where stderr is none. "" removes
/// it.
void ShowProgress(std::string_view line);

bool OutIsTerminal();
bool ErrorIsTerminal();

/// Hands on what was printed. Fails: kIo, if anything could not be written since the start; a
/// reader that has seen enough (| head) is no failure.
Result<> FlushOut();
/// Whether printing goes on to reach anybody.
bool OutIsOpen();

}  // namespace spoor::programs
