// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace spoor {

/// Text of a record made safe to print: control characters (C0, DEL, C1), characters that change
/// the direction of text or have no width, and bytes that are not UTF-8 become \xNN or \u{NNNN}; a
/// backslash becomes two. Never fails.
std::string VisibleText(std::string_view text);

/// VisibleText of `text`, cut with "…" behind `characters_max` characters (at least 1).
std::string VisibleText(std::string_view text, std::size_t characters_max);

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

}  // namespace spoor
