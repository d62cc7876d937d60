// SPDX-License-Identifier: Apache-2.0
#include "programs/track_flags.hpp"

#include <chrono>
#include <memory>
#include <optional>

#include "base/time.hpp"
#include "base/visible_text.hpp"
#include "programs/subcommand.hpp"
#include "store/lookup.hpp"

namespace spoor::programs {

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
  options.hops_max = flags.depth;
  options.budget.steps_max = flags.steps_max;
  if (flags.time_max.empty()) return options;
  ASSIGN_OR_RETURN(const std::int64_t time_ns, ParseDuration(flags.time_max));
  if (time_ns <= 0) return Fail(ErrorCode::kInvalidArgument, "--time-max must be above 0");
  // From the first walk on: making the index is not what is bounded.
  const auto ends = std::make_shared<std::optional<std::chrono::steady_clock::time_point>>();
  options.budget.stop = [ends, time_ns] {
    const auto now = std::chrono::steady_clock::now();
    if (!*ends) *ends = now + std::chrono::nanoseconds(time_ns);
    return now >= **ends;
  };
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

bool IsForPeople(const TrackFlags& flags) {
  if (flags.json || flags.entries || !flags.list.empty()) return false;
  return flags.format == "tree" || flags.format == "story" || flags.format == "dot" ||
         flags.format == "svg";
}

Result<> KeepToHosts(store::Store& store, const TrackFlags& flags,
                     causality::TraceOptions& options) {
  for (const std::string& name : flags.hosts) {
    ASSIGN_OR_RETURN(
        const std::vector<std::int64_t> ids,
        store::ReadIntegers(store, "SELECT host_id FROM host WHERE name = $1", {name}));
    if (ids.empty()) return Fail(ErrorCode::kNotFound, "no host '{}' in the store", name);
    options.host_ids.insert(options.host_ids.end(), ids.begin(), ids.end());
  }
  return {};
}

CLI::App* AddTrackFlags(CLI::App& application, TrackFlags& flags) {
  CLI::App* track = application.add_subcommand(
      "track", "what caused a process, file or connection, and what came of it");
  AddStoreOption(*track, flags.store);
  CLI::Option* process =
      track->add_option("--process", flags.process, "process_id, or a pid that only one had")
          ->type_name("PROCESS");
  CLI::Option* file =
      track->add_option("--file", flags.file, "absolute path, or object_id")->type_name("PATH");
  CLI::Option* flow = track->add_option("--flow", flags.flow, "flow_id, or ADDRESS:PORT of an end")
                          ->type_name("FLOW");
  CLI::Option* alert =
      track->add_option("--alert", flags.alert, "alert_id: from the flow that it is on")
          ->type_name("ALERT");
  CLI::Option* event =
      track
          ->add_option(
              "--event", flags.event,
              "event_id, such as of the read that ends a typed line: what it did it to, then")
          ->type_name("EVENT");
  process->excludes(file)->excludes(flow)->excludes(alert)->excludes(event);
  file->excludes(flow)->excludes(alert)->excludes(event);
  flow->excludes(alert)->excludes(event);
  alert->excludes(event);
  CLI::Option* backward = track->add_flag("--backward", flags.backward, "causes only");
  CLI::Option* forward = track->add_flag("--forward", flags.forward, "effects only");
  CLI::Option* both = track->add_flag("--both", flags.both, "causes and effects (the default)");
  backward->excludes(forward)->excludes(both);
  forward->excludes(both);
  track->add_option("--from", flags.from, "not what ended before (RFC 3339, or -15m)")
      ->type_name("TIME");
  track->add_option("--until", flags.until, "not what began after")->type_name("TIME");
  track
      ->add_option("--format", flags.format,
                   "tree, story (all flows by time), dot, svg (needs graphviz), json, graphml or "
                   "prov-json")
      ->check(CLI::IsMember({"tree", "story", "dot", "svg", "json", "graphml", "prov-json"}))
      ->capture_default_str();
  track->add_flag("--json", flags.json, "as --format json");
  track->add_option("--out", flags.out, "write to FILE, not to stdout")->type_name("FILE");
  track->add_option("--limit", flags.limit, "at most N nodes, the nearest to the start; 0: all")
      ->type_name("N");
  track
      ->add_option("--show", flags.show,
                   "of tree, story and pictures about N nodes (more where alerts, changes of user, "
                   "typed commands and what crosses hosts are more); 0: all")
      ->type_name("N")
      ->capture_default_str();
  track
      ->add_option("--steps-max", flags.steps_max,
                   "end each walk after about N nodes, with what was found; 0: never")
      ->type_name("N")
      ->capture_default_str();
  track->add_option("--depth", flags.depth, "at most N flows from the start; 0: any number")
      ->type_name("N");
  track->add_option("--time-max", flags.time_max, "end the walks after this time (10s)")
      ->type_name("DURATION");
  track->add_option("--on-host", flags.hosts, "only what happened on this host (may be repeated)")
      ->type_name("HOST");
  CLI::Option* progressive = track->add_flag("--progressive", flags.progressive,
                                             "answers of growing depth, until nothing is missing");
  track->add_option("--why", flags.why, "only the chain between the start and this one")
      ->type_name("NODE");
  CLI::Option* to =
      track
          ->add_option(
              "--to", flags.to,
              "only the shortest chain from the start to this one, or from it to the start: as "
              "--why, or alert:ID, event:ID, flow:FLOW, file:PATH, process:PROCESS")
          ->type_name("NODE");
  CLI::Option* also =
      track
          ->add_option("--also", flags.also,
                       "what the start and this one both descend from (may be repeated)")
          ->type_name("NODE");
  CLI::Option* entries = track->add_flag(
      "--entries", flags.entries, "connections and logins among the causes, most likely first");
  CLI::Option* list = track->add_option("--list", flags.list, "'files' or 'flows' of the answer")
                          ->check(CLI::IsMember({"files", "flows"}));
  to->excludes(also)->excludes(entries)->excludes(list)->excludes("--why");
  also->excludes(entries)->excludes(list)->excludes("--why")->excludes(forward)->excludes(both);
  entries->excludes(list)->excludes("--why")->excludes(forward)->excludes(both);
  list->excludes("--why");
  progressive->excludes(to)->excludes(also)->excludes("--why")->excludes("--depth");
  track->add_option("--rules", flags.rules, "'list' explains the pruning rules and ends")
      ->check(CLI::IsMember({"list"}));
  track->add_option("--no-rule", flags.no_rule, "switch a pruning rule off (may be repeated)")
      ->type_name("NAME");
  track->add_flag("--no-rules", flags.no_rules, "switch all pruning rules off");
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
      "Ctrl-C ends the walk: what was found so far is shown, and the exit code is 4.\n"
      "Every rule that left something out is named in the answer with what it left out.");
  return track;
}

}  // namespace spoor::programs
