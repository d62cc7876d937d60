// SPDX-License-Identifier: Apache-2.0
// Sessions, and what was typed and printed in them.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "api/endpoint.hpp"
#include "api/filter.hpp"
#include "api/json.hpp"
#include "api/snapshot.hpp"
#include "base/saturating.hpp"
#include "replay/cast.hpp"
#include "replay/lines.hpp"
#include "replay/recording.hpp"

namespace spoor::api {
namespace {

constexpr std::size_t kSearchBytesMax = 256;

/// Fields of `where`, and the members of a session that they are held against.
const std::map<std::string, std::string, std::less<>>& FieldsOfSessions() {
  static const std::map<std::string, std::string, std::less<>> fields{
      {"kind", "kind"},   {"host", "host"},
      {"user", "user"},   {"source_ip", "entry_source_ip"},
      {"shell", "shell"}, {"interactive", "interactive"}};
  return fields;
}

Result<http::Answer> Sessions(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const ListRequest asked, ListRequest::Of(call.parameters, FieldsOfSessions()));
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kPageTimeMax));
  ASSIGN_OR_RETURN(const auto sessions, store.snapshot().sessions(*store));
  Json rows = Json::array();
  Json next_cursor;
  std::int64_t total = 0;
  for (const SessionEntry& session : sessions->list) {
    if (asked.host_id && session.host_id != *asked.host_id) continue;
    if (session.end_wall_ns < asked.from_wall_ns.value_or(INT64_MIN) ||
        session.begin_wall_ns >= asked.until_wall_ns.value_or(INT64_MAX) ||
        !asked.Holds(FieldsOfSessions(), session.json)) {
      continue;
    }
    ++total;
    const bool behind = !asked.cursor || std::pair(session.begin_wall_ns, session.session_id) >
                                             std::pair(asked.cursor->first, asked.cursor->second);
    if (!behind || !next_cursor.is_null()) continue;
    if (std::cmp_less(rows.size(), asked.limit)) {
      rows.push_back(session.json);
      continue;
    }
    const Json& last = rows.back();
    const auto number = [&last](const char* name) {
      return last[name].is_string() ? WholeNumber(last[name].get<std::string>()).value_or(0)
                                    : INT64_MIN;
    };
    next_cursor = Cursor{number("begin_wall_ns"), number("session_id")}.Text();
  }
  return JsonAnswer(
      Dump({{"next_cursor", next_cursor}, {"total", total}, {"rows", std::move(rows)}}));
}

/// Seconds since the first event, as the cast has them.
double TimeS(std::int64_t boot_ns, std::int64_t first_boot_ns) {
  return static_cast<double>(SaturatingSub(boot_ns, first_boot_ns) / 1000) / 1e6;
}

std::string_view KindName(replay::EventType type) {
  return type == replay::EventType::kInput    ? "typed"
         : type == replay::EventType::kOutput ? "printed"
                                              : "marker";
}

Result<replay::Recording> LoadSubject(store::Store& store, Call& call) {
  ASSIGN_OR_RETURN(const bool descriptors, call.parameters.Flag("descriptors"));
  ASSIGN_OR_RETURN(replay::Recording recording,
                   replay::Load(store, {.who = std::string(call.request.Parameter("subject")),
                                        .descriptors = descriptors}));
  if (recording.events.empty()) {
    return Fail(ErrorCode::kNotFound, "nothing of that kind was recorded");
  }
  return recording;
}

Json LinesJson(const replay::Recording& recording) {
  const std::int64_t first_ns = recording.events.front().boot_ns;
  Json lines = Json::array();
  for (const replay::Line& line : replay::LinesOf(recording)) {
    const auto process = recording.processes.find(line.process_id);
    lines.push_back(
        {{"kind", KindName(line.type)},
         {"time_s", TimeS(line.boot_ns, first_ns)},
         {"wall_ns", Exact(SaturatingAdd(line.boot_ns, recording.wall_shift_ns))},
         {"process_id", line.process_id == 0 ? Json() : Exact(line.process_id)},
         {"process", process == recording.processes.end()
                         ? Json()
                         : Utf8(fmt::format("{}[{}]", process->second.name, process->second.pid))},
         {"text", Utf8(line.text)},
         {"keys", line.type == replay::EventType::kInput ? Utf8(line.keys) : Json()},
         {"echo_off", line.echo_off}});
  }
  return lines;
}

Result<http::Answer> Replay(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kPageTimeMax));
  ASSIGN_OR_RETURN(const replay::Recording recording, LoadSubject(*store, call));
  ASSIGN_OR_RETURN(const auto sessions, store.snapshot().sessions(*store));
  const auto wall = [&recording](std::int64_t boot_ns) {
    return boot_ns == INT64_MAX ? INT64_MAX : SaturatingAdd(boot_ns, recording.wall_shift_ns);
  };
  Json host_id;
  for (const auto& [id, name] : sessions->host_names) {
    if (name == recording.host) host_id = Exact(id);
  }
  Json session_id;
  for (const replay::TerminalEvent& event : recording.events) {
    if (const auto session = sessions->Of(event.process_id); session && session_id.is_null()) {
      session_id = Exact(*session);
    }
  }
  Json gaps = Json::array();
  for (const replay::Gap& gap : recording.gaps) {
    gaps.push_back({{"host_id", host_id},
                    {"from_wall_ns", Exact(wall(gap.from_boot_ns))},
                    {"until_wall_ns", Exact(wall(gap.until_boot_ns))},
                    {"loss_class", gap.loss_class},
                    {"count", NumberOrNull(gap.count)},
                    {"reason", Utf8(gap.reason)}});
  }
  const std::int64_t first_ns = recording.events.front().boot_ns;
  const std::int64_t last_ns = recording.events.back().boot_ns;
  return JsonAnswer(Dump({{"subject", Utf8(call.request.Parameter("subject"))},
                          {"host", Utf8(recording.host)},
                          {"host_id", host_id},
                          {"title", Utf8(recording.title)},
                          {"session_id", session_id},
                          {"begin_wall_ns", Exact(wall(first_ns))},
                          {"end_wall_ns", Exact(wall(last_ns))},
                          {"duration_s", TimeS(last_ns, first_ns)},
                          {"rows", recording.rows},
                          {"columns", recording.columns},
                          {"output_side", recording.output_side},
                          {"input_side", recording.input_side},
                          {"missing_bytes", recording.missing_bytes},
                          {"lines", LinesJson(recording)},
                          {"gaps", std::move(gaps)}}));
}

Result<http::Answer> CastOf(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kPageTimeMax));
  ASSIGN_OR_RETURN(const replay::Recording recording, LoadSubject(*store, call));
  return http::Answer{.content_type = "application/x-asciicast",
                      .body = replay::MakeCast(recording, {}).text,
                      .headers = {{"Cache-Control", "no-store"}}};
}

Result<http::Answer> SearchReplays(const Context& context, Call& call) {
  const std::string wanted(call.parameters.Text("q"));
  if (wanted.empty() || wanted.size() > kSearchBytesMax) {
    return Fail(ErrorCode::kInvalidArgument, "q must be 1 to {} bytes", kSearchBytesMax);
  }
  ASSIGN_OR_RETURN(const std::int64_t limit,
                   call.parameters.Within("limit", kRowsUsual, 1, kRowsMax));
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kAskTimeMax));
  ASSIGN_OR_RETURN(const auto replays, store.snapshot().replays(*store));
  Json hits = Json::array();
  bool truncated = replays->truncated;
  for (const Snapshot::Replays::Told& told : replays->list) {
    for (const replay::Line& line : told.lines) {
      if (line.text.find(wanted) == std::string::npos) continue;
      if (std::cmp_greater_equal(hits.size(), limit)) {
        truncated = true;
        break;
      }
      const auto process = told.processes.find(line.process_id);
      hits.push_back({{"subject", told.subject},
                      {"host", Utf8(told.host)},
                      {"kind", KindName(line.type)},
                      {"time_s", TimeS(line.boot_ns, told.first_boot_ns)},
                      {"wall_ns", Exact(SaturatingAdd(line.boot_ns, told.wall_shift_ns))},
                      {"process", process == told.processes.end() ? Json() : Utf8(process->second)},
                      {"text", Utf8(line.text)}});
    }
  }
  return JsonAnswer(Dump({{"hits", std::move(hits)}, {"truncated", truncated}}));
}

}  // namespace

std::vector<Endpoint> SessionEndpoints() {
  return {{.method = "GET",
           .path = "/sessions",
           .needs = Role::kViewer,
           .parameters = {"host_id", "from_wall_ns", "until_wall_ns", "where", "cursor", "limit"},
           .answer = Sessions},
          {.method = "GET",
           .path = "/replays",
           .needs = Role::kViewer,
           .parameters = {"q", "limit"},
           .answer = SearchReplays},
          {.method = "GET",
           .path = "/replays/{subject}",
           .needs = Role::kViewer,
           .parameters = {"descriptors"},
           .answer = Replay,
           .kept = true},
          {.method = "GET",
           .path = "/replays/{subject}/cast",
           .needs = Role::kViewer,
           .parameters = {"descriptors"},
           .answer = CastOf,
           .kept = true}};
}

}  // namespace spoor::api
