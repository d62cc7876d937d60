// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace spoor::replay {

/// Size in bytes of the escape sequence (ECMA-48) that `text` begins with: ESC and what belongs to
/// it, the string terminator included. Nothing where `text` ends inside it.
std::optional<std::size_t> EscapeSequenceSize(std::string_view text);

/// ESC [ parameters intermediates final. `final` is 0 if `sequence` is not of that form.
struct ControlSequence {
  char final = 0;
  std::string_view parameters;     ///< "?25", "1;31"
  std::string_view intermediates;  ///< usually empty
  std::size_t parameter = 0;       ///< the first number; 0: none
};
ControlSequence ControlSequenceOf(std::string_view sequence);

}  // namespace spoor::replay
