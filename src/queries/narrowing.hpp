// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "store/store.hpp"

/// Which rows a question rests on, found by small look-ups before it is asked, so that it reads
/// these and not the store. The question stays as it is: it is asked of fewer rows, and its answer
/// is the same.
namespace spoor::queries {

/// Whether a header may say "narrows: `word`":
///   file     what had the name in the parameter `path`, and who wrote to it or emptied it
///   process  the process in the parameter `process` by itself
///   line     that process and those that it descends from
///   tree     that process and what descends from it, or the session in the parameter `session`;
///   and
///            those above, where it is asked which session a process is of; without either
///            parameter: everything
/// Of line and tree event_by_object is what anybody did under the names that they opened to make.
/// What a question reads of other processes and objects must not be in its answer.
bool IsNarrowing(std::string_view word);

/// `sessions`: the question asks which session a process is of. Narrows those tables of `store`
/// that are in `reach` (Library::Reach), as `word` says. `values`: the parameters given, as SQL
/// literals. Where too many rows are meant, or where they cannot be told by look-ups (processes
/// that created each other, names below renamed folders), a table stays whole. Fails as the store
/// does.
Result<> NarrowTo(store::Store& store, std::string_view word,
                  const std::map<std::string, std::string>& values,
                  const std::set<std::string>& reach, bool sessions);

/// As NarrowTo, to these processes with all that they descend from and all that descends from them,
/// for a question that reads of nobody else.
Result<> NarrowToKin(store::Store& store, const std::vector<std::int64_t>& process_ids,
                     const std::set<std::string>& reach);

}  // namespace spoor::queries
