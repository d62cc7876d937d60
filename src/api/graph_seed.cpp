// SPDX-License-Identifier: Apache-2.0
#include "api/graph_seed.hpp"

#include <fmt/format.h>

#include "api/parameters.hpp"
#include "api/processes.hpp"
#include "store/lookup.hpp"

namespace spoor::api {
namespace {

std::string TextIn(const Json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

/// The sockets of a flow, of all its observers; else the processes that took part in it.
Result<std::vector<std::int64_t>> NodesOfFlow(store::Store& store, std::int64_t flow_id) {
  constexpr std::string_view kSame =
      "WITH same AS (SELECT g.flow_id, g.observer FROM flow AS g WHERE coalesce(g.connection_id, "
      "g.flow_id) = (SELECT coalesce(f.connection_id, f.flow_id) FROM flow AS f WHERE f.flow_id = "
      "$1 LIMIT 1)) ";
  ASSIGN_OR_RETURN(
      std::vector<std::int64_t> ids,
      store::ReadIntegers(store,
                          std::string(kSame) +
                              "SELECT o.object_id FROM flow_process AS o JOIN same AS s ON "
                              "s.flow_id = o.flow_id WHERE o.object_id IS NOT NULL UNION SELECT "
                              "s.flow_id FROM same AS s JOIN object AS b ON b.object_id = "
                              "s.flow_id WHERE s.observer = 'sensor' ORDER BY 1",
                          {flow_id}));
  if (!ids.empty()) return ids;
  return store::ReadIntegers(store,
                             std::string(kSame) +
                                 "SELECT DISTINCT o.process_id FROM flow_process AS o JOIN same "
                                 "AS s ON s.flow_id = o.flow_id ORDER BY 1",
                             {flow_id});
}

Result<Json> ReadOne(store::Store& store, std::string_view sql, std::int64_t id,
                     std::string_view what) {
  ASSIGN_OR_RETURN(const Json rows, ReadObjects(store, sql, {id}));
  if (rows.empty()) return Fail(ErrorCode::kNotFound, "there is no {} {}", what, id);
  return rows[0];
}

Result<> SeedProcess(store::Store& store, GraphSeed& seed, std::int64_t process_id) {
  ASSIGN_OR_RETURN(
      const Json process,
      ReadOne(store,
              "SELECT coalesce(p.name, '?') AS name, p.pid, h.name AS host FROM process AS p JOIN "
              "host AS h ON h.host_id = p.host_id WHERE p.process_id = $1",
              process_id, "process"));
  seed.ids = {process_id};
  seed.process_id = process_id;
  if (!seed.title.empty()) return {};
  seed.title = fmt::format("{}[{}] on {}", TextIn(process["name"]),
                           process["pid"].get<std::int64_t>(), TextIn(process["host"]));
  return {};
}

Result<> SeedFlow(store::Store& store, GraphSeed& seed, std::int64_t flow_id) {
  ASSIGN_OR_RETURN(
      const Json flow,
      ReadOne(store,
              "SELECT f.source_ip, CAST(f.source_port AS VARCHAR) AS source_port, "
              "f.destination_ip, CAST(f.destination_port AS VARCHAR) AS destination_port, "
              "f.transport, f.begin_wall_ns FROM flow AS f WHERE f.flow_id = $1 LIMIT 1",
              flow_id, "flow"));
  ASSIGN_OR_RETURN(seed.ids, NodesOfFlow(store, flow_id));
  if (!seed.wall_ns) seed.wall_ns = NumberIn(flow["begin_wall_ns"]);
  if (!seed.title.empty()) return {};
  seed.title = fmt::format("{} {} port {} → {} port {}", TextIn(flow["transport"]),
                           TextIn(flow["source_ip"]), TextIn(flow["source_port"]),
                           TextIn(flow["destination_ip"]), TextIn(flow["destination_port"]));
  return {};
}

Result<> SeedAlert(store::Store& store, Snapshot& snapshot, GraphSeed& seed,
                   const std::string& key) {
  ASSIGN_OR_RETURN(const auto alerts, snapshot.alerts(store));
  const AlertEntry* const alert = alerts->Find(key);
  if (alert == nullptr) return Fail(ErrorCode::kNotFound, "there is no alert {}", key);
  seed.title = "Alert: " + TextIn(alert->json["signature"]);
  seed.sentences.push_back(TextIn(alert->json["sentence"]) + ".");
  seed.wall_ns = alert->wall_ns;
  if (alert->process_id) return SeedProcess(store, seed, *alert->process_id);
  if (alert->flow_id) return SeedFlow(store, seed, *alert->flow_id);
  seed.sentences.push_back(
      "No process and no connection was found for it: " + TextIn(alert->json["reason"]) + ".");
  return {};
}

Result<> SeedEvent(store::Store& store, GraphSeed& seed, std::int64_t event_id) {
  ASSIGN_OR_RETURN(
      const Json event,
      ReadOne(store,
              "SELECT e.process_id, e.object_id, e.kind, e.wall_ns, coalesce(p.name, '?') AS name, "
              "p.pid, h.name AS host FROM event AS e LEFT JOIN process AS p ON p.process_id = "
              "e.process_id LEFT JOIN host AS h ON h.host_id = e.host_id WHERE e.event_id = $1 "
              "LIMIT 1",
              event_id, "event"));
  seed.wall_ns = NumberIn(event["wall_ns"]);
  seed.process_id = NumberIn(event["process_id"]);
  seed.ids = {*seed.process_id};
  if (event["object_id"].is_string()) seed.ids.push_back(NumberIn(event["object_id"]));
  seed.title =
      fmt::format("{} of {}[{}] on {}", TextIn(event["kind"]), TextIn(event["name"]),
                  event["pid"].is_number() ? event["pid"].dump() : "?", TextIn(event["host"]));
  return {};
}

}  // namespace

std::string EntryWords(const Json& session) {
  std::string words = "a session (" + TextIn(session["kind"]) + ")";
  if (session["entry_source_ip"].is_string()) {
    words += " that came in from " + TextIn(session["entry_source_ip"]);
    if (session["entry_source_port"].is_number()) {
      words += " port " + session["entry_source_port"].dump();
    }
  }
  return words + " on " + TextIn(session["host"]);
}

Result<GraphSeed> SeedOf(store::Store& store, Snapshot& snapshot, std::string_view text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string kind(text.substr(0, colon));
  const std::string key(text.substr(std::min(colon + 1, text.size())));
  GraphSeed seed;
  if (kind == "alert" && !key.empty()) {
    RETURN_IF_ERROR(SeedAlert(store, snapshot, seed, key));
    return seed;
  }
  const std::optional<std::int64_t> id = WholeNumber(key);
  if (!id) {
    return Fail(ErrorCode::kInvalidArgument,
                "seed must be process:ID, session:ID, object:ID, flow:ID, alert:KEY, event:ID or "
                "host:ID");
  }
  if (kind == "process") {
    RETURN_IF_ERROR(SeedProcess(store, seed, *id));
  } else if (kind == "session") {
    ASSIGN_OR_RETURN(const auto sessions, snapshot.sessions(store));
    const SessionEntry* const session = sessions->Find(*id);
    if (session == nullptr) return Fail(ErrorCode::kNotFound, "there is no session {}", *id);
    seed.title = fmt::format("Session {} on {}", TextIn(session->json["kind"]),
                             TextIn(session->json["host"]));
    RETURN_IF_ERROR(SeedProcess(store, seed, *id));
  } else if (kind == "flow") {
    RETURN_IF_ERROR(SeedFlow(store, seed, *id));
  } else if (kind == "event") {
    RETURN_IF_ERROR(SeedEvent(store, seed, *id));
  } else if (kind == "object") {
    ASSIGN_OR_RETURN(const Json object,
                     ReadOne(store, "SELECT o.type, o.path FROM object AS o WHERE o.object_id = $1",
                             *id, "object"));
    seed.ids = {*id};
    seed.title = object["path"].is_string() ? TextIn(object["path"]) : TextIn(object["type"]);
  } else if (kind == "host") {
    ASSIGN_OR_RETURN(
        const Json host,
        ReadOne(store, "SELECT h.name FROM host AS h WHERE h.host_id = $1", *id, "host"));
    seed.host_id = *id;
    seed.title = "Host " + TextIn(host["name"]);
  } else {
    return Fail(ErrorCode::kInvalidArgument, "seed: there is no kind {}", kind);
  }
  return seed;
}

}  // namespace spoor::api
