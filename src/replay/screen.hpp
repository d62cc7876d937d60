// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace spoor::replay {

/// What a terminal shows after bytes were printed on it (libvterm). Any bytes may come; what is
/// given back holds no control character and nothing that changes how text around it is shown.
class Screen {
 public:
  /// Sizes are brought into 1 to 300 rows and 2 to 1000 columns.
  Screen(std::int64_t rows, std::int64_t columns);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  /// Keeps what is shown around the cursor; scroll region, modes and saved cursor are given up.
  void Resize(std::int64_t rows, std::int64_t columns);
  void Print(std::string_view bytes);
  /// A line feed; true if it ended the line that the cursor was on (inside a control sequence it
  /// does not).
  bool PrintLineFeed();

  /// Whether a program has the whole screen for itself (the alternate screen).
  bool is_alternate() const;
  /// The line that the cursor is on, with the rows from which it was wrapped.
  std::string CursorLine() const;
  /// All rows, without spaces at their ends.
  std::vector<std::string> Rows() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace spoor::replay
