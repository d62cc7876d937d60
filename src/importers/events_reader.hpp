// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "event/event_source.hpp"

namespace spoor::importers {

/// What a line may be long; longer ones are refused.
inline constexpr std::size_t kEventLineBytesMax = 1 << 20;

/// Reads the event text format (docs/formats/events.md): one JSON object per line. Errors say
/// "line N: …".
/// `default_host`: host of events that do not name one.
std::unique_ptr<event::EventSource> MakeEventsReader(std::string default_host);

/// Whether a file that begins with `first_bytes` looks like the event text format.
bool LooksLikeEvents(std::string_view first_bytes);

}  // namespace spoor::importers
