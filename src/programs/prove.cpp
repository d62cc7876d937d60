// SPDX-License-Identifier: Apache-2.0
// `spoor prove`: an answer with all that it takes to check it elsewhere, in one file.
#include <fmt/format.h>

#include <cstdio>

#include "base/exists.hpp"
#include "base/time.hpp"
#include "programs/open_store.hpp"
#include "programs/print.hpp"
#include "programs/subcommand.hpp"
#include "proof/prove.hpp"

namespace spoor::programs {
namespace {

struct ProveCommand {
  std::string store;
  std::vector<std::string> words;  // NAME key=value…
  std::string sql;
  std::string out;
  std::vector<std::string> recordings;
  bool touched = false;
  std::uint64_t evidence_bytes_max = std::uint64_t{1} << 30;
};

Result<ExitCode> RunProve(const ProveCommand& command) {
  if (command.words.empty() == command.sql.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "which answer? NAME key=value… or --sql QUERY");
  }
  if (command.touched && !command.recordings.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "--touched and --recording exclude each other");
  }
  proof::ProveOptions options{.layout = {command.store},
                              .query = command.words.empty() ? "" : command.words.front(),
                              .arguments = {},
                              .sql = command.sql,
                              .scope = command.touched              ? proof::Scope::kTouched
                                       : command.recordings.empty() ? proof::Scope::kLog
                                                                    : proof::Scope::kRecordings,
                              .recordings = command.recordings,
                              .evidence_bytes_max = command.evidence_bytes_max,
                              .out = command.out,
                              .made_by = "spoor " SPOOR_VERSION,
                              .now_wall_ns = WallNow(),
                              .ingest = {.importers = analysis::MakeImporter},
                              .watch = WatchQueries};
  ASSIGN_OR_RETURN(const queries::Library library, queries::Library::LoadFromEnvironment());
  if (!options.query.empty()) {
    const auto query = library.Find(options.query);
    if (!query) return Fail(ErrorCode::kInvalidArgument, "{}", query.error().message);
    ASSIGN_OR_RETURN(options.arguments,
                     queries::ParseArguments(std::span(command.words).subspan(1)));
  }
  ASSIGN_OR_RETURN(const bool out_is_there, Exists(command.out));
  if (out_is_there) {
    return Fail(ErrorCode::kInvalidArgument, "{}: is there already", command.out);
  }
  // Once, for a recorder that runs has always something new.
  ExitCode done = ExitCode::kDone;  // of an answer with rows: not all evidence may be shown
  {
    ASSIGN_OR_RETURN(const analysis::ReadableStore newest, OpenStoreForReading(command.store));
    done = newest.Judge(done);
  }
  ASSIGN_OR_RETURN(const analysis::CataloguedStore opened,
                   analysis::OpenWithCatalog(command.store));
  ASSIGN_OR_RETURN(const proof::ProveReport report,
                   proof::Prove(options, library, *opened.store, opened.catalog));
  if (!report.not_there.empty()) {
    PrintError("spoor prove: nothing was written: {}\n", report.not_there);
    return ExitCode::kIncomplete;
  }
  PrintError(
      "{}: {} rows, {} of {} entries of the log, {} bytes; it holds the recorded data "
      "itself: give it only to who may see it\n",
      command.out, report.row_count, report.excerpt.entry_count, report.excerpt.checkpoint.size,
      report.size_bytes);
  if (command.touched) {
    PrintError(
        "The rows cannot be made again from these entries: spoor verify will say "
        "so (exit code 4).\n");
  }
  if (report.gap_count == 0) {
    const bool none = report.row_count == 0 && done == ExitCode::kDone;
    return none ? ExitCode::kNone : done;
  }
  PrintError("The answer may be incomplete: {} gaps are named in the bundle.\n", report.gap_count);
  return ExitCode::kIncomplete;
}

}  // namespace

void RegisterProve(CLI::App& application, Action& action) {
  CLI::App* const subcommand = application.add_subcommand(
      "prove", "write an answer with everything that proves it into one file");
  const auto command = std::make_shared<ProveCommand>();
  AddStoreOption(*subcommand, command->store);
  subcommand->add_option("--out", command->out, "the proof bundle to write")
      ->type_name("FILE")
      ->required();
  subcommand->add_option("--sql", command->sql, "ask in SQL instead of by name")
      ->type_name("QUERY");
  subcommand
      ->add_option("--recording", command->recordings,
                   "bring this recording only, if the answer follows from it; may be repeated")
      ->type_name("ID")
      ->allow_extra_args(false);
  subcommand->add_flag("--touched", command->touched,
                       "bring only the entries in which the events of the rows begin: small, but "
                       "nobody can make the rows again from them");
  subcommand
      ->add_option("--max", command->evidence_bytes_max, "refuse to bring more evidence than this")
      ->type_name("SIZE")
      ->transform(CLI::AsSizeValue(false))
      ->default_str("1G");
  subcommand->add_option("query", command->words, "a question of the library and its parameters")
      ->type_name("NAME [key=value…]");
  subcommand->footer(
      "The bundle is a tar archive: question and all queries below it, rows, gaps, the entries of\n"
      "the log that the answer was made from, their inclusion proofs and the signed checkpoint.\n"
      "`spoor verify FILE --key log.vkey` makes the rows again from the entries, offline.\n"
      "Before it is written that is done here, too.\n\n"
      "Exit codes: 0 written; 1 written, and the answer is none; 4 written, and gaps overlap "
      "it,\n"
      "or not written, for evidence that it takes was removed by policy.\n\n"
      "Examples:\n"
      "  spoor prove --out case7.spoorproof root_transitions\n"
      "  spoor prove --out writers.spoorproof writers path=/etc/passwd\n"
      "  spoor prove --out count.spoorproof --sql \"SELECT kind, count(*) FROM event GROUP BY "
      "kind\"");
  subcommand->callback([&action, command] { action = [command] { return RunProve(*command); }; });
}

}  // namespace spoor::programs
