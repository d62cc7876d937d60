// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace spoor::replay {

/// Makes recorded output safe to show on one's own terminal: draws as it did, but cannot make the
/// terminal answer (what it answers would be typed into the analyst's shell), write the clipboard,
/// print, report the mouse or change its title. Lets through what is known to be harmless and drops
/// all else; docs/formats/replay.md lists both. Works on a stream: sequences may be cut anywhere.
class PlaybackFilter {
 public:
  std::string Filter(std::string_view bytes);
  /// What had begun and was never ended is dropped.
  void Finish() { pending_.clear(); }

 private:
  std::string pending_;
  bool in_string_ = false;  ///< inside an OSC, DCS … of which nothing is kept
};

}  // namespace spoor::replay
