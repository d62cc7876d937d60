// SPDX-License-Identifier: Apache-2.0
#include "replay/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/saturating.hpp"
#include "base/visible_text.hpp"
#include "base/wall_time_text.hpp"
#include "replay/escape_sequence.hpp"

namespace spoor::replay {
namespace {

std::string NameOfKeySequence(std::string_view sequence) {
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"\x1b[A", "[UP]"},      {"\x1b[B", "[DOWN]"},  {"\x1b[C", "[RIGHT]"},
      {"\x1b[D", "[LEFT]"},    {"\x1bOA", "[UP]"},    {"\x1bOB", "[DOWN]"},
      {"\x1bOC", "[RIGHT]"},   {"\x1bOD", "[LEFT]"},  {"\x1b[H", "[HOME]"},
      {"\x1b[F", "[END]"},     {"\x1bOH", "[HOME]"},  {"\x1bOF", "[END]"},
      {"\x1b[1~", "[HOME]"},   {"\x1b[4~", "[END]"},  {"\x1b[2~", "[INSERT]"},
      {"\x1b[3~", "[DELETE]"}, {"\x1b[5~", "[PGUP]"}, {"\x1b[6~", "[PGDN]"},
      {"\x1b", "[ESC]"}};
  for (const auto& [bytes, name] : kNames) {
    if (bytes == sequence) return std::string(name);
  }
  return "[ESC]" + VisibleText(sequence.substr(1));
}

std::string ControlKey(unsigned char byte) {
  switch (byte) {
    case 0x00:
      return "\\000";
    case 0x08:
      return "[BS]";
    case 0x09:
      return "[TAB]";
    case 0x7f:
      return "[DEL]";
    default:
      return fmt::format("^{}", static_cast<char>(byte + 0x40));
  }
}

}  // namespace

std::string VisibleKeys(std::string_view typed) {
  std::string keys;
  while (!typed.empty()) {
    const auto byte = static_cast<unsigned char>(typed.front());
    std::size_t size_bytes = 1;
    if (byte == 0x1b) {
      size_bytes = EscapeSequenceSize(typed).value_or(typed.size());
      keys += NameOfKeySequence(typed.substr(0, size_bytes));
    } else if (byte == '\r' || byte == '\n') {
      // Ends the line.
    } else if (byte < 0x20 || byte == 0x7f) {
      keys += ControlKey(byte);
    } else if (byte < 0x80) {
      keys += static_cast<char>(byte);
    } else {
      const Utf8Character character = FirstCharacter(typed);
      size_bytes = character.size_bytes;
      keys += character.valid ? VisibleText(typed.substr(0, size_bytes))
                              : fmt::format("\\{:03o}", byte);
    }
    typed.remove_prefix(size_bytes);
  }
  return keys;
}

namespace {

/// Cells of one line; each holds the text of one character.
class LineBuffer {
 public:
  void Put(std::string cell) {
    if (cursor_ >= kCellsMax) return;
    if (cursor_ >= cells_.size()) cells_.resize(cursor_ + 1, " ");
    cells_[cursor_++] = std::move(cell);
  }
  void MoveTo(std::size_t cursor) { cursor_ = std::min(cursor, kCellsMax); }
  std::size_t cursor() const { return cursor_; }

  /// The sequences that line editors draw with; everything else is left out.
  void Apply(const ControlSequence& sequence) {
    const std::size_t count = std::clamp<std::size_t>(sequence.parameter, 1, kCellsMax);
    const std::size_t at = std::min(cursor_, cells_.size());
    const auto place = cells_.begin() + static_cast<std::ptrdiff_t>(at);
    const auto behind = place + static_cast<std::ptrdiff_t>(std::min(count, cells_.size() - at));
    switch (sequence.final) {
      case 'C':
        MoveTo(cursor_ + count);
        break;
      case 'D':
        MoveTo(cursor_ - std::min(cursor_, count));
        break;
      case 'G':
        MoveTo(count - 1);
        break;
      case 'P':
        cells_.erase(place, behind);
        break;
      case '@':
        cells_.insert(place, count, " ");
        if (cells_.size() > kCellsMax) cells_.resize(kCellsMax);
        break;
      case 'X':
        std::fill(place, behind, " ");
        break;
      case 'K':
        if (sequence.parameter == 0) cells_.erase(place, cells_.end());
        if (sequence.parameter == 1) std::fill(cells_.begin(), place, " ");
        if (sequence.parameter == 2) cells_.clear();
        break;
      default:
        break;
    }
  }

  std::string Text() const {
    std::string text;
    for (const std::string& cell : cells_) text += cell;
    return text;
  }

 private:
  static constexpr std::size_t kCellsMax = 4096;
  std::vector<std::string> cells_;
  std::size_t cursor_ = 0;
};

}  // namespace

std::string ScreenLine::Render(std::string_view line) {
  LineBuffer buffer;
  while (!line.empty()) {
    const auto byte = static_cast<unsigned char>(line.front());
    std::size_t size_bytes = 1;
    if (byte == 0x1b) {
      size_bytes = EscapeSequenceSize(line).value_or(line.size());
      buffer.Apply(ControlSequenceOf(line.substr(0, size_bytes)));
    } else if (byte == '\r') {
      buffer.MoveTo(0);
    } else if (byte == '\b') {
      buffer.MoveTo(buffer.cursor() - std::min<std::size_t>(buffer.cursor(), 1));
    } else if (byte == '\t') {
      buffer.MoveTo((buffer.cursor() / 8 + 1) * 8);
    } else if (byte == '\a' || byte == '\n') {
      // Nothing to see.
    } else if (byte < 0x20 || byte == 0x7f) {
      buffer.Put(fmt::format("^{}", static_cast<char>(byte ^ 0x40)));
    } else if (byte < 0x80) {
      buffer.Put(std::string(1, static_cast<char>(byte)));
    } else {
      size_bytes = FirstCharacter(line).size_bytes;
      buffer.Put(VisibleText(line.substr(0, size_bytes)));
    }
    line.remove_prefix(size_bytes);
  }
  return buffer.Text();
}

std::string LineEnds::Apply(std::string_view bytes) {
  if (!needed_) return std::string(bytes);
  std::string ended;
  for (const char byte : bytes) {
    if (byte == '\n' && last_ != '\r') ended += '\r';
    ended += byte;
    last_ = byte;
  }
  return ended;
}

std::string MissingText(std::uint64_t missing_bytes) {
  return fmt::format("[… {} byte{} not captured …]", missing_bytes, missing_bytes == 1 ? "" : "s");
}

namespace {

/// Lines of one direction while they are being typed or printed.
class OpenLine {
 public:
  bool is_open() const { return first_ != nullptr; }
  const TerminalEvent& first() const { return *first_; }
  const TerminalEvent& last() const { return *last_; }
  bool echo_off() const { return echo_off_; }
  void Begin(const TerminalEvent& event) {
    if (first_ == nullptr) first_ = &event;
    last_ = &event;
    echo_off_ |= event.echo_off;
  }
  void Add(char byte) { bytes_ += byte; }
  const std::string& bytes() const { return bytes_; }
  void Reset() { *this = OpenLine(); }

 private:
  const TerminalEvent* first_ = nullptr;
  const TerminalEvent* last_ = nullptr;
  bool echo_off_ = false;
  std::string bytes_;
};

class TextMaker {
 public:
  TextMaker(const Recording& recording, const TextOptions& options)
      : recording_(recording), options_(options) {}

  std::string Run() {
    for (const TerminalEvent& event : recording_.events) {
      switch (event.type) {
        case EventType::kInput:
          Take(event, input_, true);
          break;
        case EventType::kOutput:
          if (!options_.input_only) Take(event, output_, false);
          break;
        case EventType::kResize:
          if (!options_.input_only) {
            AddLine(event, '*',
                    fmt::format("window {} columns, {} rows", event.columns, event.rows));
          }
          break;
        case EventType::kMarker:
          if (!options_.input_only) AddLine(event, '*', VisibleText(event.bytes));
          break;
      }
    }
    End(output_, false);
    End(input_, true);
    return std::move(text_);
  }

 private:
  void Take(const TerminalEvent& event, OpenLine& line, bool is_input) {
    for (const char byte : event.bytes) {
      const bool ends = byte == '\n' || (is_input && byte == '\r');
      line.Begin(event);
      line.Add(byte);
      if (ends) End(line, is_input);
    }
    if (event.missing_bytes == 0) return;
    End(line, is_input);
    AddLine(event, is_input ? '>' : '<', MissingText(event.missing_bytes));
  }

  void End(OpenLine& line, bool is_input) {
    if (!line.is_open()) return;
    std::string text = is_input ? VisibleKeys(line.bytes()) : ScreenLine::Render(line.bytes());
    if (line.echo_off()) text = "(not echoed) " + text;
    AddLine(is_input ? line.first() : line.last(), is_input ? '>' : '<', text);
    line.Reset();
  }

  void AddLine(const TerminalEvent& event, char mark, std::string_view text) {
    const std::string time = WallTimeText(SaturatingAdd(event.boot_ns, recording_.wall_shift_ns));
    const auto process = recording_.processes.find(event.process_id);
    const std::string who =
        process == recording_.processes.end()
            ? "?"
            : fmt::format("{}[{}]", VisibleText(process->second.name), process->second.pid);
    const std::string shown =
        time.size() < 23 ? time : time.substr(0, 10) + " " + time.substr(11, 12);
    text_ += fmt::format("[{}] {} {} {}\n", shown, who, mark, text);
  }

  const Recording& recording_;
  const TextOptions options_;
  OpenLine input_, output_;
  std::string text_;
};

}  // namespace

std::string RenderText(const Recording& recording, const TextOptions& options) {
  return TextMaker(recording, options).Run();
}

}  // namespace spoor::replay
