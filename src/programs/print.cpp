// SPDX-License-Identifier: Apache-2.0
#include "programs/print.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace spoor::programs {
namespace {

/// Of the first write to stdout that failed; 0: none did.
std::atomic<int> out_errno = 0;

void WriteOut(std::string_view bytes) {
  if (out_errno != 0) return;
  errno = 0;
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) != bytes.size()) {
    out_errno = errno == 0 ? EIO : errno;
  }
}

void Flush() {
  errno = 0;
  if (std::fflush(stdout) != 0 && out_errno == 0) out_errno = errno == 0 ? EIO : errno;
}

/// `line` with its middle left out where it is longer than a message may be: what went wrong tends
/// to stand at its end.
std::string Bounded(std::string_view line) {
  const std::size_t count = CharacterCount(line);
  if (count <= kMessageCharactersMax) return std::string(line);
  const std::size_t before = kMessageCharactersMax / 2;
  const std::size_t behind = kMessageCharactersMax - before - 1;
  std::string begin;
  for (std::size_t i = 0; i < count - behind; ++i) {
    const std::size_t size_bytes = FirstCharacter(line).size_bytes;
    if (i < before) begin += line.substr(0, size_bytes);
    line.remove_prefix(size_bytes);
  }
  return begin + "…" + std::string(line);
}

/// How long the sequence is that sets colours at the start of `text`; 0: there is none.
std::size_t ColourLength(std::string_view text) {
  if (!text.starts_with("\x1b[")) return 0;
  const std::size_t end = text.find_first_not_of("0123456789;", 2);
  return end != std::string_view::npos && text[end] == 'm' ? end + 1 : 0;
}

template <typename Json>
void PrintDumped(const Json& value) {
  PrintJson(std::string_view(value.dump(-1, ' ', false, Json::error_handler_t::replace)));
}

/// Also as full-width characters, which some spreadsheets take for the same.
bool BeginsFormula(std::string_view text) {
  constexpr std::string_view kBegins[] = {"=",  "+",      "-",      "@",      "\t",
                                          "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20"};
  return std::ranges::any_of(kBegins, [&](std::string_view b) { return text.starts_with(b); });
}

}  // namespace

void internal::WriteError(std::string_view lines) {
  std::string text;
  const std::string visible = VisibleLines(lines);
  for (std::string_view rest = visible; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    text += Bounded(rest.substr(0, end));
    if (end < rest.size()) text += '\n';
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  // What was printed before comes before, also where both go to one file.
  Flush();
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void PrintText(std::string_view text) {
  WriteOut(VisibleLines(text));
}

void PrintColouredText(std::string_view text) {
  while (!text.empty()) {
    const std::size_t escape = std::min(text.find('\x1b'), text.size());
    PrintText(text.substr(0, escape));
    text.remove_prefix(escape);
    const std::size_t colour = ColourLength(text);
    WriteOut(text.substr(0, colour));
    text.remove_prefix(colour);
    if (colour == 0 && !text.empty()) {
      PrintText(text.substr(0, 1));
      text.remove_prefix(1);
    }
  }
}

void PrintJson(std::string_view json) {
  std::string visible = VisibleJson(json);
  if (!visible.ends_with('\n')) visible += '\n';
  WriteOut(visible);
}

void PrintJson(const nlohmann::json& value) {
  PrintDumped(value);
}

void PrintJson(const nlohmann::ordered_json& value) {
  PrintDumped(value);
}

void PrintCsv(const std::vector<CsvCell>& cells) {
  std::string line;
  for (const CsvCell& cell : cells) {
    if (&cell != &cells.front()) line += ',';
    std::string text = cell.is_text && BeginsFormula(cell.text) ? "'" : "";
    text += VisibleLine(cell.text);
    if (text.find_first_of(",\"") == std::string::npos) {
      line += text;
      continue;
    }
    line += '"';
    for (const char c : text) line += c == '"' ? "\"\"" : std::string(1, c);
    line += '"';
  }
  WriteOut(line + "\r\n");
}

void PrintPlayback(std::string_view bytes) {
  WriteOut(bytes);
  Flush();
}

void ShowProgress(std::string_view line) {
  if (!ErrorIsTerminal()) return;
  const std::string text = "\r\x1b[K" + VisibleLine(line);
  std::fwrite(text.data(), 1, text.size(), stderr);
}

bool OutIsTerminal() {
  return ::isatty(STDOUT_FILENO) == 1;
}

bool ErrorIsTerminal() {
  return ::isatty(STDERR_FILENO) == 1;
}

Result<> FlushOut() {
  Flush();
  if (out_errno == 0 || out_errno == EPIPE) return {};
  return FailErrno(out_errno, "cannot write to stdout");
}

bool OutIsOpen() {
  return out_errno == 0;
}

}  // namespace spoor::programs
