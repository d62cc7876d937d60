// SPDX-License-Identifier: Apache-2.0
// `spoor undo`: a plan, for a person to read. Spoor runs nothing of it.
#include "analysis/undo.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/wall_time_text.hpp"
#include "event/event_text.hpp"
#include "programs/open_store.hpp"
#include "programs/print.hpp"
#include "programs/subcommand.hpp"
#include "undo/make_plan.hpp"
#include "undo/script.hpp"

namespace spoor::programs {
namespace {

constexpr std::size_t kGapsShownMax = 20;

struct UndoFlags {
  std::string store, session, process, file, flow, alert, script, contents;
  bool own = false, json = false;
};

std::vector<std::string> NotesOn(const std::vector<analysis::Gap>& gaps) {
  std::vector<std::string> notes;
  for (const analysis::Gap& gap : gaps) {
    if (notes.size() == kGapsShownMax) {
      notes.push_back(fmt::format("… and {} more gaps", gaps.size() - notes.size()));
      break;
    }
    notes.push_back(fmt::format("gap {} {} on {}: {}; changes may be missing here", gap.loss_class,
                                WallSpanText(gap.from_wall_ns, gap.until_wall_ns), gap.host,
                                gap.reason));
  }
  return notes;
}

nlohmann::ordered_json ToJson(const analysis::ToldPlan& told) {
  nlohmann::ordered_json json = undo::ToJson(told.plan);
  nlohmann::ordered_json gaps = nlohmann::ordered_json::array();
  for (const analysis::Gap& gap : told.gaps) {
    gaps.push_back({{"loss_class", gap.loss_class},
                    {"reason", event::MakeUtf8(gap.reason)},
                    {"host", event::MakeUtf8(gap.host)},
                    {"from_wall_ns", gap.from_wall_ns},
                    {"until_wall_ns", gap.until_wall_ns}});
  }
  json["gaps"] = std::move(gaps);
  return json;
}

Result<> WriteContents(store::Store& store, const undo::Plan& plan, const std::string& folder) {
  RETURN_IF_ERROR(CreateFolders(folder));
  std::size_t count = 0;
  for (const undo::Change& change : plan.changes) {
    if (change.remedy != undo::Remedy::kRestore || change.before.kind != undo::Held::Kind::kBytes) {
      continue;
    }
    RETURN_IF_ERROR(undo::WriteBefore(store, change, folder));
    ++count;
  }
  PrintError("spoor undo: what {} files held before is in {}\n", count, folder);
  return {};
}

Result<analysis::UndoSubject> SubjectOf(const UndoFlags& flags) {
  using Kind = analysis::TrackStart::Kind;
  const int count = !flags.session.empty() + !flags.process.empty() + !flags.file.empty() +
                    !flags.flow.empty() + !flags.alert.empty();
  if (count != 1) {
    return Fail(ErrorCode::kInvalidArgument,
                "give one of --session, --process, --file, --flow and --alert");
  }
  analysis::UndoSubject subject{.session = flags.session, .start = {Kind::kProcess, flags.process}};
  if (!flags.file.empty()) subject.start = {Kind::kFile, flags.file};
  if (!flags.flow.empty()) subject.start = {Kind::kFlow, flags.flow};
  if (!flags.alert.empty()) subject.start = {Kind::kAlert, flags.alert};
  return subject;
}

Result<ExitCode> Run(const UndoFlags& flags) {
  ASSIGN_OR_RETURN(const analysis::UndoSubject subject, SubjectOf(flags));
  ASSIGN_OR_RETURN(const analysis::ReadableStore store, OpenStoreForReading(flags.store));
  const QueryWatch watch(*store);
  const Result<analysis::ToldPlan> told =
      analysis::PlanUndo(*store, subject,
                         {.only_own = flags.own,
                          .opening = {.progress = ProgressOnTerminal("indexing events"),
                                      .tell = NarrationOnTerminal().tell},
                          .planning = {.progress = ProgressOnTerminal("looking into files")}});
  if (!told && told.error().code == ErrorCode::kNotFound) {
    PrintError("spoor undo: {}\n", told.error().message);
    return store.Judge(ExitCode::kNone);
  }
  if (!told) return tl::unexpected<Error>(told.error());
  const undo::Plan& plan = told->plan;
  const std::vector<std::string> notes = NotesOn(told->gaps);
  if (!flags.contents.empty()) RETURN_IF_ERROR(WriteContents(*store, plan, flags.contents));
  if (!flags.script.empty()) {
    RETURN_IF_ERROR(
        WriteFileAtomically(flags.script, AsBytes(undo::RenderScript(plan, notes)), 0600));
  }
  if (flags.json) {
    PrintJson(ToJson(*told));
  } else if (flags.script.empty()) {
    PrintText(undo::RenderScript(plan, notes));
  } else {
    PrintText(undo::RenderList(plan));
    for (const std::string& note : notes) PrintError("spoor undo: {}\n", note);
  }
  if (!told->gaps.empty()) return ExitCode::kIncomplete;
  return store.Judge(plan.changes.empty() ? ExitCode::kNone : ExitCode::kDone);
}

}  // namespace

void RegisterUndo(CLI::App& application, Action& action) {
  const auto flags = std::make_shared<UndoFlags>();  // shared with the action that outlives us
  CLI::App* undo = application.add_subcommand(
      "undo", "what was changed and stays, what it was before, and a script that undoes it");
  AddStoreOption(*undo, flags->store);
  undo->add_option("--session", flags->session, "a session: its id, or a process in it")
      ->type_name("SESSION");
  undo->add_option("--process", flags->process, "a process and what descends from it")
      ->type_name("PROCESS");
  undo->add_option("--file", flags->file, "what came of a file: absolute path, or object_id")
      ->type_name("PATH");
  undo->add_option("--flow", flags->flow, "what came of a flow: flow_id, or ADDRESS:PORT")
      ->type_name("FLOW");
  undo->add_option("--alert", flags->alert, "what came of the flow of an alert")
      ->type_name("ALERT");
  undo->add_flag("--own", flags->own, "not what others did that may have been caused");
  undo->add_option("--script", flags->script, "the script into FILE, a list to stdout")
      ->type_name("FILE");
  undo->add_option("--contents", flags->contents,
                   "write what files held before into FOLDER, for the script")
      ->type_name("FOLDER");
  undo->add_flag("--json", flags->json, "one JSON object");
  undo->footer(
      "Spoor runs nothing. The script is POSIX sh, changes nothing without --apply, checks before\n"
      "each action that things are as they were left, and deletes nothing: what goes is moved to\n"
      "a folder. What is not certain is commented out with the reason: what others changed later,\n"
      "what was not recorded before, and what others did that may have been caused.\n\n"
      "Exit codes: 0 there is something to undo; 1 nothing; 4 records are missing.\n\n"
      "Examples:\n"
      "  spoor undo --session 4711\n"
      "  spoor undo --session 4711 --script undo.sh --contents before\n"
      "  spoor undo --flow 203.0.113.9:4444 --json");
  undo->callback([flags, &action] { action = [flags] { return Run(*flags); }; });
}

}  // namespace spoor::programs
