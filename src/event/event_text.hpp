// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "event/event.hpp"

namespace spoor::event {

/// `event` as one line of the event text format (docs/formats/events.md), without the line end. All
/// identities and times are spelled out; members that have their defaults are left out. Text that
/// is not UTF-8 (file names can be anything) keeps its bytes in the form of MakeUtf8.
std::string EventText(const Event& event);

/// `text` with each byte that is not part of valid UTF-8 spelled as \xHH.
std::string MakeUtf8(std::string_view text);

}  // namespace spoor::event
