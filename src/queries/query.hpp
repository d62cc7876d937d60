// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

/// The questions: one .sql file each, with a header that says what it answers.
namespace spoor::queries {

struct Parameter {
  std::string name;
  /// "process" (id or pid), "session" (its id, or a process in it), "time" (wall clock, ns),
  /// "text", "integer", "integers" (list), "structs" (list; for other queries only).
  std::string type;
  std::string meaning;
  bool optional = false;  ///< has a default: marked [default] in the header
};

struct QueryColumn {
  std::string name;
  std::string type;  ///< SQL type
  std::string meaning;
};

/// One question, as its file tells it.
struct Query {
  enum class Form { kView, kTableMacro, kScalarMacro };

  std::string name;
  Form form = Form::kView;
  std::string question;
  std::vector<std::string> reads;  ///< tables and other queries
  std::vector<Parameter> parameters;
  std::vector<QueryColumn> columns;
  std::string narrows;  ///< what the answer rests on (narrowing.hpp); empty: may be everything
  bool costs_whole_store = false;  ///< a view that reads all of its tables, whoever asks
  std::string needs;               ///< what must have been recorded; empty: nothing special
  std::string limits;              ///< what the answer cannot tell
  std::string source;
  std::string sql;        ///< the whole file: one CREATE OR REPLACE MACRO or VIEW
  std::string origin;     ///< file it comes from; empty: built in, or out of a bundle
  bool built_in = false;  ///< part of this program, so that it need not be checked

  /// Parts of other questions: not listed, but callable.
  bool internal() const { return name.starts_with('_'); }
};

/// Reads the header of a query file (house rules: question, reads, parameter…, column…, needs,
/// limits, source; a line that begins with spaces behind "--" goes on with the one before).
/// Fails: kInvalidArgument (a key is missing or unknown, the statement does not create `name`).
Result<Query> ParseQuery(std::string_view name, std::string_view sql, std::string_view origin);

/// The tables and queries that the statement of `sql` really names behind FROM, JOIN or before a
/// parenthesis, as far as they are among `known`; sorted. What `reads` must be.
std::vector<std::string> NamesUsed(std::string_view sql, const std::vector<std::string>& known);

}  // namespace spoor::queries
