// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analysis/open_store.hpp"
#include "queries/gaps.hpp"
#include "queries/library.hpp"

/// Questions of the library, with what could not be seen.
namespace spoor::analysis {

/// Something that was not seen, while rows of an answer may have happened.
struct Gap {
  std::string loss_class;
  std::optional<std::int64_t> count;  ///< records; nothing: not known
  std::string reason;
  std::int64_t from_wall_ns = 0, until_wall_ns = 0;
  std::string host;
  std::string recording_id;
};

/// The gaps of `window`, by their begin.
Result<std::vector<Gap>> GapsIn(store::Store& store, const queries::GapWindow& window);

/// How an answer is taken.
struct Taking {
  std::int64_t now_wall_ns = 0;  ///< relative times count back from it
  /// Reads the rows, all or as many as are wanted, and returns their number.
  std::function<Result<std::uint64_t>(store::RowReader& rows)> read;
  /// Made before the question is asked, and gone when its rows were read (QueryWatch); may be
  /// empty.
  std::function<std::shared_ptr<void>(store::Store&)> watch{};
};

struct Told {
  std::uint64_t row_count = 0;
  std::vector<Gap> gaps;  ///< that could hide rows of the answer
  /// kIncomplete where there are gaps, or evidence that `store` does not show; else kNone or kDone.
  ExitCode Judge(const ReadableStore& store) const;
};

/// Asks `query` of `library`. Fails as queries::Library::Render, as the store and as `read` do.
Result<Told> Ask(store::Store& store, const queries::Library& library, const queries::Query& query,
                 const std::vector<queries::NamedText>& arguments, const Taking& taking);

}  // namespace spoor::analysis
