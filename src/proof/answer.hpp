// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/scratch_folder.hpp"
#include "ingest/catch_up.hpp"
#include "queries/gaps.hpp"
#include "queries/library.hpp"
#include "store/store.hpp"

namespace spoor::proof {

/// A question as it is asked of a store.
struct AskedQuestion {
  std::string sql;
  std::optional<queries::GapWindow> gaps;
};

/// What a store says to it: JSON objects without newlines, as `spoor query --json` prints them.
struct Answer {
  std::vector<std::string> rows;
  std::vector<std::string> gaps;
};
/// What a program wants to exist while a store is asked (something that lets Ctrl-C interrupt it).
/// May be empty.
using StoreWatch = std::function<std::shared_ptr<void>(store::Store&)>;
/// Fails: kInvalidArgument (SQL; or more than 256 MiB of rows), what the store fails with.
Result<Answer> Ask(store::Store& store, const AskedQuestion& question, const StoreWatch& watch);

/// How two answers differ, as a part of a sentence ("row 3 …"); nothing when they have the same
/// rows, in whatever order.
std::optional<std::string> DifferenceOf(const std::vector<std::string>& claimed,
                                        const std::vector<std::string>& derived);

/// Lines of a file, each ended by a newline, as Answer has them.
std::vector<std::string> LinesOf(std::string_view text);
std::string TextOfLines(const std::vector<std::string>& lines);

/// A store made from entries, in a temporary folder of its own that goes away with it.
class DerivedStore {
 public:
  struct Options {
    ingest::CatchUpOptions ingest;
    ingest::FeedOrigin origin;
    std::uint64_t memory_bytes_max = 0;  ///< of questions (store::OpenStoreOptions)
  };
  /// Makes it and defines `library`, whose queries must not take the place of a table. Fails:
  /// kInvalidArgument (a query), what `feed` fails with, kIo (no room).
  static Result<std::unique_ptr<DerivedStore>> Make(const ingest::EntryFeed& feed,
                                                    const Options& options,
                                                    const queries::Library& library);
  DerivedStore(const DerivedStore&) = delete;
  DerivedStore& operator=(const DerivedStore&) = delete;
  store::Store& store() { return *store_; }

 private:
  explicit DerivedStore(ScratchFolder folder) : folder_(std::move(folder)) {}
  const ScratchFolder folder_;  // outlives the store in it
  std::unique_ptr<store::Store> store_;
};

}  // namespace spoor::proof
