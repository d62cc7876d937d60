// SPDX-License-Identifier: Apache-2.0
#include "base/visible_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace spoor {
namespace {

struct CodeRange {
  char32_t first;
  char32_t last;
};

// Unicode 15: Cc, Zl, Zp, what turns text around (Bidi_Control), what is not drawn
// (Default_Ignorable_Code_Point, which has the variation selectors and the tags), interlinear
// annotation. In order.
constexpr CodeRange kDeceptive[] = {
    {0x00, 0x1f},     {0x7f, 0x9f},       {0xad, 0xad},       {0x34f, 0x34f},     {0x61c, 0x61c},
    {0x115f, 0x1160}, {0x17b4, 0x17b5},   {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e},
    {0x2060, 0x206f}, {0x3164, 0x3164},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},
    {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
};

bool IsDeceptive(char32_t code) {
  if (code < 0x7f) return code < 0x20;
  const CodeRange* const range =
      std::ranges::lower_bound(kDeceptive, code, {}, [](const CodeRange& r) { return r.last; });
  return range != std::end(kDeceptive) && code >= range->first;
}

/// How what is not shown as it is gets spelled.
using Spell = std::string (*)(unsigned char first_byte, const Utf8Character& character);

std::string SpellForPeople(unsigned char first_byte, const Utf8Character& character) {
  if (!character.valid || character.code < 0x80) return fmt::format("\\x{:02x}", first_byte);
  return fmt::format("\\u{{{:x}}}", static_cast<std::uint32_t>(character.code));
}

std::string SpellForJson(unsigned char /*first_byte*/, const Utf8Character& character) {
  if (!character.valid) return "\\ufffd";
  auto code = static_cast<std::uint32_t>(character.code);
  if (code < 0x10000) return fmt::format("\\u{:04x}", code);
  code -= 0x10000;
  return fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + (code >> 10), 0xdc00 + (code & 0x3ff));
}

struct Form {
  Spell spell = SpellForPeople;
  bool doubles_backslash = false;
  bool keeps_line_feed = false;
  std::size_t characters_max = std::string_view::npos;
};

/// How many bytes at the start of `text` are shown as they are in every form.
std::size_t PlainLength(std::string_view text) {
  const auto* const end = std::ranges::find_if(
      text, [](char c) { return c < 0x20 || c == 0x7f || c == '\\' || (c & 0x80) != 0; });
  return static_cast<std::size_t>(end - text.begin());
}

std::string Visible(std::string_view text, const Form& form) {
  std::string visible;
  visible.reserve(text.size());
  std::size_t character_count = 0;
  while (!text.empty()) {
    if (form.characters_max == std::string_view::npos) {
      const std::size_t plain = PlainLength(text);
      visible += text.substr(0, plain);
      text.remove_prefix(plain);
      if (text.empty()) break;
    }
    const Utf8Character character = FirstCharacter(text);
    if (++character_count >= form.characters_max && text.size() > character.size_bytes) {
      return visible + "…";
    }
    if (character.valid &&
        (!IsDeceptive(character.code) || (character.code == '\n' && form.keeps_line_feed))) {
      if (character.code == '\\' && form.doubles_backslash) visible += '\\';
      visible += text.substr(0, character.size_bytes);
    } else {
      visible += form.spell(static_cast<unsigned char>(text.front()), character);
    }
    text.remove_prefix(character.size_bytes);
  }
  return visible;
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
  return Visible(text, {.doubles_backslash = true, .characters_max = characters_max});
}

std::string VisibleLine(std::string_view text) {
  return Visible(text, {});
}

std::string VisibleLines(std::string_view text) {
  return Visible(text, {.keeps_line_feed = true});
}

std::string VisibleJson(std::string_view json) {
  return Visible(json, {.spell = SpellForJson, .keeps_line_feed = true});
}

std::size_t CharacterCount(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(FirstCharacter(text).size_bytes);
  return count;
}

}  // namespace spoor
