// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "event/event_source.hpp"
#include "importers/kinds.hpp"

namespace spoor::importers {

/// All that a reader made of a text.
struct Reading {
  event::Findings findings;
  event::SourceCounts counts;
  std::string error;
};

/// Reads `text` as a file of `kind`, in parts of `part_bytes`.
inline Reading ReadAs(std::string_view kind, std::string_view text, const ImportOptions& options,
                      std::size_t part_bytes = 1 << 16) {
  Reading reading;
  const std::unique_ptr<event::EventSource> reader = MakeImporter(*FindImporterKind(kind), options);
  Result<> result;
  while (result && !text.empty()) {
    result = reader->Feed(AsBytes(text.substr(0, part_bytes)), reading.findings);
    text.remove_prefix(std::min(part_bytes, text.size()));
  }
  if (result) result = reader->Finish(reading.findings);
  if (!result) reading.error = result.error().message;
  reading.counts = reader->counts();
  return reading;
}

inline Reading ReadAs(std::string_view kind, std::string_view text) {
  return ReadAs(kind, text, ImportOptions{.host = "h", .time = {}});
}

}  // namespace spoor::importers
