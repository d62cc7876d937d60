// SPDX-License-Identifier: Apache-2.0
#include "replay/playback_filter.hpp"

#include <algorithm>
#include <optional>

#include "base/visible_text.hpp"
#include "replay/escape_sequence.hpp"

namespace spoor::replay {
namespace {

// A sequence longer than this draws nothing.
constexpr std::size_t kSequenceBytesMax = 256;

bool IsAllowedMode(std::string_view parameters) {
  // Private modes that only draw: cursor keys, columns, smooth scroll, reverse, origin, wrap,
  // cursor blink and visibility, alternate screens, saved cursor, synchronised output.
  constexpr std::string_view kModes[] = {"?1",    "?3",    "?4",  "?5",  "?6",    "?7",
                                         "?12",   "?25",   "?45", "?47", "?1047", "?1048",
                                         "?1049", "?2026", "4",   "20"};
  return std::ranges::find(kModes, parameters) != std::end(kModes);
}

bool IsAllowedControl(const ControlSequence& control) {
  const auto plain = [&control] {
    return control.intermediates.empty() &&
           control.parameters.find_first_not_of("0123456789;:") == std::string_view::npos;
  };
  // Nobody's screen is that big, and CSI b would repeat a character that often.
  if (control.parameter > 10000) return false;
  switch (control.final) {
    case 'J':
      return plain() && control.parameter < 3;  // 3 is the scrollback, which is the analyst's
    case '@':
    case 'A':
    case 'B':
    case 'C':
    case 'D':
    case 'E':
    case 'F':
    case 'G':
    case 'H':
    case 'I':
    case 'K':
    case 'L':
    case 'M':
    case 'P':
    case 'S':
    case 'T':
    case 'X':
    case 'Z':
    case '`':
    case 'a':
    case 'b':
    case 'd':
    case 'e':
    case 'f':
    case 'g':
    case 'm':
    case 'r':
      return plain();
    case 's':
    case 'u':
      return plain() && control.parameters.empty();
    case 'h':
    case 'l':
      return control.intermediates.empty() && IsAllowedMode(control.parameters);
    case 'p':
      return control.intermediates == "!" && control.parameters.empty();
    case 'q':
      return control.intermediates == " ";
    default:
      return false;
  }
}

bool IsAllowed(std::string_view sequence) {
  // One that was broken off has no final byte: what is kept next would become part of it.
  if (sequence.size() < 2 || sequence.back() < 0x30) return false;
  switch (sequence[1]) {
    case '[':
      return IsAllowedControl(ControlSequenceOf(sequence));
    case '7':
    case '8':
    case 'D':
    case 'E':
    case 'H':
    case 'M':
    case 'c':
    case '=':
    case '>':
      return sequence.size() == 2;
    case '(':
    case ')':
    case '*':
    case '+':
    case '#':
      return sequence.size() == 3;
    default:
      return false;
  }
}

bool IsAllowedControlByte(unsigned char byte) {
  return byte >= 0x07 && byte <= 0x0f;  // BEL BS HT LF VT FF CR SO SI
}

bool BeginsString(char second) {
  return second == ']' || second == 'P' || second == 'X' || second == '^' || second == '_';
}

}  // namespace

std::string PlaybackFilter::Filter(std::string_view bytes) {
  pending_ += bytes;
  std::string_view rest = pending_;
  std::string kept;
  while (!rest.empty()) {
    if (in_string_) {
      // Nothing of it is kept, so its length does not matter.
      const std::size_t end = rest.find_first_of("\a\x18\x1a\x1b");
      if (end == std::string_view::npos) {
        rest = {};
        break;
      }
      in_string_ = false;
      rest.remove_prefix(rest[end] == '\x1b' ? end : end + 1);
      continue;
    }
    const auto byte = static_cast<unsigned char>(rest.front());
    if (byte == 0x1b) {
      if (rest.size() >= 2 && BeginsString(rest[1])) {
        in_string_ = true;
        rest.remove_prefix(2);
        continue;
      }
      const std::optional<std::size_t> size_bytes = EscapeSequenceSize(rest);
      if (!size_bytes && rest.size() < kSequenceBytesMax) break;
      const std::string_view sequence = rest.substr(0, size_bytes.value_or(rest.size()));
      if (size_bytes && IsAllowed(sequence)) kept += sequence;
      rest.remove_prefix(sequence.size());
    } else if (byte < 0x80) {
      if ((byte >= 0x20 && byte != 0x7f) || IsAllowedControlByte(byte)) kept += rest.front();
      rest.remove_prefix(1);
    } else {
      const Utf8Character character = FirstCharacter(rest);
      if (character.incomplete) break;
      // U+0080 to U+009F are control characters too: U+009B is ESC [ in one.
      if (!character.valid) kept += "\xef\xbf\xbd";
      if (character.valid && character.code >= 0xa0) {
        kept += VisibleLine(rest.substr(0, character.size_bytes));
      }
      rest.remove_prefix(character.size_bytes);
    }
  }
  pending_ = std::string(rest);
  return kept;
}

}  // namespace spoor::replay
