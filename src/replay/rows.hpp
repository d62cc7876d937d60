// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "replay/recording.hpp"

/// From rows of the tables io and terminal to the events of a recording. Internal to this folder.
namespace spoor::replay {

struct State {
  std::optional<std::int64_t> rows, columns;
  std::optional<bool> echo, canonical;
};

/// A row of io.
struct IoRow {
  std::int64_t event_id = 0, process_id = 0, boot_ns = 0;
  bool out = false;  ///< a write
  bool pty_master = false;
  std::uint64_t size_bytes = 0;
  std::optional<std::string> data;
  State state;
};

/// A row of terminal.
struct StateRow {
  std::int64_t event_id = 0, process_id = 0, boot_ns = 0;
  State state;
};

/// Chooses the sides and makes output, input and resize events; both inputs by boot_ns. `title`,
/// `processes`, markers and gaps are left to the caller.
Recording Combine(const std::vector<IoRow>& rows, const std::vector<StateRow>& states);

}  // namespace spoor::replay
