// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/exit_code.hpp"
#include "base/store_layout.hpp"
#include "ingest/catch_up.hpp"
#include "store/store.hpp"

/// What every subcommand that answers questions needs: the store, up to date, and a way to print
/// rows.
namespace spoor::programs {

/// A store that questions are asked of, and whether all evidence is in its tables.
class ReadableStore {
 public:
  ReadableStore(std::unique_ptr<store::Store> store, bool incomplete)
      : store_(std::move(store)), incomplete_(incomplete) {}
  store::Store& operator*() const { return *store_; }
  store::Store* operator->() const { return store_.get(); }
  /// The exit code of an answer: whatever it says, it is kIncomplete where there is evidence that
  /// the tables do not show.
  ExitCode Judge(ExitCode code) const;

 private:
  std::unique_ptr<store::Store> store_;
  bool incomplete_;
};

/// Ingests what the evidence has and the tables have not, opens the store and defines the query
/// library. Where that cannot be (no permission, full disk, a rebuild, an entry that this build
/// cannot read)
/// the store is opened as far as it was ingested, without a byte written into it, and stderr says
/// which entries are not shown. Fails: kNotFound, kUnverified (evidence), kCorrupt (a segment).
Result<ReadableStore> OpenStoreForReading(const std::string& folder);

/// The store as far as it was ingested, without looking for more. Fails: kNotFound (nothing was),
/// kCorrupt.
Result<std::unique_ptr<store::Store>> OpenIngestedStore(const std::string& folder);

/// Ingests what is new. Progress goes to stderr when that is a terminal. Unless it waits for a
/// rebuild of the same store in another process: kUnavailable (CatchUpOptions::wait_for_rebuild).
Result<> IngestNewEvidence(const StoreLayout& layout, bool wait_for_rebuild = true);

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

/// The readers of imported files, by kind.
Result<std::unique_ptr<event::EventSource>> MakeImporter(
    const ingest::ImportDescription& description);

}  // namespace spoor::programs
