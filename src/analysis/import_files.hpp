// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "analysis/open_store.hpp"

/// Foreign files become evidence as they are (a recording of their bytes), so that the tables can
/// be made again from them at any time.
namespace spoor::analysis {

/// The kind of files of `spoor export` and `spoor prove` (proof/transfer.hpp), which ImportFiles
/// does not take.
inline constexpr const char* kEvidenceKind = "evidence";

/// What a file seems to be, from its beginning. Fails: kInvalidArgument (it can not be told), kIo,
/// kNotFound.
Result<std::string> DetectKind(const std::string& path);

struct ImportedFile {
  ingest::ImportDescription description;
  std::uint64_t event_count = 0;
};

struct ImportFilesOptions {
  StoreLayout layout;
  std::string kind;    ///< empty: detected for each file
  std::string host;    ///< of events that do not name one
  bool again = false;  ///< also files whose bytes are in the store already
  std::vector<std::string> files;
  std::function<void(const ImportedFile&)> done{};  ///< it is in the evidence
  Narration narration{};
};

/// Reads all files before anything is stored, so that bad input stores nothing; then each becomes a
/// recording of the evidence, and the tables are brought up to date. Fails: kInvalidArgument (which
/// file and where; the same bytes again), kIo, kNotFound.
Result<> ImportFiles(const ImportFilesOptions& options);

}  // namespace spoor::analysis
