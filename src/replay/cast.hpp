// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "replay/recording.hpp"

namespace spoor::replay {

struct CastOptions {
  int version = 2;  ///< 2 or 3
  std::optional<std::int64_t> idle_max_ns =
      {};  ///< becomes idle_time_limit; times stay as they were
};

/// An asciicast (docs.asciinema.org) of a recording: events o, i, r, and m for markers.
struct Cast {
  std::string text;  ///< newline-delimited JSON
  /// asciicast holds UTF-8 only. One JSON object a line for each event whose bytes were not:
  /// {"event": line number in `text` (the header is line 1), "code", "data_base64"}. Empty: none.
  std::string raw;
};
Cast MakeCast(const Recording& recording, const CastOptions& options);

}  // namespace spoor::replay
