// SPDX-License-Identifier: Apache-2.0
#include "undo/shell.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/visible_text.hpp"

namespace spoor::undo {
namespace {

bool IsPrintable(char c) {
  return c >= ' ' && c <= '~';
}

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
         c == '.' || c == '_';
}

std::string Quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

std::string ShellAssignment(std::string_view name, std::string_view text) {
  if (std::ranges::all_of(text, IsPrintable)) return fmt::format("{}={}", name, Quoted(text));
  // A command substitution drops line feeds at its end: one character more stands behind them.
  std::string format;
  for (const char c : text) {
    format +=
        IsPlain(c) ? std::string(1, c) : fmt::format("\\{:03o}", static_cast<unsigned char>(c));
  }
  return fmt::format("{0}=$(printf '{1}x'); {0}=${{{0}%x}}", name, format);
}

std::string ShellComment(std::string_view text) {
  std::string comment;
  for (std::string_view left = text; !left.empty();) {
    const Utf8Character character = FirstCharacter(left);
    if (character.size_bytes == 1 && IsPrintable(left[0]) && left[0] != '\\') {
      comment += left[0];
    } else if (character.valid && character.code >= 0x80) {
      comment += fmt::format("\\u{{{:04X}}}", static_cast<std::uint32_t>(character.code));
    } else {
      comment += left[0] == '\\' ? std::string("\\\\")
                                 : fmt::format("\\x{:02X}", static_cast<unsigned char>(left[0]));
    }
    left.remove_prefix(character.size_bytes);
  }
  return comment;
}

}  // namespace spoor::undo
