// SPDX-License-Identifier: Apache-2.0
// `spoor query`: the questions of the library by name, and whether the answer may be incomplete.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "analysis/question.hpp"
#include "base/time.hpp"
#include "base/wall_time_text.hpp"
#include "programs/open_store.hpp"
#include "programs/print.hpp"
#include "programs/subcommand.hpp"

namespace spoor::programs {
namespace {

constexpr std::size_t kGapsShownMax = 5;

struct QueryOptions {
  std::string store;
  std::vector<std::string> words;  // NAME key=value…
  bool list = false;
  bool help = false;
  FormatFlags format;
};

void PrintList(const queries::Library& library, bool json) {
  for (const queries::Query& query : library.queries()) {
    if (query.internal() || query.form == queries::Query::Form::kScalarMacro) continue;
    if (!json) {
      PrintOut("{:<60} {}\n", queries::Signature(query), query.question);
      continue;
    }
    nlohmann::ordered_json parameters = nlohmann::ordered_json::array();
    for (const queries::Parameter& parameter : query.parameters) {
      parameters.push_back({{"name", parameter.name},
                            {"type", parameter.type},
                            {"meaning", parameter.meaning},
                            {"optional", parameter.optional}});
    }
    nlohmann::ordered_json columns = nlohmann::ordered_json::array();
    for (const queries::QueryColumn& column : query.columns) {
      columns.push_back(
          {{"name", column.name}, {"type", column.type}, {"meaning", column.meaning}});
    }
    const nlohmann::ordered_json line{{"name", query.name},       {"question", query.question},
                                      {"parameters", parameters}, {"columns", columns},
                                      {"needs", query.needs},     {"limits", query.limits},
                                      {"source", query.source}};
    PrintJson(line);
  }
}

void PrintHelp(const queries::Query& query) {
  PrintOut("{}\n\nspoor query {}", query.question, query.name);
  for (const queries::Parameter& parameter : query.parameters) {
    const std::string word = fmt::format("{}={}", parameter.name, parameter.type);
    PrintOut(" {}", parameter.optional ? "[" + word + "]" : word);
  }
  PrintOut("\n\n");
  for (const queries::Parameter& parameter : query.parameters) {
    PrintOut("  {:<12} {:<9} {}\n", parameter.name, parameter.type, parameter.meaning);
  }
  PrintText(query.parameters.empty() ? "Columns:\n" : "\nColumns:\n");
  for (const queries::QueryColumn& column : query.columns) {
    PrintOut("  {:<20} {:<10} {}\n", column.name, column.type, column.meaning);
  }
  if (!query.needs.empty()) PrintOut("\nNeeds:  {}\n", query.needs);
  if (!query.limits.empty()) PrintOut("\nLimits: {}\n", query.limits);
}

/// Tells stderr about the gaps of the asked time that could hide rows of the answer.
void NarrateGaps(const std::vector<analysis::Gap>& gaps) {
  for (const analysis::Gap& gap : std::span(gaps).first(std::min(gaps.size(), kGapsShownMax))) {
    PrintError("gap: {} {} on {} {}: {}\n",
               gap.count ? std::to_string(*gap.count) : "an unknown number of", gap.loss_class,
               gap.host, WallSpanText(gap.from_wall_ns, gap.until_wall_ns), gap.reason);
  }
  if (gaps.size() > kGapsShownMax) {
    PrintError("gap: and {} more\n", gaps.size() - kGapsShownMax);
  }
  if (!gaps.empty()) PrintError("The answer may be incomplete: see `spoor query coverage`.\n");
}

Result<ExitCode> Ask(const QueryOptions& options, const queries::Library& library,
                     const queries::Query& query) {
  ASSIGN_OR_RETURN(const std::vector<queries::NamedText> arguments,
                   queries::ParseArguments(std::span(options.words).subspan(1)));
  ASSIGN_OR_RETURN(const analysis::ReadableStore store, OpenStoreForReading(options.store));
  ASSIGN_OR_RETURN(const analysis::Told told,
                   analysis::Ask(*store, library, query, arguments,
                                 {.now_wall_ns = WallNow(),
                                  .read =
                                      [&options](store::RowReader& rows) {
                                        return PrintRows(rows, options.format.format());
                                      },
                                  .watch = WatchQueries}));
  NarrateGaps(told.gaps);
  return told.Judge(store);
}

Result<ExitCode> RunQueryCommand(const QueryOptions& options, const std::string& general_help) {
  ASSIGN_OR_RETURN(const queries::Library library, queries::Library::LoadFromEnvironment());
  if (options.list) {
    PrintList(library, options.format.json);
    return ExitCode::kDone;
  }
  if (options.words.empty()) {
    if (!options.help) {
      return Fail(ErrorCode::kInvalidArgument, "which query? `spoor query --list` shows them");
    }
    PrintText(general_help);
    return ExitCode::kDone;
  }
  const auto query = library.Find(options.words.front());
  // A name that is not there is a wrong command line, not something missing in the store.
  if (!query) return Fail(ErrorCode::kInvalidArgument, "{}", query.error().message);
  if (options.help) {
    PrintHelp(**query);
    return ExitCode::kDone;
  }
  return Ask(options, library, **query);
}

}  // namespace

void RegisterQuery(CLI::App& application, Action& action) {
  CLI::App* const subcommand =
      application.add_subcommand("query", "ask a question of the query library");
  const auto options = std::make_shared<QueryOptions>();
  AddStoreOption(*subcommand, options->store);
  options->format.AddTo(*subcommand);
  subcommand->add_flag("--list", options->list, "show the questions there are");
  // Not CLI11's own flag: `spoor query NAME --help` explains NAME.
  subcommand->set_help_flag();
  subcommand->add_flag("-h,--help", options->help, "explain the query NAME, or this command");
  subcommand->add_option("query", options->words, "a question and its parameters")
      ->type_name("NAME [key=value…]");
  subcommand->footer(
      "A process is given as its process_id, or as a pid when only one process had it. Times are\n"
      "RFC 3339 as printed, 'open', 'beginning', ns since 1970 as in --json, or relative (-15m).\n"
      "Own questions: *.sql files in the folders of $SPOOR_QUERIES.\n"
      "Examples:\n"
      "  spoor query --list\n"
      "  spoor query children --help\n"
      "  spoor query children process=4711 --json\n"
      "  spoor query writers path=/etc/passwd start=-1h");
  subcommand->callback([&action, options, subcommand] {
    action = [options, subcommand] { return RunQueryCommand(*options, subcommand->help()); };
  });
}

}  // namespace spoor::programs
