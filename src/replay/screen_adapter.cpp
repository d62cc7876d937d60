// SPDX-License-Identifier: Apache-2.0
// libvterm knows rows; which of them are one line that was wrapped is told by us: where the line
// began, and that the rows between are full.
#include <fmt/format.h>
#include <vterm.h>

#include <algorithm>

#include "base/visible_text.hpp"
#include "replay/playback_filter.hpp"
#include "replay/screen.hpp"

namespace spoor::replay {
namespace {

constexpr std::int64_t kRowsMax = 300;
constexpr std::int64_t kColumnsMax = 1000;
/// libvterm marks the second cell of a wide character so.
constexpr std::uint32_t kBehindWide = 0xffffffff;

int RowsOf(std::int64_t rows) {
  return static_cast<int>(std::clamp<std::int64_t>(rows, 1, kRowsMax));
}
int ColumnsOf(std::int64_t columns) {
  return static_cast<int>(std::clamp<std::int64_t>(columns, 2, kColumnsMax));
}

void AppendUtf8(std::uint32_t code, std::string& text) {
  const auto put = [&text](std::uint32_t byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | (code >> 18 & 0x07));
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

/// Finds the ends of REP (ECMA-48 8.3.103: ESC [ count b) in a stream. libvterm 0.1.4 never comes
/// back from one that follows nothing or a combining character, so it must not get any.
/// Strings (OSC, DCS) do not come here.
class RepeatFinder {
 public:
  /// Takes the next byte; whether it is the final byte of a REP.
  bool Ends(unsigned char byte) {
    if (byte == 0x18 || byte == 0x1a) {  // CAN, SUB
      state_ = State::kText;
      after_text_ = false;
    } else if (byte == 0x1b) {
      state_ = State::kEscape;
      count_ = 0;
    } else if (byte < 0x20 || byte == 0x7f) {  // done at once, whatever is around it
      if (byte != 0 && byte != 0x7f) after_text_ = false;
    } else if (state_ == State::kText) {
      after_text_ = true;
    } else if (state_ == State::kEscape) {
      state_ = byte == '[' ? State::kControl : byte < 0x30 ? State::kOther : State::kText;
      if (state_ == State::kText) after_text_ = false;
    } else if (state_ == State::kOther) {
      if (byte >= 0x30) state_ = State::kText;
      after_text_ = false;
    } else if (byte >= '0' && byte <= '9') {
      count_ = std::min<std::size_t>(count_ * 10 + (byte - '0'), kColumnsMax);
    } else if (byte >= 0x40 && byte < 0x7f) {
      state_ = State::kText;
      if (byte == 'b') return true;
      after_text_ = false;
    }
    return false;
  }
  std::size_t count() const { return std::max<std::size_t>(count_, 1); }
  /// Whether a character was printed directly before.
  bool after_text() const { return after_text_; }

 private:
  enum class State : std::uint8_t { kText, kEscape, kOther, kControl };
  State state_ = State::kText;
  std::size_t count_ = 0;
  bool after_text_ = false;
};

}  // namespace

struct Screen::State {
  State(int row_count, int column_count)
      : rows(row_count), columns(column_count), terminal(vterm_new(row_count, column_count)) {
    vterm_set_utf8(terminal, 1);
    screen = vterm_obtain_screen(terminal);
    callbacks.settermprop = [](VTermProp property, VTermValue* value, void* user) {
      if (property == VTERM_PROP_ALTSCREEN) static_cast<State*>(user)->alternate = value->boolean;
      return 1;
    };
    callbacks.sb_pushline = [](int, const VTermScreenCell*, void* user) {
      ++static_cast<State*>(user)->scrolled;
      return 1;
    };
    vterm_screen_set_callbacks(screen, &callbacks, this);
    vterm_screen_enable_altscreen(screen, 1);
    vterm_screen_reset(screen, 1);
  }
  ~State() { vterm_free(terminal); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  VTermPos Cursor() const {
    VTermPos cursor{};
    vterm_state_get_cursorpos(vterm_obtain_state(terminal), &cursor);
    return cursor;
  }

  void Write(std::string_view raw) {
    scrolled = 0;
    const std::string bytes = filter.Filter(raw);
    std::size_t written = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (!repeats.Ends(static_cast<unsigned char>(bytes[i]))) continue;
      Put(std::string_view(bytes).substr(written, i - written));
      written = i + 1;
      Put("\x18");  // CAN in place of the final byte: the sequence is given up
      if (repeats.after_text()) Repeat(repeats.count());
    }
    Put(std::string_view(bytes).substr(written));
    // What the terminal would answer to the program is nobody's business here.
    char answer[256];
    while (vterm_output_read(terminal, answer, sizeof answer) > 0) {
    }
    line_begin = std::clamp(line_begin - scrolled, 0, Cursor().row);
  }

  void Put(std::string_view bytes) { vterm_input_write(terminal, bytes.data(), bytes.size()); }

  /// REP: the character before the cursor `count` times more, to the end of the row at most.
  void Repeat(std::size_t count) {
    const VTermPos cursor = Cursor();
    VTermScreenCell cell{};
    VTermPos before{cursor.row, cursor.col - 1};
    if (before.col < 0 || vterm_screen_get_cell(screen, before, &cell) == 0) return;
    if (cell.chars[0] == kBehindWide && --before.col >= 0)
      vterm_screen_get_cell(screen, before, &cell);
    std::string character;
    for (const std::uint32_t code : cell.chars) {
      if (code == 0 || code == kBehindWide) break;
      AppendUtf8(code, character);
    }
    const auto room = static_cast<std::size_t>(std::max(columns - 1 - cursor.col, 0));
    for (std::size_t i = 0; i < std::min(count, room); ++i) Put(character);
  }

  bool IsFull(int row) const {
    VTermScreenCell cell{};
    return vterm_screen_get_cell(screen, {row, columns - 1}, &cell) != 0 && cell.chars[0] != 0;
  }

  /// The characters of a row, spaces at the end left out if `trimmed`.
  std::string Text(int row, bool trimmed) const {
    std::string text;
    for (int column = 0; column < columns; ++column) {
      VTermScreenCell cell{};
      if (vterm_screen_get_cell(screen, {row, column}, &cell) == 0) break;
      if (cell.chars[0] == kBehindWide) continue;
      if (cell.chars[0] == 0) text += ' ';
      for (const std::uint32_t code : cell.chars) {
        if (code == 0 || code == kBehindWide) break;
        AppendUtf8(code, text);
      }
    }
    if (trimmed) text.erase(text.find_last_not_of(' ') + 1);
    return text;
  }

  int rows, columns;
  VTerm* terminal;
  VTermScreen* screen = nullptr;
  VTermScreenCallbacks callbacks{};
  /// What draws nothing stays out: libvterm 0.1.4 reads beyond what it is given of a string (DCS).
  PlaybackFilter filter;
  RepeatFinder repeats;
  bool alternate = false;
  int scrolled = 0;    // rows that left at the top during the last write
  int line_begin = 0;  // row on which the line of the cursor began
};

Screen::Screen(std::int64_t rows, std::int64_t columns)
    : state_(std::make_unique<State>(RowsOf(rows), ColumnsOf(columns))) {}
Screen::~Screen() = default;

// libvterm 0.1.4 resizes badly: scroll regions and rows that are gone are written to. A new
// terminal gets what was shown, without its colours, which nobody asks for here. Full-screen
// programs draw themselves anew.
void Screen::Resize(std::int64_t rows, std::int64_t columns) {
  State& before = *state_;
  auto after = std::make_unique<State>(RowsOf(rows), ColumnsOf(columns));
  after->filter = std::move(before.filter);
  after->repeats = before.repeats;
  const VTermPos cursor = before.Cursor();
  const int first = std::max(cursor.row - (after->rows - 1), 0);
  const int last = std::min(first + after->rows, before.rows);
  std::string shown = before.alternate ? "\x1b[?1049h\x1b[?7l" : "\x1b[?7l";  // rows are cut
  for (int row = first; row < last; ++row) {
    shown += fmt::format("\x1b[{}H{}", row - first + 1, before.Text(row, true));
  }
  const int column = std::min(cursor.col, after->columns - 1);
  shown += fmt::format("\x1b[?7h\x1b[{};{}H", cursor.row - first + 1, column + 1);
  after->Put(shown);
  after->line_begin = after->Cursor().row;
  state_ = std::move(after);
}

void Screen::Print(std::string_view bytes) {
  state_->Write(bytes);
}

bool Screen::PrintLineFeed() {
  const int before = state_->Cursor().row;
  const bool at_bottom = before == state_->rows - 1;
  state_->Write("\n");
  const int after = state_->Cursor().row;
  if (after == before && !at_bottom) return false;
  state_->line_begin = after;
  return true;
}

bool Screen::is_alternate() const {
  return state_->alternate;
}

std::string Screen::CursorLine() const {
  const int last = state_->Cursor().row;
  int first = last;
  while (first > state_->line_begin && state_->IsFull(first - 1)) --first;
  std::string line;
  for (int row = first; row <= last; ++row) line += state_->Text(row, row == last);
  return VisibleText(line);
}

std::vector<std::string> Screen::Rows() const {
  std::vector<std::string> rows;
  for (int row = 0; row < state_->rows; ++row) rows.push_back(VisibleText(state_->Text(row, true)));
  return rows;
}

}  // namespace spoor::replay
