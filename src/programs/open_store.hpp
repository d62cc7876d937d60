// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/exit_code.hpp"
#include "base/store_layout.hpp"
#include "store/store.hpp"

/// What every subcommand that answers questions needs: the store, up to date, and a way to print
/// rows.
namespace spoor::programs {

/// Ingests what the evidence has and the tables have not, opens the store and defines the query
/// library. A store that cannot be written to (no permission, full disk) is opened as far as it was
/// ingested, and stderr says so. Fails: kNotFound, kUnverified (evidence), kCorrupt (a segment).
Result<std::unique_ptr<store::Store>> OpenStoreForReading(const std::string& folder);

/// Ingests what is new. Progress goes to stderr when that is a terminal.
Result<> IngestNewEvidence(const StoreLayout& layout);

enum class Format { kTable, kJson, kCsv };

/// Adds --json and --csv.
struct FormatFlags {
  bool json = false;
  bool csv = false;
  Format format() const { return json ? Format::kJson : csv ? Format::kCsv : Format::kTable; }
};

/// Prints all rows to stdout and returns their number. Table: aligned columns, times of columns
/// named *wall_ns as RFC 3339, control characters visible. JSON: an object per line, BLOBs as
/// base64, all integers as they are. CSV: RFC 4180 with a header.
Result<std::uint64_t> PrintRows(store::RowReader& rows, Format format);

/// Runs `query` and prints its rows, with progress on stderr when that is a terminal and it takes
/// long. Ctrl-C ends it with "interrupted". Returns the number of rows.
Result<std::uint64_t> RunAndPrint(store::Store& store, const std::string& query,
                                  const std::vector<store::Value>& parameters, Format format);

}  // namespace spoor::programs
