// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "replay/recording.hpp"

namespace spoor::replay {

/// What was typed, every key visible: [BS], [DEL], [TAB], [UP], ^C, \000; a byte that is not UTF-8
/// as \ooo. Carriage return and line feed end a line and are not shown.
std::string VisibleKeys(std::string_view typed);

/// What one line of output looks like on the screen in the end: carriage returns, backspaces and
/// the common sequences of line editors are carried out, all other sequences left out, other
/// control characters shown as ^X. No control character is left in it.
class ScreenLine {
 public:
  /// One whole line, without its line feed.
  static std::string Render(std::string_view line);
};

struct TextOptions {
  bool input_only = false;
};

/// One line each: "[2026-11-21 20:31:35.123] bash[4711] > typed", "<" printed, "*" markers. Lines
/// come when they were ended; typed ones carry the time of their first key, printed ones the time
/// and the process of their end.
std::string RenderText(const Recording& recording, const TextOptions& options);

/// Adds the carriage returns that a terminal adds to line feeds, as playback needs them.
class LineEnds {
 public:
  explicit LineEnds(const Recording& recording) : needed_(recording.line_feeds_only) {}
  std::string Apply(std::string_view bytes);

 private:
  bool needed_;
  char last_ = 0;
};

/// "[… 312 bytes not captured …]"
std::string MissingText(std::uint64_t missing_bytes);

}  // namespace spoor::replay
