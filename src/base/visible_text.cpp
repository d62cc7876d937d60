// SPDX-License-Identifier: Apache-2.0
#include "base/visible_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace spoor {
namespace {

// Cc, and of Cf, Zl and Zp what can make a line read differently from what it is.
bool IsDeceptive(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0xad || code == 0x61c ||
         (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) ||
         (code >= 0x2060 && code <= 0x206f) || code == 0xfeff ||
         (code >= 0xfff9 && code <= 0xfffb) || (code >= 0xe0000 && code <= 0xe0fff);
}

std::string VisibleCharacter(std::string_view bytes, const Utf8Character& character) {
  if (!character.valid || character.code < 0x80) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    if (byte == '\\') return "\\\\";
    if (byte >= 0x20 && byte < 0x7f) return std::string(1, bytes.front());
    return fmt::format("\\x{:02x}", byte);
  }
  if (IsDeceptive(character.code)) {
    return fmt::format("\\u{{{:x}}}", static_cast<std::uint32_t>(character.code));
  }
  return std::string(bytes.substr(0, character.size_bytes));
}

}  // namespace

// RFC 3629: shortest form only, no surrogates, at most U+10FFFF.
Utf8Character FirstCharacter(std::string_view text) {
  const auto byte_at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte_at(0);
  if (first < 0x80) return {.code = first, .valid = true};
  const std::size_t size_bytes = first < 0xc2   ? 0
                                 : first < 0xe0 ? 2
                                 : first < 0xf0 ? 3
                                 : first < 0xf5 ? 4
                                                : 0;
  if (size_bytes == 0) return {};
  char32_t code = first & (0xffu >> (size_bytes + 1));
  for (std::size_t i = 1; i < size_bytes; ++i) {
    if (i == text.size()) return {.incomplete = true};
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
    if (i == 1 && first == 0xe0) low = 0xa0;
    if (i == 1 && first == 0xed) high = 0x9f;
    if (i == 1 && first == 0xf0) low = 0x90;
    if (i == 1 && first == 0xf4) high = 0x8f;
    if (byte_at(i) < low || byte_at(i) > high) return {};
    code = code << 6 | (byte_at(i) & 0x3fu);
  }
  return {.code = code, .size_bytes = size_bytes, .valid = true};
}

std::string VisibleText(std::string_view text) {
  return VisibleText(text, std::string_view::npos);
}

std::string VisibleText(std::string_view text, std::size_t characters_max) {
  std::string visible;
  std::size_t character_count = 0;
  while (!text.empty()) {
    const Utf8Character character = FirstCharacter(text);
    if (++character_count >= characters_max && text.size() > character.size_bytes) {
      return visible + "…";
    }
    visible += VisibleCharacter(text, character);
    text.remove_prefix(character.size_bytes);
  }
  return visible;
}

}  // namespace spoor
