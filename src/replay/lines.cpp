// SPDX-License-Identifier: Apache-2.0
#include "replay/lines.hpp"

#include <algorithm>

#include "replay/text.hpp"

namespace spoor::replay {
namespace {

constexpr char kBackspace = 0x08;
constexpr char kDelete = 0x7f;
constexpr char kEraseLine = 0x15;
constexpr char kEraseWord = 0x17;

/// Typed lines, split where RenderText splits them.
class TypedLines {
 public:
  explicit TypedLines(std::vector<Line>& lines) : lines_(lines) {}

  void Take(const TerminalEvent& event) {
    for (const char byte : event.bytes) {
      if (!open_) {
        open_ = true;
        line_ = {.type = EventType::kInput,
                 .boot_ns = event.boot_ns,
                 .process_id = event.process_id,
                 .text = {},
                 .keys = {}};
      }
      line_.echo_off |= event.echo_off;
      bytes_ += byte;
      if (byte == '\n' || byte == '\r') End();
    }
    if (event.missing_bytes == 0) return;
    End();
    lines_.push_back({.type = EventType::kMarker,
                      .boot_ns = event.boot_ns,
                      .process_id = event.process_id,
                      .text = "input " + MissingText(event.missing_bytes),
                      .keys = {}});
  }
  void End() {
    if (!open_) return;
    line_.keys = VisibleKeys(bytes_);
    line_.text = VisibleKeys(Corrected(bytes_));
    lines_.push_back(std::move(line_));
    bytes_.clear();
    open_ = false;
  }

 private:
  std::vector<Line>& lines_;
  Line line_;
  std::string bytes_;
  bool open_ = false;
};

void EraseCharacter(std::string& text) {
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text.back());
    text.pop_back();
    if ((byte & 0xc0) != 0x80) return;  // the first byte of a character in UTF-8
  }
}

}  // namespace

std::string Corrected(std::string_view typed) {
  std::string text;
  for (const char byte : typed) {
    if (byte == kBackspace || byte == kDelete) {
      EraseCharacter(text);
    } else if (byte == kEraseLine) {
      text.clear();
    } else if (byte == kEraseWord) {
      while (text.ends_with(' ')) text.pop_back();
      while (!text.empty() && text.back() != ' ') text.pop_back();
    } else {
      text += byte;
    }
  }
  return text;
}

std::vector<Line> LinesOf(const Recording& recording) {
  std::vector<Line> lines;
  static_cast<void>(RenderText(
      recording, {.line = [&lines](const TerminalEvent& event, char mark, std::string_view text) {
        if (mark == '>') return;
        lines.push_back({.type = mark == '<' ? EventType::kOutput : EventType::kMarker,
                         .boot_ns = event.boot_ns,
                         .process_id = event.process_id,
                         .text = std::string(text),
                         .keys = {}});
      }}));
  TypedLines typed(lines);
  for (const TerminalEvent& event : recording.events) {
    if (event.type == EventType::kInput) typed.Take(event);
  }
  typed.End();
  std::ranges::stable_sort(lines, {}, &Line::boot_ns);
  return lines;
}

}  // namespace spoor::replay
