// SPDX-License-Identifier: Apache-2.0
// spoor report: the story of a session.
#include "report/story.hpp"

#include <fmt/format.h>

#include "analysis/story.hpp"
#include "base/file.hpp"
#include "programs/open_store.hpp"
#include "programs/print.hpp"
#include "programs/subcommand.hpp"
#include "report/text.hpp"

namespace spoor::programs {
namespace {

struct Arguments {
  std::string store;
  std::string session;
  std::string process;
  std::string out = "-";
  bool json = false;
};

Result<ExitCode> WriteStory(const report::Story& story, const Arguments& arguments) {
  const std::string text =
      arguments.json ? report::RenderJson(story) : report::RenderMarkdown(story);
  if (arguments.out != "-") {
    RETURN_IF_ERROR(WriteFileAtomically(
        arguments.out, AsBytes(arguments.json ? VisibleJson(text) : VisibleLines(text))));
    PrintError("spoor report: wrote {}\n", arguments.out);
  } else if (arguments.json) {
    PrintJson(text);
  } else {
    PrintText(text);
  }
  return story.incomplete ? ExitCode::kIncomplete : ExitCode::kDone;
}

Result<ExitCode> Run(const Arguments& arguments) {
  ASSIGN_OR_RETURN(const analysis::ReadableStore store, OpenStoreForReading(arguments.store));
  ASSIGN_OR_RETURN(
      const analysis::ToldStory told,
      analysis::TellStory(*store, {.session = arguments.session, .process = arguments.process},
                          report::StoreWords(arguments.store)));
  if (told.story) {
    ASSIGN_OR_RETURN(const ExitCode code, WriteStory(*told.story, arguments));
    return store.Judge(code);
  }
  PrintError(
      "spoor report: no session looks like a break-in (no shell from a daemon, nobody became "
      "root){}; spoor query sessions lists all of them\n",
      told.has_gaps ? ", but the record has gaps (spoor query coverage)" : "");
  return store.Judge(told.has_gaps ? ExitCode::kIncomplete : ExitCode::kNone);
}

}  // namespace

void RegisterReport(CLI::App& application, Action& action) {
  CLI::App* report = application.add_subcommand(
      "report", "Tell what happened: where from, through which hole, what was touched");
  auto arguments = std::make_shared<Arguments>();  // lives as long as the action that may run it
  AddStoreOption(*report, arguments->store);
  CLI::Option* session =
      report->add_option("--session", arguments->session, "a session: its id, or a process in it");
  report
      ->add_option("--process", arguments->process,
                   "a process (id or pid), its session if it has one")
      ->excludes(session);
  report->add_option("--out", arguments->out, "write to FILE; - is standard output")
      ->type_name("FILE")
      ->capture_default_str();
  report->add_flag("--json", arguments->json, "one JSON object per line instead of Markdown");
  report->footer(
      "Without --session and --process the most suspicious session is told, and why it is.\n"
      "Exit codes: 0 told, 1 there is none, 4 told, but records are missing from that time.\n"
      "Examples:\n"
      "  spoor report\n"
      "  spoor report --store demo-store --out story.md\n"
      "  spoor report --session 4711 --json");
  report->callback([arguments, &action] { action = [arguments] { return Run(*arguments); }; });
}

}  // namespace spoor::programs
