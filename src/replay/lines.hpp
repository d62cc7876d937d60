// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "replay/recording.hpp"

namespace spoor::replay {

/// One line of what `spoor replay --text` tells, with what it is made of.
struct Line {
  EventType type = EventType::kOutput;  ///< kInput: typed; kOutput: printed; kMarker: all else
  std::int64_t boot_ns = 0;             ///< typed: its first key; printed: its end
  std::int64_t process_id = 0;          ///< 0: not known
  std::string text;  ///< no control character in it; typed: with corrections carried out
  std::string keys;  ///< typed: every key visible (VisibleKeys)
  bool echo_off = false;
};

/// By boot_ns.
std::vector<Line> LinesOf(const Recording& recording);

/// What is left of typed keys when backspace, ^U and ^W have done their work.
std::string Corrected(std::string_view typed);

}  // namespace spoor::replay
