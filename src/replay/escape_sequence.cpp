// SPDX-License-Identifier: Apache-2.0
#include "replay/escape_sequence.hpp"

#include <algorithm>

namespace spoor::replay {
namespace {

constexpr bool IsIn(char c, char low, char high) {
  return c >= low && c <= high;
}

/// Of OSC, DCS, SOS, PM, APC: ended by BEL, ESC \, or broken off by CAN, SUB or another ESC.
std::optional<std::size_t> StringSize(std::string_view text) {
  for (std::size_t i = 2; i < text.size(); ++i) {
    if (text[i] == '\a' || text[i] == '\x18' || text[i] == '\x1a') return i + 1;
    if (text[i] != '\x1b') continue;
    if (i + 1 == text.size()) return std::nullopt;
    return text[i + 1] == '\\' ? i + 2 : i;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::size_t> EscapeSequenceSize(std::string_view text) {
  if (text.size() < 2) return std::nullopt;
  std::size_t i = 1;
  switch (text[1]) {
    case ']':
    case 'P':
    case 'X':
    case '^':
    case '_':
      return StringSize(text);
    case '[':
      for (i = 2; i < text.size() && IsIn(text[i], 0x20, 0x3f); ++i) {
      }
      break;
    case 'N':
    case 'O':  // single shifts: the character that follows belongs to them
      i = 2;
      break;
    default:
      for (; i < text.size() && IsIn(text[i], 0x20, 0x2f); ++i) {
      }
  }
  if (i == text.size()) return std::nullopt;
  // What is no final byte is not part of the sequence: it was broken off.
  return IsIn(text[i], 0x30, 0x7e) ||
                 (i == 2 && (text[1] == 'O' || text[1] == 'N') && IsIn(text[i], 0x20, 0x7e))
             ? i + 1
             : i;
}

ControlSequence ControlSequenceOf(std::string_view sequence) {
  ControlSequence control;
  if (sequence.size() < 3 || sequence[0] != '\x1b' || sequence[1] != '[' ||
      !IsIn(sequence.back(), 0x40, 0x7e)) {
    return control;
  }
  control.final = sequence.back();
  const std::string_view body = sequence.substr(2, sequence.size() - 3);
  const std::size_t split = std::min(body.find_first_of(" !\"#$%&'()*+,-./"), body.size());
  control.parameters = body.substr(0, split);
  control.intermediates = body.substr(split);
  for (const char c : control.parameters) {
    if (!IsIn(c, '0', '9') || control.parameter > 100000) break;
    control.parameter = control.parameter * 10 + static_cast<std::size_t>(c - '0');
  }
  return control;
}

}  // namespace spoor::replay
