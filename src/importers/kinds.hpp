// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "event/event_source.hpp"
#include "importers/text/import_options.hpp"

namespace spoor::importers {

/// One kind of foreign file.
struct ImporterKind {
  std::string_view name;     ///< of --kind
  std::string_view meaning;  ///< one line
  /// Whether a file that begins with these bytes (4 KiB, or all of it) looks like one.
  bool (*looks_like)(std::string_view first_bytes);
  std::unique_ptr<event::EventSource> (*make)(const ImportOptions& options);
  /// One bad record makes the whole file bad, so that nothing of it is stored.
  bool all_or_nothing = false;
  std::string_view record_name = "records";  ///< what SourceCounts counts
};

/// In the order in which they are tried.
std::span<const ImporterKind> ImporterKinds();

/// Null: there is no such kind.
const ImporterKind* FindImporterKind(std::string_view name);
/// The kind that a file with these first bytes looks like; null: none. A file that is compressed
/// is what it is inside, of which kCompressedBeginningBytes tell. `file_name`, without folders,
/// tells apart what looks alike (btmp, wtmp) and tells what has no marks (.bash_history); it may be
/// empty.
const ImporterKind* DetectImporterKind(std::string_view first_bytes,
                                       std::string_view file_name = {});

/// Reads a file of `kind`, also when it is compressed (compressed_source.hpp).
std::unique_ptr<event::EventSource> MakeImporter(const ImporterKind& kind,
                                                 const ImportOptions& options);

}  // namespace spoor::importers
