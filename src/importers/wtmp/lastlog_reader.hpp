// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "event/event_source.hpp"
#include "importers/text/import_options.hpp"

namespace spoor::importers {

/// Reads lastlog(5) of glibc on x86 and 32-bit arm: the place of a record is the number of a user,
/// and each that ever logged in is a line of "lastlog". The file has no marks: its name tells.
std::unique_ptr<event::EventSource> MakeLastlogReader(const ImportOptions& options);
bool LooksLikeLastlog(std::string_view first_bytes);

}  // namespace spoor::importers
