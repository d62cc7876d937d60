// SPDX-License-Identifier: Apache-2.0
// Whatever an intruder prints: filtering it does not depend on how it is cut, what is kept is kept
// by a second filter too, and neither it nor the lines of --text hold anything that acts on a
// terminal.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.hpp"
#include "replay/playback_filter.hpp"
#include "replay/screen.hpp"
#include "replay/text.hpp"

namespace {

using spoor::replay::PlaybackFilter;

bool HoldsControl(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) return true;
  }
  return text.find("\xc2\x9b") != std::string_view::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t cut = data[0] % size;
  PlaybackFilter filter;
  const std::string whole = filter.Filter(bytes);
  PlaybackFilter pieces;
  std::string parts = pieces.Filter(bytes.substr(0, cut));
  parts += pieces.Filter(bytes.substr(cut));
  SPOOR_CHECK(parts == whole) << "depends on the cut";
  PlaybackFilter again;
  SPOOR_CHECK(again.Filter(whole) == whole) << "keeps what it drops the second time";
  SPOOR_CHECK(whole.find("\x1b]") == std::string::npos &&
              whole.find("\x1bP") == std::string::npos && whole.find('\x05') == std::string::npos)
      << "keeps what makes terminals act";
  const std::string_view line = bytes.substr(0, 4096);
  spoor::replay::Screen screen(data[0] % 30, data[0]);
  screen.Print(line.substr(0, line.size() / 2));
  screen.Resize(data[0] % 7, data[0] / 2);
  screen.PrintLineFeed();
  screen.Print(line.substr(line.size() / 2));
  SPOOR_CHECK(!HoldsControl(screen.CursorLine())) << "control in a line";
  for (const std::string& row : screen.Rows()) {
    SPOOR_CHECK(!HoldsControl(row)) << "control on the screen";
  }
  SPOOR_CHECK(!HoldsControl(spoor::replay::VisibleKeys(line))) << "control in keys";
  return 0;
}
