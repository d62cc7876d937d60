// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "replay/recording.hpp"

namespace spoor::replay {

/// What was typed, every key visible: [BS], [DEL], [TAB], [UP], ^C, \000; a byte that is not UTF-8
/// as \ooo. Carriage return and line feed end a line and are not shown.
std::string VisibleKeys(std::string_view typed);

struct TextOptions {
  bool input_only = false;
  /// Hears of each line what it is of, its mark ('>', '<' or '*') and what stands behind that; may
  /// be empty.
  std::function<void(const TerminalEvent& event, char mark, std::string_view text)> line{};
};

/// One line each: "[2026-11-21 20:31:35.123] bash[4711] > typed", "<" printed, "*" markers. Lines
/// come when they were ended; typed ones carry the time of their first key, printed ones the time
/// and the process of their end. Printed lines are as they stood on the screen (screen.hpp); of a
/// program that has the whole screen, the rows that changed come before each key, as they were
/// then.
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
