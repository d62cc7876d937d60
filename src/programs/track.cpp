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
#include "programs/first_interrupt.hpp"
#include "programs/open_store.hpp"
#include "programs/print.hpp"
#include "programs/subcommand.hpp"
#include "programs/track_flags.hpp"

namespace spoor::programs {
namespace {

constexpr unsigned kGraphvizSeconds = 120;
constexpr std::uint32_t kHopsMax = 1U << 30;
constexpr std::size_t kDescribedMax = 20'000;

ExitCode ListRules() {
  for (const causality::RuleDescription& rule : causality::AllRules()) {
    PrintOut("{:<18} {}\n", rule.name, rule.text);
  }
  return ExitCode::kDone;
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

/// Says it where the walk did not come to its end.
void TellEnd(const causality::Subgraph& subgraph) {
  if (subgraph.end == causality::WalkEnd::kAll) return;
  PrintError(
      "spoor track: {}: this is what was found so far, and not all\n",
      subgraph.end == causality::WalkEnd::kSteps ? "--steps-max was reached" : "ended early");
}

ExitCode CodeOf(const causality::Subgraph& subgraph, bool any) {
  TellGaps(subgraph);
  TellEnd(subgraph);
  if (!subgraph.gaps.empty() || subgraph.end != causality::WalkEnd::kAll) {
    return ExitCode::kIncomplete;
  }
  return any ? ExitCode::kDone : ExitCode::kNone;
}

Result<ExitCode> ExplainWhy(store::Store& store, const causality::Subgraph& subgraph,
                            const TrackFlags& flags) {
  const Result<std::vector<std::int64_t>> ids = analysis::FindAnything(store, flags.why);
  if (!ids && ids.error().code == ErrorCode::kNotFound) {
    PrintError("spoor track: {}\n", ids.error().message);
    return CodeOf(subgraph, false);
  }
  RETURN_IF_ERROR(ids);
  for (const std::int64_t id : *ids) {
    const std::vector<causality::Step> chain = causality::Why(subgraph, id);
    if (chain.empty()) continue;
    RETURN_IF_ERROR(Write(causality::RenderWhy(subgraph, chain), false, flags.out));
    return CodeOf(subgraph, true);
  }
  PrintError("spoor track: {} is not in the answer{}\n", VisibleText(flags.why),
             flags.no_rules ? "" : "; --no-rules shows what the pruning rules left out");
  return CodeOf(subgraph, false);
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
    incomplete = incomplete || !subgraph.gaps.empty() || subgraph.end != causality::WalkEnd::kAll;
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

Result<> Show(const causality::Subgraph& subgraph, const TrackFlags& flags) {
  const bool folds = IsForPeople(flags) && flags.show > 0;
  ASSIGN_OR_RETURN(
      const std::string text,
      folds ? Render(causality::Fold(subgraph, flags.show), flags) : Render(subgraph, flags));
  return Write(text, IsJson(flags), flags.out);
}

/// Answers of growing depth, each of which holds the one before.
Result<ExitCode> Refine(store::Store& store, const std::vector<std::int64_t>& starts,
                        causality::TraceOptions options, const TrackFlags& flags) {
  std::size_t nodes = 0;
  for (options.hops_max = 2;; options.hops_max *= 2) {
    ASSIGN_OR_RETURN(const causality::Subgraph subgraph,
                     analysis::Track(store, starts, options, Opening()));
    const std::size_t found = subgraph.nodes.size() + subgraph.hidden_nodes;
    const bool is_last =
        found == nodes || subgraph.end != causality::WalkEnd::kAll || options.hops_max > kHopsMax;
    if (nodes > 0 && !is_last && flags.out.empty() && !IsJson(flags)) PrintText("\n");
    if (found != nodes || nodes == 0) RETURN_IF_ERROR(Show(subgraph, flags));
    if (is_last) return CodeOf(subgraph, !subgraph.edges.empty());
    nodes = found;
  }
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
  // Of a graph of most of a store what is far away is not even described.
  if (IsForPeople(flags) && flags.show > 0 && flags.why.empty() && options.limit == 0) {
    options.limit = std::max(kDescribedMax, flags.show);
  }
  RETURN_IF_ERROR(KeepToHosts(*store, flags, options));
  const FirstInterrupt interrupt;
  options.budget.stop = [stop = options.budget.stop] {
    return FirstInterrupt::came() || (stop && stop());
  };
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
  if (flags.progressive) {
    ASSIGN_OR_RETURN(const ExitCode code, Refine(*store, *starts, options, flags));
    return store.Judge(code);
  }
  ASSIGN_OR_RETURN(const causality::Subgraph subgraph,
                   analysis::Track(*store, *starts, options, Opening()));
  if (!flags.why.empty()) {
    ASSIGN_OR_RETURN(const ExitCode code, ExplainWhy(*store, subgraph, flags));
    return store.Judge(code);
  }
  RETURN_IF_ERROR(Show(subgraph, flags));
  return store.Judge(CodeOf(subgraph, !subgraph.edges.empty()));
}

}  // namespace

void RegisterTrack(CLI::App& application, Action& action) {
  const auto flags = std::make_shared<TrackFlags>();  // shared with the action that outlives us
  CLI::App* const track = AddTrackFlags(application, *flags);
  track->callback([flags, &action] { action = [flags] { return Track(*flags); }; });
}

}  // namespace spoor::programs
