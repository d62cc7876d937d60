// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "store/catalog.hpp"

namespace spoor::store {

/// The tables that segments hold, in the order of kTableNames.
enum class Table : std::uint8_t {
  kHost,
  kRecording,
  kProcess,
  kExec,
  kCredentialChange,
  kEvent,
  kObject,
  kObjectName,
  kSocket,
  kFlow,
  kIo,
  kTerminal,
  kGap,
  kEvidenceBatch,
};
inline constexpr std::array<std::string_view, 14> kTableNames{
    "host",        "recording", "process", "exec", "credential_change", "event", "object",
    "object_name", "socket",    "flow",    "io",   "terminal",          "gap",   "evidence_batch"};

/// Takes the rows of one table, column by column in the order of segments.sql's tables. A column of
/// the wrong type or a row of the wrong width is a programmer error.
class TableWriter {
 public:
  virtual ~TableWriter() = default;
  virtual TableWriter& Integer(std::int64_t value) = 0;    ///< BIGINT
  virtual TableWriter& Unsigned(std::uint64_t value) = 0;  ///< UBIGINT; BIGINT: at most 2^63 - 1
  virtual TableWriter& Boolean(bool value) = 0;
  /// Bytes that are not UTF-8 are spelled as \xHH (event::MakeUtf8).
  virtual TableWriter& Text(std::string_view value) = 0;
  virtual TableWriter& Texts(const std::vector<std::string>& values) = 0;
  virtual TableWriter& Blob(std::string_view value) = 0;
  virtual TableWriter& Null() = 0;
  virtual void EndRow() = 0;

  TableWriter& IntegerOrNull(std::optional<std::int64_t> value) {
    return value ? Integer(*value) : Null();
  }
  /// Empty text is NULL.
  TableWriter& TextOrNull(std::string_view value) { return value.empty() ? Null() : Text(value); }
};

/// Collects rows in memory and writes them as sorted Parquet segments. Not thread-safe.
class SegmentWriter {
 public:
  struct Options {
    StoreLayout layout;
    std::string recording_id;      ///< 32 hex digits
    std::uint64_t generation = 0;  ///< part of the file names: never used twice in a store
  };
  static Result<std::unique_ptr<SegmentWriter>> Open(const Options& options);
  virtual ~SegmentWriter() = default;

  virtual TableWriter& table(Table table) = 0;
  /// Says that rows of `host_id` at `wall_ns` are among those of event and io: their segments are
  /// split by host and UTC day.
  virtual void NotePartition(std::int64_t host_id, std::string_view host, std::int64_t wall_ns) = 0;
  /// Rows taken since the last Write, and about how many bytes they are.
  virtual std::uint64_t row_count() const = 0;
  virtual std::uint64_t held_bytes() const = 0;
  /// Writes all rows as new segments (durable, but not yet in any catalog). On failure (kIo: disk
  /// full) the files of this call are removed again. Takes no more rows until Restart.
  virtual Result<std::vector<Segment>> Write(std::uint64_t first_entry,
                                             std::uint64_t last_entry) = 0;
  /// Forgets all rows, to take new ones.
  virtual Result<> Restart() = 0;
};

}  // namespace spoor::store
