// SPDX-License-Identifier: Apache-2.0
#include "api/flows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

namespace spoor::api {
namespace {

const std::map<std::string, std::string, std::less<>>& FieldsOfFlows() {
  static const std::map<std::string, std::string, std::less<>> fields{
      {"ip", "(c.source_ip {} OR c.destination_ip {})"},
      {"port", "(CAST(c.source_port AS VARCHAR) {} OR CAST(c.destination_port AS VARCHAR) {})"},
      {"source_ip", "c.source_ip"},
      {"source_port", "c.source_port"},
      {"destination_ip", "c.destination_ip"},
      {"destination_port", "c.destination_port"},
      {"transport", "c.transport"},
      {"application", "c.application"},
      {"direction", "c.direction"},
      {"state", "c.state"},
      {"host", "c.host_id IN (SELECT w.host_id FROM host AS w WHERE w.name {})"},
      {"process",
       "c.conversation_id IN (SELECT coalesce(g.connection_id, g.flow_id) FROM flow AS g JOIN "
       "flow_process AS o ON o.flow_id = g.flow_id JOIN process AS p ON p.process_id = "
       "o.process_id WHERE p.name {})"}};
  return fields;
}

std::int64_t NumberOf(const Json& exact) {
  return exact.is_string() ? WholeNumber(exact.get<std::string>()).value_or(0) : 0;
}

/// Of each address what it was taken for, and when.
struct Seen {
  std::int64_t wall_ns = 0;
  std::string os;
};
using SystemsByIp = std::map<std::string, std::vector<Seen>>;

Result<SystemsByIp> SystemsOf(store::Store& store, const std::set<std::string>& ips) {
  SystemsByIp systems;
  if (ips.empty()) return systems;
  Filter filter;
  std::string list;
  for (const std::string& ip : ips) list += (list.empty() ? "" : ", ") + filter.Bind(ip);
  ASSIGN_OR_RETURN(
      const Json rows,
      ReadObjects(store,
                  "SELECT g.ip, g.os, g.wall_ns FROM fingerprint AS g WHERE g.ip IN (" + list + ")",
                  filter.values()));
  for (const Json& row : rows) {
    systems[row["ip"].get<std::string>()].push_back(
        {NumberOf(row["wall_ns"]), row["os"].get<std::string>()});
  }
  return systems;
}

/// The one nearest in time.
Json SystemAt(const SystemsByIp& systems, const Json& ip, std::int64_t wall_ns) {
  const auto seen = systems.find(ip.get<std::string>());
  if (seen == systems.end() || seen->second.empty()) return nullptr;
  return std::ranges::min_element(seen->second,
                                  [wall_ns](const Seen& a, const Seen& b) {
                                    return std::abs(a.wall_ns - wall_ns) <
                                           std::abs(b.wall_ns - wall_ns);
                                  })
      ->os;
}

}  // namespace

std::string IdsSql(std::span<const std::int64_t> ids) {
  std::string list = "(0";
  for (const std::int64_t id : ids) list += fmt::format(", {}", id);
  return list + ")";
}

std::string FlowsSql(const Snapshot::Alerts& alerts) {
  std::string alerted =
      "SELECT CAST(NULL AS BIGINT) AS conversation_id, CAST(0 AS BIGINT) AS alerts WHERE FALSE";
  std::map<std::int64_t, std::int64_t> count_of;
  for (const auto& [flow_id, place] : alerts.by_flow) ++count_of[flow_id];
  if (!count_of.empty()) {
    alerted.clear();
    for (const auto& [flow_id, count] : count_of) {
      alerted += fmt::format("{}({}, {})", alerted.empty() ? "" : ", ", flow_id, count);
    }
    alerted =
        "SELECT coalesce(g.connection_id, g.flow_id) AS conversation_id, CAST(sum(v.alerts) AS "
        "BIGINT) AS alerts FROM (VALUES " +
        alerted + ") AS v(flow_id, alerts) JOIN flow AS g ON g.flow_id = v.flow_id GROUP BY 1";
  }
  // Who saw packets knows more of a conversation than who saw sockets.
  return "WITH alerted AS MATERIALIZED (" + alerted +
         "), conversation AS (SELECT f.*, coalesce(f.connection_id, f.flow_id) AS "
         "conversation_id, coalesce(a.alerts, 0) AS alerts FROM flow AS f LEFT JOIN alerted AS a "
         "ON a.conversation_id = coalesce(f.connection_id, f.flow_id) QUALIFY row_number() OVER "
         "(PARTITION BY coalesce(f.connection_id, f.flow_id) ORDER BY f.source_packets IS NULL, "
         "f.flow_id) = 1) ";
}

Result<Filter> FlowFilterOf(const Parameters& parameters, const Snapshot::Alerts& alerts) {
  Filter filter;
  ASSIGN_OR_RETURN(const std::vector<Condition> conditions, ConditionsOf(parameters));
  RETURN_IF_ERROR(filter.AddAll(conditions, FieldsOfFlows(), {"alert"}));
  for (const Condition& condition : conditions) {
    if (condition.field != "alert") continue;
    std::vector<std::int64_t> ids;
    for (const AlertEntry& alert : alerts.list) {
      const bool fits = condition.Matches(alert.json["signature"].get<std::string>());
      if (fits && alert.flow_id) ids.push_back(*alert.flow_id);
    }
    filter.Add(
        fmt::format("c.conversation_id {}IN (SELECT coalesce(g.connection_id, g.flow_id) "
                    "FROM flow AS g WHERE g.flow_id IN {})",
                    condition.negated ? "NOT " : "", IdsSql(ids)));
  }
  RETURN_IF_ERROR(filter.AddSpan(parameters, "c.begin_wall_ns"));
  RETURN_IF_ERROR(filter.AddId(parameters, "host_id", "c.host_id"));
  ASSIGN_OR_RETURN(const std::optional<std::int64_t> process_id, parameters.Integer("process_id"));
  if (process_id) {
    filter.Add(
        "c.conversation_id IN (SELECT coalesce(g.connection_id, g.flow_id) FROM flow AS g "
        "JOIN flow_process AS o ON o.flow_id = g.flow_id WHERE o.process_id = " +
        filter.Bind(*process_id) + ")");
  }
  return filter;
}

Result<> FinishFlows(store::Store& store, const Snapshot::Alerts& alerts, Json& flows) {
  std::vector<std::int64_t> ids;
  std::set<std::string> ips;
  for (const Json& flow : flows) {
    ids.push_back(NumberOf(flow["conversation_id"]));
    ips.insert(flow["source_ip"].get<std::string>());
    ips.insert(flow["destination_ip"].get<std::string>());
  }
  ASSIGN_OR_RETURN(const SystemsByIp systems, SystemsOf(store, ips));
  ASSIGN_OR_RETURN(
      const Json parts,
      ReadObjects(store,
                  "SELECT coalesce(g.connection_id, g.flow_id) AS conversation_id, g.flow_id FROM "
                  "flow AS g WHERE coalesce(g.connection_id, g.flow_id) IN " +
                      IdsSql(ids)));
  ASSIGN_OR_RETURN(
      const Json processes,
      ReadObjects(
          store,
          "SELECT coalesce(g.connection_id, g.flow_id) AS conversation_id, o.process_id, h.name "
          "AS host, coalesce(p.pid, 0) AS pid, coalesce(p.name, '?') AS name, coalesce(o.uid, "
          "p.uid) AS uid, coalesce(coalesce(o.uid, p.euid) = 0, FALSE) AS is_root, o.confidence, "
          "o.reason FROM flow_process AS o JOIN flow AS g ON g.flow_id = o.flow_id LEFT JOIN "
          "process AS p ON p.process_id = o.process_id LEFT JOIN host AS h ON h.host_id = "
          "coalesce(p.host_id, g.host_id) WHERE coalesce(g.connection_id, g.flow_id) IN " +
              IdsSql(ids) +
              " ORDER BY o.confidence DESC, o.first_wall_ns NULLS LAST, o.process_id"));
  for (Json& flow : flows) {
    const Json conversation_id = flow["conversation_id"];
    flow.erase("conversation_id");
    const std::int64_t begin_wall_ns = NumberOf(flow["begin_wall_ns"]);
    flow["source_os"] = SystemAt(systems, flow["source_ip"], begin_wall_ns);
    flow["destination_os"] = SystemAt(systems, flow["destination_ip"], begin_wall_ns);
    flow["processes"] = Json::array();
    std::set<std::string> listed;
    for (Json process : processes) {
      if (process["conversation_id"] != conversation_id) continue;
      if (!listed.insert(process["process_id"].get<std::string>()).second) continue;
      process.erase("conversation_id");
      flow["processes"].push_back(std::move(process));
    }
    flow["alerts"] = Json::array();
    for (const Json& part : parts) {
      if (part["conversation_id"] != conversation_id) continue;
      for (Json& alert : alerts.OfFlow(NumberOf(part["flow_id"]))) {
        flow["alerts"].push_back(std::move(alert));
      }
    }
  }
  return {};
}

Result<Json> FlowsOfProcess(store::Store& store, const Snapshot::Alerts& alerts,
                            std::int64_t process_id) {
  ASSIGN_OR_RETURN(
      Json flows,
      ReadObjects(store,
                  fmt::format("{}SELECT {} FROM conversation AS c JOIN host AS h ON h.host_id = "
                              "c.host_id WHERE c.conversation_id IN (SELECT "
                              "coalesce(g.connection_id, g.flow_id) FROM flow AS g JOIN "
                              "flow_process AS o ON o.flow_id = g.flow_id WHERE o.process_id = $1) "
                              "ORDER BY c.begin_wall_ns, c.flow_id LIMIT 200",
                              FlowsSql(alerts), kFlowColumns),
                  {process_id}));
  RETURN_IF_ERROR(FinishFlows(store, alerts, flows));
  return flows;
}

}  // namespace spoor::api
