// SPDX-License-Identifier: Apache-2.0
#include "replay/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/saturating.hpp"
#include "base/visible_text.hpp"
#include "base/wall_time_text.hpp"
#include "replay/escape_sequence.hpp"
#include "replay/screen.hpp"

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

/// A line while it is being typed.
class TypedLine {
 public:
  bool is_open() const { return first_ != nullptr; }
  const TerminalEvent& first() const { return *first_; }
  bool echo_off() const { return echo_off_; }
  void Begin(const TerminalEvent& event) {
    if (first_ == nullptr) first_ = &event;
    echo_off_ |= event.echo_off;
  }
  void Add(char byte) { bytes_ += byte; }
  const std::string& bytes() const { return bytes_; }
  void Reset() { *this = TypedLine(); }

 private:
  const TerminalEvent* first_ = nullptr;
  bool echo_off_ = false;
  std::string bytes_;
};

class TextMaker {
 public:
  TextMaker(const Recording& recording, const TextOptions& options)
      : recording_(recording),
        options_(options),
        screen_(recording.rows, recording.columns),
        line_ends_(recording) {}

  std::string Run() {
    for (const TerminalEvent& event : recording_.events) {
      switch (event.type) {
        case EventType::kInput:
          TakeInput(event);
          break;
        case EventType::kOutput:
          if (!options_.input_only) TakeOutput(event);
          break;
        case EventType::kResize:
          if (!options_.input_only) {
            ShowOpenLine();
            screen_.Resize(event.rows, event.columns);
            AddLine(event, '*',
                    fmt::format("window {} columns, {} rows", event.columns, event.rows));
          }
          break;
        case EventType::kMarker:
          if (!options_.input_only) AddLine(event, '*', VisibleText(event.bytes));
          break;
      }
    }
    ShowScreen();
    ShowOpenLine();
    EndInput();
    return std::move(text_);
  }

 private:
  void TakeInput(const TerminalEvent& event) {
    ShowScreen();
    // What is not echoed stands behind what asked for it.
    if (event.echo_off) ShowOpenLine();
    for (const char byte : event.bytes) {
      input_.Begin(event);
      input_.Add(byte);
      if (byte == '\n' || byte == '\r') EndInput();
    }
    if (event.missing_bytes == 0) return;
    EndInput();
    AddLine(event, '>', MissingText(event.missing_bytes));
  }

  void EndInput() {
    if (!input_.is_open()) return;
    std::string text = VisibleKeys(input_.bytes());
    if (input_.echo_off()) text = "(not echoed) " + text;
    AddLine(input_.first(), '>', text);
    input_.Reset();
  }

  void TakeOutput(const TerminalEvent& event) {
    const std::string ended = line_ends_.Apply(event.bytes);
    std::string_view bytes = ended;
    while (!bytes.empty()) {
      const std::size_t size_bytes = std::min({bytes.size(), bytes.find('\n'), LeaveAt(bytes)});
      if (size_bytes > 0) {
        screen_.Print(bytes.substr(0, size_bytes));
        printed_ = &event;
        bytes.remove_prefix(size_bytes);
        continue;
      }
      printed_ = &event;
      if (bytes.front() == '\n') {
        PrintLineFeed();
        bytes.remove_prefix(1);
      } else {
        ShowScreen();
        screen_.Print(bytes.substr(0, 1));
        bytes.remove_prefix(1);
      }
    }
    if (event.missing_bytes == 0) return;
    ShowOpenLine();
    AddLine(event, '<', MissingText(event.missing_bytes));
  }

  /// Where the alternate screen is left, which takes with it what it showed.
  std::size_t LeaveAt(std::string_view bytes) const {
    std::size_t at = std::string_view::npos;
    if (!screen_.is_alternate()) return at;
    for (const std::string_view leaving : {"\x1b[?1049l", "\x1b[?1047l", "\x1b[?47l"}) {
      at = std::min(at, bytes.find(leaving));
    }
    return at;
  }

  void PrintLineFeed() {
    if (screen_.is_alternate()) {
      screen_.PrintLineFeed();
      return;
    }
    std::string line = screen_.CursorLine();
    if (!screen_.PrintLineFeed()) return;
    if (!shown_ || *shown_ != line) AddLine(*printed_, '<', line);
    shown_.reset();
  }

  /// The line that the cursor is on, if it says something that was not told yet.
  void ShowOpenLine() {
    if (printed_ == nullptr || screen_.is_alternate()) return;
    std::string line = screen_.CursorLine();
    if (line.empty() || (shown_ && *shown_ == line)) return;
    AddLine(*printed_, '<', line);
    shown_ = std::move(line);
  }

  /// The rows of a program that has the whole screen, as far as they changed.
  void ShowScreen() {
    if (printed_ == nullptr || !screen_.is_alternate()) {
      rows_.clear();
      return;
    }
    std::vector<std::string> rows = screen_.Rows();
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const bool told = row < rows_.size() ? rows_[row] == rows[row] : rows[row].empty();
      if (!told) AddLine(*printed_, '<', fmt::format("{:>3}| {}", row + 1, rows[row]));
    }
    rows_ = std::move(rows);
  }

  void AddLine(const TerminalEvent& event, char mark, std::string_view text) {
    if (options_.line) options_.line(event, mark, text);
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
  Screen screen_;
  LineEnds line_ends_;
  TypedLine input_;
  const TerminalEvent* printed_ = nullptr;  // the last that printed
  std::optional<std::string> shown_;        // of the line that the cursor is on
  std::vector<std::string> rows_;           // of the alternate screen, as told last
  std::string text_;
};

}  // namespace

std::string RenderText(const Recording& recording, const TextOptions& options) {
  return TextMaker(recording, options).Run();
}

}  // namespace spoor::replay
