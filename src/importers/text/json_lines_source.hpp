// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "event/event_source.hpp"

namespace spoor::importers {

/// Whether a file that begins so has its JSON objects in an array, or over several lines each, as
/// tools print for people.
bool LooksLikeJsonText(std::string_view first_bytes);

/// Its objects, each as a line.
std::string JsonLinesOf(std::string_view text);

/// Hands the bytes to `inner`, of a file for which LooksLikeJsonText each object as a line. What is
/// between objects and is no JSON becomes a line, too, for `inner` to count. Memory: some bytes.
std::unique_ptr<event::EventSource> MakeJsonLinesSource(std::unique_ptr<event::EventSource> inner);

}  // namespace spoor::importers
