// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "queries/query.hpp"
#include "store/store.hpp"

namespace spoor::queries {

/// name=value as a user writes it.
struct NamedText {
  std::string name;
  std::string text;
};

/// Each of `words` as name=value. Fails: kInvalidArgument (which is not).
Result<std::vector<NamedText>> ParseArguments(std::span<const std::string> words);

/// All questions: those built in, and the user's own.
class Library {
 public:
  /// The built-in queries and the *.sql files in `folders`. Fails: kInvalidArgument (a header is
  /// not complete, a name is taken, queries read each other in a circle), kIo, kNotFound (folder).
  static Result<Library> Load(const std::vector<std::filesystem::path>& folders);
  /// Exactly these, which may read each other. Fails as Load.
  static Result<Library> Of(std::vector<Query> queries);
  /// Load with the folders that $SPOOR_QUERIES names, separated by colons.
  static Result<Library> LoadFromEnvironment();

  /// Each behind those it reads.
  const std::vector<Query>& queries() const { return queries_; }
  /// Fails: kNotFound (with the names that are like it).
  Result<const Query*> Find(std::string_view name) const;

  /// `names` and everything that they read, also through other queries: tables and queries.
  std::set<std::string> Reach(std::vector<std::string> names) const;

  /// The views that cost the whole store and that are read by more than one way to answer `query`
  /// (`of_session`: a session is among its arguments), each behind those it reads: to be made once
  /// (store::Store::Keep). Valid as long as the library is.
  std::vector<std::string_view> ReadAgain(const Query& query, bool of_session) const;

  /// All views that cost the whole store, each behind those it reads: for who asks nearly every
  /// question of one store. Valid as long as the library is.
  std::vector<std::string_view> WholeStoreViews() const;

  /// Makes all queries known to `store`. Fails: kInvalidArgument (SQL: which file).
  Result<> Define(store::Store& store) const;

  /// The SQL that asks `name` with `arguments`, values quoted; relative times count back from
  /// `now_wall_ns`; `store` (with the library defined) tells which process a pid is.
  /// Fails: kNotFound (query, process), kInvalidArgument (argument unknown, missing, not of its
  /// type).
  Result<std::string> Render(std::string_view name, const std::vector<NamedText>& arguments,
                             store::Store& store, std::int64_t now_wall_ns) const;
  /// As Render, and narrows `store` to what the answer rests on; whoever asks widens it again
  /// (store::Narrowed).
  Result<std::string> RenderNarrowed(std::string_view name, const std::vector<NamedText>& arguments,
                                     store::Store& store, std::int64_t now_wall_ns) const;

 private:
  Library() = default;
  Result<> Order();
  /// The arguments as SQL literals, by parameter. Fails as Render.
  Result<std::map<std::string, std::string>> RenderValues(const Query& query,
                                                          const std::vector<NamedText>& arguments,
                                                          store::Store& store,
                                                          std::int64_t now_wall_ns) const;

  std::vector<Query> queries_;
};

/// `name(process, path, [start], [end])`: how a query is called.
std::string Signature(const Query& query);

/// The session that `text` names: its id, or any process in it. Fails: kNotFound, kInvalidArgument.
Result<std::int64_t> FindSession(store::Store& store, std::string_view text);

}  // namespace spoor::queries
