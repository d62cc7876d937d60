// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "analysis/track.hpp"
#include "base/file.hpp"
#include "base/time.hpp"
#include "base/visible_text.hpp"
#include "base/wall_time_text.hpp"
#include "causality/origins.hpp"
#include "causality/render.hpp"
#include "causality/trace.hpp"
#include "programs/open_store.hpp"
#include "programs/print.hpp"
#include "programs/subcommand.hpp"

namespace spoor::programs {
namespace {

constexpr unsigned kGraphvizSeconds = 120;

struct TrackFlags {
  std::string store;
  std::string process, file, flow, alert, event;
  bool backward = false, forward = false, both = false;
  std::string from, until;
  std::string format = "tree";
  bool json = false;
  std::string out;
  std::string why, to, list;
  std::vector<std::string> also;
  bool entries = false;
  std::size_t limit = 0;
  std::string rules;
  std::vector<std::string> no_rule;
  bool no_rules = false;
};

ExitCode ListRules() {
  for (const causality::RuleDescription& rule : causality::AllRules()) {
    PrintOut("{:<18} {}\n", rule.name, rule.text);
  }
  return ExitCode::kDone;
}

Result<causality::TraceOptions> OptionsOf(const TrackFlags& flags) {
  causality::TraceOptions options;
  options.limit = flags.limit;
  options.direction = flags.entries    ? causality::Direction::kBackward
                      : flags.forward  ? causality::Direction::kForward
                      : flags.backward ? causality::Direction::kBackward
                                       : causality::Direction::kBoth;
  if (flags.no_rules) options.rules = causality::RuleSet::None();
  for (const std::string& name : flags.no_rule) RETURN_IF_ERROR(options.rules.Remove(name));
  ASSIGN_OR_RETURN(const analysis::Period period,
                   analysis::Period::Parse(flags.from, flags.until, WallNow()));
  options.from_wall_ns = period.from_wall_ns;
  options.until_wall_ns = period.until_wall_ns;
  return options;
}

analysis::TrackStart StartOf(const TrackFlags& flags) {
  using Kind = analysis::TrackStart::Kind;
  if (!flags.file.empty()) return {Kind::kFile, flags.file};
  if (!flags.process.empty()) return {Kind::kProcess, flags.process};
  if (!flags.alert.empty()) return {Kind::kAlert, flags.alert};
  if (!flags.event.empty()) return {Kind::kEvent, flags.event};
  return {Kind::kFlow, flags.flow};
}

bool IsJson(const TrackFlags& flags) {
  return flags.json || flags.format == "json" || flags.format == "prov-json";
}

Result<std::string> Render(const causality::Subgraph& subgraph, const TrackFlags& flags) {
  if (!flags.list.empty()) {
    return causality::RenderNodeList(
        subgraph,
        flags.list == "files" ? causality::ListedNodes::kFiles : causality::ListedNodes::kFlows,
        IsJson(flags));
  }
  if (flags.entries) {
    return causality::RenderEntryPoints(subgraph, subgraph.entry_points, IsJson(flags));
  }
  if (flags.format == "prov-json") return causality::RenderProv(subgraph);
  if (flags.format == "graphml") return causality::RenderGraphml(subgraph);
  if (IsJson(flags)) return causality::RenderJson(subgraph);
  if (flags.format == "story") return causality::RenderStory(subgraph);
  if (flags.format == "dot") return causality::RenderDot(subgraph);
  if (flags.format == "svg") {
    return causality::RenderSvg(causality::RenderDot(subgraph), kGraphvizSeconds);
  }
  return causality::RenderTree(subgraph, flags.out.empty() && OutIsTerminal());
}

Result<> Write(const std::string& text, bool json, const std::string& out) {
  if (!out.empty()) {
    return WriteFileAtomically(out, AsBytes(json ? VisibleJson(text) : VisibleLines(text)));
  }
  if (json) {
    PrintJson(text);
  } else if (OutIsTerminal()) {
    PrintColouredText(text);
  } else {
    PrintText(text);
  }
  return FlushOut();
}

void TellGaps(const causality::Subgraph& subgraph) {
  for (const causality::OverlappingGap& gap : subgraph.gaps) {
    const std::string count = gap.count ? fmt::format("{} lost", *gap.count) : "not counted";
    PrintError("spoor track: gap {} – {}: {} ({}): {}{}{}\n", WallTimeText(gap.from_ns),
               WallTimeText(gap.until_ns), VisibleText(gap.loss_class), count,
               VisibleText(gap.reason), gap.host.empty() ? "" : " on ", VisibleText(gap.host));
  }
}

Result<ExitCode> ExplainWhy(store::Store& store, const causality::Subgraph& subgraph,
                            const TrackFlags& flags) {
  const Result<std::vector<std::int64_t>> ids = analysis::FindAnything(store, flags.why);
  if (!ids && ids.error().code == ErrorCode::kNotFound) {
    PrintError("spoor track: {}\n", ids.error().message);
    TellGaps(subgraph);
    return subgraph.gaps.empty() ? ExitCode::kNone : ExitCode::kIncomplete;
  }
  RETURN_IF_ERROR(ids);
  for (const std::int64_t id : *ids) {
    const std::vector<causality::Step> chain = causality::Why(subgraph, id);
    if (chain.empty()) continue;
    RETURN_IF_ERROR(Write(causality::RenderWhy(subgraph, chain), false, flags.out));
    TellGaps(subgraph);
    return subgraph.gaps.empty() ? ExitCode::kDone : ExitCode::kIncomplete;
  }
  PrintError("spoor track: {} is not in the answer{}\n", VisibleText(flags.why),
             flags.no_rules ? "" : "; --no-rules shows what the pruning rules left out");
  TellGaps(subgraph);
  return subgraph.gaps.empty() ? ExitCode::kNone : ExitCode::kIncomplete;
}

ExitCode CodeOf(const causality::Subgraph& subgraph, bool any) {
  TellGaps(subgraph);
  if (!subgraph.gaps.empty()) return ExitCode::kIncomplete;
  return any ? ExitCode::kDone : ExitCode::kNone;
}

causal_index::OpenIndexOptions Opening() {
  return {.progress = ProgressOnTerminal("indexing events"), .tell = NarrationOnTerminal().tell};
}

/// From the start to `--to`, else from there to the start.
Result<ExitCode> ShowWay(store::Store& store, const std::vector<std::int64_t>& starts,
                         causality::TraceOptions options, const TrackFlags& flags) {
  ASSIGN_OR_RETURN(const std::vector<std::int64_t> ids, analysis::FindAnything(store, flags.to));
  bool incomplete = false;
  for (const auto direction : {causality::Direction::kForward, causality::Direction::kBackward}) {
    if (direction == causality::Direction::kForward && flags.backward) continue;
    if (direction == causality::Direction::kBackward && flags.forward) continue;
    options.direction = direction;
    ASSIGN_OR_RETURN(const causality::Subgraph subgraph,
                     analysis::TrackWay(store, starts, ids, options, Opening()));
    incomplete = incomplete || !subgraph.gaps.empty();
    if (subgraph.steps.empty()) continue;
    std::vector<causality::Step> chain = subgraph.steps;
    if (direction == causality::Direction::kBackward) std::ranges::reverse(chain);
    RETURN_IF_ERROR(Write(IsJson(flags) ? causality::RenderWhyJson(subgraph, chain)
                                        : causality::RenderWhy(subgraph, chain),
                          IsJson(flags), flags.out));
    return CodeOf(subgraph, true);
  }
  PrintError("spoor track: nothing leads from the one to the other{}{}\n",
             flags.forward || flags.backward ? " this way" : ", either way",
             flags.no_rules ? "" : "; --no-rules shows what the pruning rules left out");
  return incomplete ? ExitCode::kIncomplete : ExitCode::kNone;
}

Result<ExitCode> ShowCommonOrigins(store::Store& store, const std::vector<std::int64_t>& starts,
                                   causality::TraceOptions options, const TrackFlags& flags) {
  options.direction = causality::Direction::kBackward;
  options.limit = 0;
  std::vector<causality::Subgraph> subgraphs;
  ASSIGN_OR_RETURN(subgraphs.emplace_back(), analysis::Track(store, starts, options, Opening()));
  for (const std::string& other : flags.also) {
    if (other.empty()) return Fail(ErrorCode::kInvalidArgument, "--also needs a name");
    ASSIGN_OR_RETURN(const std::vector<std::int64_t> ids, analysis::FindAnything(store, other));
    ASSIGN_OR_RETURN(subgraphs.emplace_back(), analysis::Track(store, ids, options, Opening()));
  }
  const std::vector<causality::CommonOrigin> origins = causality::CommonOriginsOf(subgraphs);
  RETURN_IF_ERROR(Write(causality::RenderCommonOrigins(subgraphs.front(), origins, IsJson(flags)),
                        IsJson(flags), flags.out));
  if (origins.empty()) PrintError("spoor track: they have no origin in common\n");
  ExitCode code = origins.empty() ? ExitCode::kNone : ExitCode::kDone;
  for (const causality::Subgraph& subgraph : subgraphs) {
    if (CodeOf(subgraph, true) == ExitCode::kIncomplete) code = ExitCode::kIncomplete;
  }
  return code;
}

Result<ExitCode> Track(const TrackFlags& flags) {
  if (flags.rules == "list") return ListRules();
  const int start_count = !flags.process.empty() + !flags.file.empty() + !flags.flow.empty() +
                          !flags.alert.empty() + !flags.event.empty();
  if (start_count != 1) {
    return Fail(ErrorCode::kInvalidArgument,
                "give one start: --process, --file, --flow, --alert or --event");
  }
  ASSIGN_OR_RETURN(causality::TraceOptions options, OptionsOf(flags));
  ASSIGN_OR_RETURN(const analysis::ReadableStore store, OpenStoreForReading(flags.store));
  const Result<std::vector<std::int64_t>> starts = analysis::FindStart(*store, StartOf(flags));
  if (!starts && starts.error().code == ErrorCode::kNotFound) {
    PrintError("spoor track: {}\n", starts.error().message);
    return store.Judge(ExitCode::kNone);
  }
  RETURN_IF_ERROR(starts);
  RETURN_IF_ERROR(analysis::KeepToEvent(*store, StartOf(flags), *starts, options));
  if (!flags.to.empty() || !flags.also.empty()) {
    const Result<ExitCode> code = flags.to.empty()
                                      ? ShowCommonOrigins(*store, *starts, options, flags)
                                      : ShowWay(*store, *starts, options, flags);
    if (!code && code.error().code == ErrorCode::kNotFound) {
      PrintError("spoor track: {}\n", code.error().message);
      return store.Judge(ExitCode::kNone);
    }
    if (!code) return code;
    return store.Judge(*code);
  }
  ASSIGN_OR_RETURN(const causality::Subgraph subgraph,
                   analysis::Track(*store, *starts, options, Opening()));
  if (!flags.why.empty()) {
    ASSIGN_OR_RETURN(const ExitCode code, ExplainWhy(*store, subgraph, flags));
    return store.Judge(code);
  }
  ASSIGN_OR_RETURN(const std::string text, Render(subgraph, flags));
  RETURN_IF_ERROR(Write(text, IsJson(flags), flags.out));
  TellGaps(subgraph);
  if (!subgraph.gaps.empty()) return ExitCode::kIncomplete;
  return store.Judge(subgraph.edges.empty() ? ExitCode::kNone : ExitCode::kDone);
}

}  // namespace

void RegisterTrack(CLI::App& application, Action& action) {
  const auto flags = std::make_shared<TrackFlags>();  // shared with the action that outlives us
  CLI::App* track = application.add_subcommand(
      "track", "what caused a process, file or connection, and what came of it");
  AddStoreOption(*track, flags->store);
  CLI::Option* process =
      track->add_option("--process", flags->process, "process_id, or a pid that only one had")
          ->type_name("PROCESS");
  CLI::Option* file =
      track->add_option("--file", flags->file, "absolute path, or object_id")->type_name("PATH");
  CLI::Option* flow = track->add_option("--flow", flags->flow, "flow_id, or ADDRESS:PORT of an end")
                          ->type_name("FLOW");
  CLI::Option* alert =
      track->add_option("--alert", flags->alert, "alert_id: from the flow that it is on")
          ->type_name("ALERT");
  CLI::Option* event =
      track
          ->add_option(
              "--event", flags->event,
              "event_id, such as of the read that ends a typed line: what it did it to, then")
          ->type_name("EVENT");
  process->excludes(file)->excludes(flow)->excludes(alert)->excludes(event);
  file->excludes(flow)->excludes(alert)->excludes(event);
  flow->excludes(alert)->excludes(event);
  alert->excludes(event);
  CLI::Option* backward = track->add_flag("--backward", flags->backward, "causes only");
  CLI::Option* forward = track->add_flag("--forward", flags->forward, "effects only");
  CLI::Option* both = track->add_flag("--both", flags->both, "causes and effects (the default)");
  backward->excludes(forward)->excludes(both);
  forward->excludes(both);
  track->add_option("--from", flags->from, "not what ended before (RFC 3339, or -15m)")
      ->type_name("TIME");
  track->add_option("--until", flags->until, "not what began after")->type_name("TIME");
  track
      ->add_option("--format", flags->format,
                   "tree, story (all flows by time), dot, svg (needs graphviz), json, graphml or "
                   "prov-json")
      ->check(CLI::IsMember({"tree", "story", "dot", "svg", "json", "graphml", "prov-json"}))
      ->capture_default_str();
  track->add_flag("--json", flags->json, "as --format json");
  track->add_option("--out", flags->out, "write to FILE, not to stdout")->type_name("FILE");
  track->add_option("--limit", flags->limit, "at most N nodes, the nearest to the start; 0: all")
      ->type_name("N");
  track->add_option("--why", flags->why, "only the chain between the start and this one")
      ->type_name("NODE");
  CLI::Option* to =
      track
          ->add_option(
              "--to", flags->to,
              "only the shortest chain from the start to this one, or from it to the start: as "
              "--why, or alert:ID, event:ID, flow:FLOW, file:PATH, process:PROCESS")
          ->type_name("NODE");
  CLI::Option* also =
      track
          ->add_option("--also", flags->also,
                       "what the start and this one both descend from (may be repeated)")
          ->type_name("NODE");
  CLI::Option* entries = track->add_flag(
      "--entries", flags->entries, "connections and logins among the causes, most likely first");
  CLI::Option* list = track->add_option("--list", flags->list, "'files' or 'flows' of the answer")
                          ->check(CLI::IsMember({"files", "flows"}));
  to->excludes(also)->excludes(entries)->excludes(list)->excludes("--why");
  also->excludes(entries)->excludes(list)->excludes("--why")->excludes(forward)->excludes(both);
  entries->excludes(list)->excludes("--why")->excludes(forward)->excludes(both);
  list->excludes("--why");
  track->add_option("--rules", flags->rules, "'list' explains the pruning rules and ends")
      ->check(CLI::IsMember({"list"}));
  track->add_option("--no-rule", flags->no_rule, "switch a pruning rule off (may be repeated)")
      ->type_name("NAME");
  track->add_flag("--no-rules", flags->no_rules, "switch all pruning rules off");
  track->footer(
      "Examples:\n"
      "  spoor track --file /etc/cron.d/backup --backward\n"
      "  spoor track --process 4711 --forward --until 2026-11-21T21:00:00Z --format json\n"
      "  spoor track --flow 203.0.113.9:4444 --format svg --out attack.svg\n"
      "  spoor track --file /etc/cron.d/backup --why 203.0.113.9:4444\n"
      "  spoor track --flow 203.0.113.9:4444 --to /etc/cron.d/backup\n"
      "  spoor track --file /etc/cron.d/backup --also /root/.ssh/authorized_keys\n"
      "  spoor track --file /etc/cron.d/backup --entries\n"
      "  spoor track --alert 72057594037927937 --to event:72057594037927999\n"
      "Of several chains --why shows the one that the walk takes first, --to the one of the "
      "fewest\n"
      "flows; both respect time.\n"
      "Every rule that left something out is named in the answer with what it left out.");
  track->callback([flags, &action] { action = [flags] { return Track(*flags); }; });
}

}  // namespace spoor::programs
