// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "event/event_source.hpp"
#include "importers/text/import_options.hpp"

namespace spoor::importers {

/// Reads what was recorded of Sebek: a capture (as MakeCaptureSource does, but every packet that
/// can be a record of Sebek is one), or the output of sbk_extract: before each record the second
/// and microsecond of the capture, in either byte order, and the address of the sender.
std::unique_ptr<event::EventSource> MakeSebekSource(const ImportOptions& options);
/// The output of sbk_extract; captures are found to be captures.
bool LooksLikeSebek(std::string_view first_bytes);

}  // namespace spoor::importers
