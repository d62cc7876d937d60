// SPDX-License-Identifier: Apache-2.0
// `spoor sql`: any query over the tables and the query library, from the command line, from a pipe,
// or line by line.
#include <fmt/format.h>
#include <histedit.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <iterator>

#include "programs/open_store.hpp"
#include "programs/print.hpp"
#include "programs/subcommand.hpp"

namespace spoor::programs {
namespace {

struct SqlOptions {
  std::string store;
  std::string query;
  FormatFlags format;
};

Result<std::uint64_t> RunQuery(store::Store& store, std::string_view query, Format format) {
  ASSIGN_OR_RETURN(const std::unique_ptr<store::RowReader> rows, store.Sql(query));
  return PrintRows(*rows, format);
}

char* FirstPrompt(EditLine*) {
  static char prompt[] = "spoor> ";
  return prompt;
}

char* NextPrompt(EditLine*) {
  static char prompt[] = "  ...> ";
  return prompt;
}

/// Whether `text` ends a statement: its last character is a semicolon.
bool IsComplete(std::string_view text) {
  const std::size_t last = text.find_last_not_of(" \t\r\n");
  return last != std::string_view::npos && text[last] == ';';
}

/// Reads statements with line editing until the end of input.
Result<ExitCode> RunInteractively(store::Store& store, Format format) {
  PrintError("Statements end with ';'. Ctrl-D ends. `SHOW TABLES;` lists the tables.\n");
  HistEvent history_event{};
  History* const lines = ::history_init();
  EditLine* const editor = el_init("spoor", stdin, stdout, stderr);
  ::history(lines, &history_event, H_SETSIZE, 1000);
  el_set(editor, EL_EDITOR, "emacs");
  el_set(editor, EL_HIST, ::history, lines);
  el_set(editor, EL_SIGNAL, 1);
  std::string statement;
  for (;;) {
    el_set(editor, EL_PROMPT, statement.empty() ? FirstPrompt : NextPrompt);
    int length = 0;
    const char* const line = el_gets(editor, &length);
    if (line == nullptr || length <= 0) break;
    statement.append(line, static_cast<std::size_t>(length));
    if (statement.find_first_not_of(" \t\r\n;") == std::string::npos) statement.clear();
    if (!IsComplete(statement)) continue;
    ::history(lines, &history_event, H_ENTER, statement.c_str());
    const QueryWatch watch(store);
    const auto printed = RunQuery(store, statement, format);
    statement.clear();
    if (!printed) {
      PrintError("{}\n", printed.error().message);
    } else {
      PrintError("{} rows\n", *printed);
    }
  }
  el_end(editor);
  ::history_end(lines);
  return ExitCode::kDone;
}

Result<ExitCode> RunSql(const SqlOptions& options) {
  std::string query = options.query;
  if (query.empty() && ::isatty(STDIN_FILENO) == 0) {
    query.assign(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
    if (query.find_first_not_of(" \t\r\n;") == std::string::npos) {
      return Fail(ErrorCode::kInvalidArgument, "no query: give one as argument or on stdin");
    }
  }
  ASSIGN_OR_RETURN(const analysis::ReadableStore store, OpenStoreForReading(options.store));
  if (query.empty()) {
    ASSIGN_OR_RETURN(const ExitCode code, RunInteractively(*store, options.format.format()));
    return store.Judge(code);
  }
  const QueryWatch watch(*store);
  ASSIGN_OR_RETURN(const std::uint64_t count, RunQuery(*store, query, options.format.format()));
  return store.Judge(count == 0 ? ExitCode::kNone : ExitCode::kDone);
}

}  // namespace

void RegisterSql(CLI::App& application, Action& action) {
  CLI::App* const subcommand =
      application.add_subcommand("sql", "ask in SQL: over the tables and the query library");
  const auto options = std::make_shared<SqlOptions>();
  AddStoreOption(*subcommand, options->store);
  options->format.AddTo(*subcommand);
  subcommand->add_option("query", options->query, "one query; interactive when left out")
      ->type_name("QUERY");
  subcommand->footer(
      "Times are nanoseconds since 1970 in columns named wall_ns; tables show them as RFC 3339, "
      "and\n"
      "wall_time('2026-11-21T20:31:35.123456789Z') is such a time as a number (a date, 'open' and\n"
      "'beginning' also).\n"
      "Examples:\n"
      "  spoor sql \"SELECT kind, count(*) FROM event GROUP BY kind ORDER BY 2 DESC\"\n"
      "  spoor sql --json \"SELECT * FROM process WHERE name = 'sh'\"\n"
      "  spoor sql \"SELECT * FROM event WHERE wall_ns >= wall_time('2026-11-21T20:31:35.5Z')\"\n"
      "  echo 'SHOW TABLES' | spoor sql");
  subcommand->callback([&action, options] { action = [options] { return RunSql(*options); }; });
}

}  // namespace spoor::programs
