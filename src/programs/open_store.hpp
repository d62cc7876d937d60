// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "analysis/open_store.hpp"
#include "analysis/query_watch.hpp"
#include "base/exit_code.hpp"
#include "base/store_layout.hpp"
#include "store/store.hpp"

/// What every subcommand that answers questions needs: the store with what there is to tell about
/// it, and a way to print rows.
namespace spoor::programs {

/// As in analysis; progress goes to stderr when that is a terminal, and what is not shown, too.
Result<analysis::ReadableStore> OpenStoreForReading(const std::string& folder);
Result<> IngestNewEvidence(const StoreLayout& layout);

/// Tells stderr; shows progress there when that is a terminal.
analysis::Narration NarrationOnTerminal();

enum class Format { kTable, kJson, kCsv };

struct FormatFlags {
  bool json = false;
  bool csv = false;
  /// Declares --json and --csv.
  void AddTo(CLI::App& subcommand);
  Format format() const { return json ? Format::kJson : csv ? Format::kCsv : Format::kTable; }
};

/// Prints all rows to stdout and returns their number. Table: aligned columns, times of columns
/// named *wall_ns as RFC 3339, control characters visible. JSON: an object per line, BLOBs as
/// base64, all integers as they are. CSV: RFC 4180 with a header.
Result<std::uint64_t> PrintRows(store::RowReader& rows, Format format);

/// How long work shows itself and ends early: while it lives, the progress of `store`'s queries
/// goes to stderr (when that is a terminal and it takes longer than a second), and Ctrl-C
/// interrupts them instead of ending the program. So does the end of `time_max` (0: there is none),
/// and where that does not end them the program ends, with a message and kCannotRun.
class QueryWatch {
 public:
  explicit QueryWatch(store::Store& store, std::chrono::nanoseconds time_max = {});
  QueryWatch(const QueryWatch&) = delete;
  QueryWatch& operator=(const QueryWatch&) = delete;
  ~QueryWatch();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A QueryWatch for whoever cannot know of one.
std::shared_ptr<void> WatchQueries(store::Store& store);

/// Shows "NAME: done of to do" on stderr at most ten times a second, when that is a terminal.
std::function<void(std::uint64_t, std::uint64_t)> ProgressOnTerminal(std::string name);

}  // namespace spoor::programs
