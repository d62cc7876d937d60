// SPDX-License-Identifier: Apache-2.0
// Processes, one of them with all that is known of it, and what it did.
#include <fmt/format.h>

#include <map>

#include "api/endpoint.hpp"
#include "api/filter.hpp"
#include "api/flows.hpp"
#include "api/processes.hpp"
#include "replay/recording.hpp"

namespace spoor::api {
namespace {

constexpr int kAncestorsMax = 64;
constexpr std::int64_t kChildrenMax = 1000;
constexpr std::int64_t kDetailRowsMax = 1000;

/// A process that was there before the recording has no start.
const std::string kStart = fmt::format("coalesce(p.start_wall_ns, {} - 1)", INT64_MIN + 1);

const std::map<std::string, std::string, std::less<>>& FieldsOfProcesses() {
  static const std::map<std::string, std::string, std::less<>> fields{
      {"pid", "p.pid"},
      {"name", "p.name"},
      {"executable", "p.executable"},
      {"command_line", "p.command_line"},
      {"uid", "p.uid"},
      {"user", "CASE WHEN p.uid = 0 THEN 'root' END"},
      {"host", "h.name"}};
  return fields;
}

Result<http::Answer> Processes(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const std::int64_t limit,
                   call.parameters.Within("limit", kRowsUsual, 1, kRowsMax));
  ASSIGN_OR_RETURN(const bool descending, IsDescending(call.parameters));
  ASSIGN_OR_RETURN(const std::optional<Cursor> cursor, Cursor::Of(call.parameters));
  ASSIGN_OR_RETURN(const std::vector<Condition> conditions, ConditionsOf(call.parameters));
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kPageTimeMax));
  ASSIGN_OR_RETURN(const auto sessions, store.snapshot().sessions(*store));
  Filter filter;
  RETURN_IF_ERROR(filter.AddAll(conditions, FieldsOfProcesses(), {"session"}));
  for (const Condition& condition : conditions) {
    if (condition.field != "session") continue;
    std::vector<std::int64_t> ids;
    for (const auto& [process_id, session_id] : sessions->of_process) {
      if (condition.Matches(std::to_string(session_id))) ids.push_back(process_id);
    }
    filter.Add(fmt::format("p.process_id {}IN {}", condition.negated ? "NOT " : "", IdsSql(ids)));
  }
  RETURN_IF_ERROR(filter.AddSpan(call.parameters, "p.start_wall_ns"));
  RETURN_IF_ERROR(filter.AddId(call.parameters, "host_id", "p.host_id"));
  ASSIGN_OR_RETURN(const Json total,
                   ReadObject(*store,
                              "SELECT count(*) AS total FROM process AS p JOIN host AS h ON "
                              "h.host_id = p.host_id WHERE " +
                                  filter.Sql(),
                              filter.values()));
  if (cursor) filter.AddBehind(*cursor, descending, kStart, "p.process_id");
  const char* const order = descending ? "DESC" : "ASC";
  ASSIGN_OR_RETURN(
      Json rows,
      ReadProcesses(*store, *sessions, filter.Sql(), filter.values(),
                    fmt::format("{} {}, p.process_id {}", kStart, order, order), limit + 1));
  Json page = PageOf(std::move(rows), limit, "start_wall_ns", "process_id");
  page["total"] = total["total"];
  return JsonAnswer(Dump(page));
}

/// From the parent up.
Result<Json> AncestorsOf(store::Store& store, const Snapshot::Sessions& sessions, Json process) {
  Json ancestors = Json::array();
  for (int i = 0; i < kAncestorsMax && process["parent_process_id"].is_string(); ++i) {
    ASSIGN_OR_RETURN(Json parent,
                     ReadProcesses(store, sessions, "p.process_id = $1",
                                   {NumberIn(process["parent_process_id"])}, "p.process_id", 1));
    if (parent.empty()) break;
    process = parent[0];
    ancestors.push_back(process);
  }
  return ancestors;
}

Result<http::Answer> Process(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const std::int64_t process_id, call.parameters.Id("process_id"));
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kPageTimeMax));
  ASSIGN_OR_RETURN(const auto sessions, store.snapshot().sessions(*store));
  ASSIGN_OR_RETURN(const auto alerts, store.snapshot().alerts(*store));
  ASSIGN_OR_RETURN(Json found, ReadProcesses(*store, *sessions, "p.process_id = $1", {process_id},
                                             "p.process_id", 1));
  if (found.empty()) return Fail(ErrorCode::kNotFound, "there is no process {}", process_id);
  Json process = found[0];
  const auto read = [&](const std::string& sql) {
    return ReadObjects(*store, sql + fmt::format(" LIMIT {}", kDetailRowsMax), {process_id});
  };
  ASSIGN_OR_RETURN(const Json boot,
                   ReadObject(*store, "SELECT p.boot_id FROM process AS p WHERE p.process_id = $1",
                              {process_id}));
  process["boot_id"] = boot["boot_id"];
  ASSIGN_OR_RETURN(process["ancestors"], AncestorsOf(*store, *sessions, process));
  ASSIGN_OR_RETURN(process["children"],
                   ReadProcesses(*store, *sessions, "p.parent_process_id = $1", {process_id},
                                 "p.start_wall_ns NULLS FIRST, p.process_id", kChildrenMax));
  ASSIGN_OR_RETURN(
      process["execs"],
      read("SELECT x.event_id, x.wall_ns, x.result, x.executable, x.command_line, x.user_path, "
           "x.working_directory, x.uid, x.euid, x.arguments_truncated FROM exec AS x WHERE "
           "x.process_id = $1 ORDER BY x.event_id"));
  ASSIGN_OR_RETURN(
      process["credential_changes"],
      read("SELECT c.event_id, c.wall_ns, c.cause, c.syscall, c.executable, c.before_uid, "
           "c.before_euid, c.uid, c.euid FROM credential_change AS c WHERE c.process_id = $1 "
           "ORDER BY c.event_id"));
  ASSIGN_OR_RETURN(process["flows"], FlowsOfProcess(*store, *alerts, process_id));
  process["alerts"] = alerts->OfProcess(process_id);
  ASSIGN_OR_RETURN(
      process["event_kinds"],
      read("SELECT e.kind, count(*) AS \"rows\" FROM event AS e WHERE e.process_id = $1 GROUP BY "
           "e.kind ORDER BY 2 DESC, e.kind"));
  process["has_replay"] =
      replay::Load(*store, {.who = std::to_string(process_id), .descriptors = false}).has_value();
  ASSIGN_OR_RETURN(
      process["same_pid"],
      ReadProcesses(*store, *sessions, "p.host_id = $1 AND p.pid = $2 AND p.process_id <> $3",
                    {NumberIn(process["host_id"]), process["pid"].get<std::int64_t>(), process_id},
                    "p.start_wall_ns NULLS FIRST, p.process_id", kChildrenMax));
  return JsonAnswer(Dump(process));
}

Result<http::Answer> Events(const Context& context, Call& call) {
  static const std::map<std::string, std::string, std::less<>> fields{
      {"kind", "e.kind"},
      {"path", "(coalesce(e.path, o.path) {} OR e.other_path {})"},
      {"object", "e.object_id"},
      {"failed", "e.result < 0"}};
  ASSIGN_OR_RETURN(const std::int64_t process_id, call.parameters.Id("process_id"));
  ASSIGN_OR_RETURN(const std::int64_t limit,
                   call.parameters.Within("limit", kRowsUsual, 1, kRowsMax));
  ASSIGN_OR_RETURN(const std::optional<Cursor> cursor, Cursor::Of(call.parameters));
  ASSIGN_OR_RETURN(const std::vector<Condition> conditions, ConditionsOf(call.parameters));
  Filter filter;
  filter.Add("e.process_id = " + filter.Bind(process_id));
  RETURN_IF_ERROR(filter.AddAll(conditions, fields));
  RETURN_IF_ERROR(filter.AddSpan(call.parameters, "e.wall_ns"));
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kPageTimeMax));
  ASSIGN_OR_RETURN(
      const Json there,
      ReadObjects(*store, "SELECT p.process_id FROM process AS p WHERE p.process_id = $1",
                  {process_id}));
  if (there.empty()) return Fail(ErrorCode::kNotFound, "there is no process {}", process_id);
  constexpr std::string_view kFrom =
      "FROM event AS e LEFT JOIN object AS o ON o.object_id = e.object_id WHERE ";
  ASSIGN_OR_RETURN(
      const Json total,
      ReadObject(*store, fmt::format("SELECT count(*) AS total {}{}", kFrom, filter.Sql()),
                 filter.values()));
  if (cursor) filter.AddBehind(*cursor, false, "e.wall_ns", "e.event_id");
  ASSIGN_OR_RETURN(
      Json rows,
      ReadObjects(*store,
                  fmt::format("SELECT e.event_id, e.wall_ns, e.kind, e.fd, coalesce(e.path, "
                              "o.path) AS path, e.other_path, e.object_id, o.type AS "
                              "object_type, e.size_bytes, e.count, e.result, e.uid, e.euid {}{} "
                              "ORDER BY e.wall_ns, e.event_id LIMIT {}",
                              kFrom, filter.Sql(), limit + 1),
                  filter.values()));
  Json page = PageOf(std::move(rows), limit, "wall_ns", "event_id");
  page["total"] = total["total"];
  return JsonAnswer(Dump(page));
}

}  // namespace

std::int64_t NumberIn(const Json& exact) {
  return exact.is_string() ? WholeNumber(exact.get<std::string>()).value_or(0) : 0;
}

Result<Json> ReadProcesses(store::Store& store, const Snapshot::Sessions& sessions,
                           const std::string& condition, const std::vector<store::Value>& values,
                           const std::string& order, std::int64_t limit) {
  ASSIGN_OR_RETURN(Json rows,
                   ReadObjects(store,
                               fmt::format("SELECT {} FROM process AS p JOIN host AS h ON "
                                           "h.host_id = p.host_id WHERE {} ORDER BY {} LIMIT {}",
                                           kProcessColumns, condition, order, limit),
                               values));
  for (Json& row : rows) row["session_id"] = Exact(sessions.Of(NumberIn(row["process_id"])));
  return rows;
}

std::vector<Endpoint> ProcessEndpoints() {
  return {{.method = "GET",
           .path = "/processes",
           .needs = Role::kViewer,
           .parameters = {"host_id", "from_wall_ns", "until_wall_ns", "where", "order", "cursor",
                          "limit"},
           .answer = Processes,
           .kept = true},
          {.method = "GET",
           .path = "/processes/{process_id}",
           .needs = Role::kViewer,
           .answer = Process,
           .kept = true},
          {.method = "GET",
           .path = "/processes/{process_id}/events",
           .needs = Role::kViewer,
           .parameters = {"from_wall_ns", "until_wall_ns", "where", "cursor", "limit"},
           .answer = Events,
           .kept = true}};
}

}  // namespace spoor::api
