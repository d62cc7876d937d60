// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "analysis/open_store.hpp"
#include "event/event_source.hpp"
#include "wire/batch_sealer.hpp"

/// Foreign files become evidence as they are (a recording of their bytes), so that the tables can
/// be made again from them at any time.
namespace spoor::analysis {

/// The kind of files of `spoor export` and `spoor prove` (proof/transfer.hpp), which ImportFiles
/// does not take.
inline constexpr const char* kEvidenceKind = "evidence";

/// What a file seems to be, from its beginning. Fails: kInvalidArgument (it can not be told), kIo,
/// kNotFound.
Result<std::string> DetectKind(const std::string& path);

/// Whether files of the kind are captures, of which there are flows of packets.
bool HasPackets(std::string_view kind);

/// What was taken of a file.
struct ImportedFile {
  ingest::ImportDescription description;
  std::uint64_t event_count = 0, flow_count = 0, alert_count = 0, fingerprint_count = 0,
                log_line_count = 0, lost_count = 0;
  event::SourceCounts source;

  void Count(const event::Findings& findings);
};

/// Now, of a batch of an import.
wire::BatchSealer::Moment ImportMoment();

struct ImportFilesOptions {
  StoreLayout layout;
  std::string kind;                ///< empty: detected for each file
  std::string host;                ///< of events that do not name one
  bool again = false;              ///< also files whose bytes are in the store already
  std::optional<int> year{};       ///< of the first line, where lines have none
  std::string date{};              ///< likewise, "2024-01-02"
  std::int64_t utc_offset_ns = 0;  ///< local time minus UTC, where times have no zone
  std::optional<ingest::FlowTimeouts> flow_timeouts{};  ///< of packets
  std::string fingerprint_database{};                   ///< likewise
  std::optional<std::int64_t> clock_offset_ns{};        ///< of the source: stored, never applied
  std::vector<std::string> files;
  std::function<void(const ImportedFile&)> done{};  ///< it is in the evidence
  Narration narration{};
};

/// Reads all files before anything is stored, so that bad input stores nothing; then each becomes a
/// recording of the evidence, and the tables are brought up to date. Fails: kInvalidArgument (which
/// file and where; the same bytes again, in the store or among the files), kIo, kNotFound.
Result<> ImportFiles(const ImportFilesOptions& options);

}  // namespace spoor::analysis
