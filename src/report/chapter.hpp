// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/rows.hpp"
#include "report/story.hpp"

/// The parts that Tell puts a story together from. Internal to this folder.
namespace spoor::report {

/// What the story is about.
struct Subject {
  std::optional<std::int64_t> session_id;
  std::int64_t root_process_id = 0;
  std::optional<Row> session;  ///< its row of the query sessions
  std::optional<std::int64_t> begin_wall_ns, end_wall_ns;
  std::string host;
  std::vector<std::string> reasons;  ///< why this one was picked, where it was

  /// "session := 5" or "process := 5": for queries that take either.
  std::string Scope() const;
  /// "session=5" or "process=5": the same on the command line.
  std::string CommandScope() const;
};

inline constexpr const char* kNobodyBecameRoot = "No process of it was seen to become root.";

struct Chapters {
  store::Store& store;
  const Subject& subject;
  std::string store_words;
  mutable std::map<std::string, std::vector<Row>> answers;  ///< of Ask: some chapters ask the same

  Result<Section> Entry() const;                    // who came in, over which connection
  Result<Section> AddLogin(Section section) const;  // to the entry: under which name
  /// Through which other sessions of the host: sentences, or nothing.
  Result<std::string> WayHere(const Row& session) const;
  Result<Section> Hole() const;       // what they sent
  Result<Section> Processes() const;  // the tree
  Result<Section> Root() const;       // who became root, by what
  Result<Section> Files() const;
  Result<> TellSecrets(Section& section) const;  // read by others than whose work it is
  Result<Section> Programs() const;              // written here, then executed
  Result<Section> FlowsOut() const;
  Result<> TellTakenByOthers(Section& section) const;
  Result<Section> Taken() const;  // read from files, and may have left over a connection
  Result<Section> Persistence() const;
  Result<Section> Removed() const;  // logs, times, own files
  Result<Section> Related() const;  // other sessions, by address, key and cause
  Result<Section> Terminals() const;
  Result<Section> Causes() const;  // the causal path from the entry, and what came of it
  Result<Section> Gaps(bool& incomplete) const;
  Result<Section> Next() const;  // commands

  /// Rows of `query` with the subject's scope put in for {scope}.
  Result<std::vector<Row>> Ask(std::string_view query) const;
  /// The files whose change will run, or let someone in, again, or was seen to run: a row for each
  /// file and name, and one for each user who executed it afterwards.
  Result<std::vector<Row>> PersistenceRows() const;
};

/// By which rows of PersistenceRows are told together: the name that counts, where a file was
/// changed under another one.
std::string WellKnownName(const Row& row);

}  // namespace spoor::report
