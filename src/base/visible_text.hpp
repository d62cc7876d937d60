// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// Text that is not ours made safe to print. One rule in four forms: control characters (C0, DEL,
/// C1), characters that change the direction of text or end a line, characters that nobody sees
/// (no width, Unicode's "default ignorable", tags) and bytes that are not UTF-8 are spelled out.
namespace spoor {

/// One value: what is spelled out becomes \xNN or \u{NNNN}, and a backslash becomes two, so that
/// the text tells exactly which bytes it was. Never fails.
std::string VisibleText(std::string_view text);

/// VisibleText of `text`, cut with "…" behind `characters_max` characters (at least 1).
std::string VisibleText(std::string_view text, std::size_t characters_max);

/// A cell or message in which values may stand that were made visible already: as VisibleText, but
/// a backslash stays one.
std::string VisibleLine(std::string_view text);

/// Many lines: as VisibleLine, but line feeds stay.
std::string VisibleLines(std::string_view text);

/// JSON that parses to the same value: inside strings what is spelled out becomes \uNNNN, line
/// feeds between values stay. Bytes that are not UTF-8, which no valid JSON has, become U+FFFD.
std::string VisibleJson(std::string_view json);

/// One character of UTF-8. `size_bytes` is 1 and `valid` false where `text` (not empty) does not
/// begin with a well-formed one.
struct Utf8Character {
  char32_t code = 0;
  std::size_t size_bytes = 1;
  bool valid = false;
  /// Not valid because `text` ends inside it: more bytes may make it whole.
  bool incomplete = false;
};
Utf8Character FirstCharacter(std::string_view text);

/// How many characters `text` has, a byte that is not UTF-8 as one.
std::size_t CharacterCount(std::string_view text);

}  // namespace spoor
