// SPDX-License-Identifier: Apache-2.0
// What caused something and what came of it, with the process trees that it hangs in.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "api/endpoint.hpp"
#include "api/flows.hpp"
#include "api/graph_processes.hpp"
#include "api/graph_seed.hpp"
#include "api/processes.hpp"
#include "causality/trace.hpp"
#include "event/event.hpp"
#include "store/row.hpp"

namespace spoor::api {
namespace {

constexpr std::int64_t kNodesUsual = 2000;
constexpr std::int64_t kNodesMax = 20'000;
constexpr std::size_t kNamesInSentence = 5;

using Ids = std::vector<std::int64_t>;

struct Asked {
  std::string seed_text;
  GraphSeed seed;
  causality::TraceOptions trace;
  bool tree = false;
  std::string direction;
};

Result<causality::TraceOptions> TraceOptionsOf(const Parameters& parameters) {
  causality::TraceOptions options;
  const std::string_view direction = parameters.Text("direction");
  if (direction == "backward") {
    options.direction = causality::Direction::kBackward;
  } else if (direction == "forward") {
    options.direction = causality::Direction::kForward;
  } else if (parameters.Has("direction") && direction != "both") {
    return Fail(ErrorCode::kInvalidArgument, "direction must be backward, forward or both");
  }
  for (const std::string& rule : parameters.Texts("rule_off")) {
    RETURN_IF_ERROR(options.rules.Remove(rule));
  }
  ASSIGN_OR_RETURN(options.from_wall_ns, parameters.Integer("from_wall_ns"));
  ASSIGN_OR_RETURN(options.until_wall_ns, parameters.Integer("until_wall_ns"));
  ASSIGN_OR_RETURN(const std::int64_t limit, parameters.Within("limit", kNodesUsual, 1, kNodesMax));
  options.limit = static_cast<std::size_t>(limit);
  return options;
}

/// Puts one answer together.
class GraphMaker {
 public:
  GraphMaker(store::Store& store, const Asked& asked, const Snapshot::Sessions& sessions,
             const Snapshot::Alerts& alerts)
      : store_(store),
        asked_(asked),
        sessions_(sessions),
        alerts_(alerts),
        processes_(store, sessions, asked.seed, asked.trace.limit) {}

  Result<Json> Make(causality::Graph& graph) {
    causality::Subgraph subgraph = causality::Trace(graph, asked_.seed.ids, asked_.trace);
    RETURN_IF_ERROR(causality::Describe(store_, graph.index(), subgraph));
    hidden_nodes_ = subgraph.hidden_nodes;
    for (const causality::SubgraphNode& node : subgraph.nodes) {
      if (node.type == causality::NodeType::kProcess) processes_.Add(node.id);
      node_of_[node.id] = &node;
      if (node.peer_id != 0) node_of_[node.peer_id] = &node;
    }
    if (asked_.seed.process_id) processes_.Add(*asked_.seed.process_id);
    RETURN_IF_ERROR(processes_.AddAncestors());
    if (asked_.tree) {
      ASSIGN_OR_RETURN(const std::size_t left_out, processes_.AddTrees());
      hidden_nodes_ += left_out;
    }
    RETURN_IF_ERROR(processes_.ReadRows());
    json_["seed"] = asked_.seed_text;
    json_["title"] = Utf8(asked_.seed.title);
    json_["sentences"] = Json::array();
    json_["seed_wall_ns"] = Exact(asked_.seed.wall_ns);
    json_["direction"] = asked_.direction;
    json_["scope"] = asked_.tree ? "tree" : "path";
    json_["hosts"] = Json::array();
    json_["processes"] = Json::array();
    for (const std::int64_t id : processes_.ids()) {
      if (processes_.Row(id) == nullptr) continue;
      const auto node = node_of_.find(id);
      json_["processes"].push_back(
          processes_.ToJson(id, node == node_of_.end() ? nullptr : node->second));
    }
    RETURN_IF_ERROR(AddObjects(subgraph));
    json_["edges"] = Json::array();
    for (const causality::SubgraphEdge& edge : subgraph.edges) {
      json_["edges"].push_back({{"from_id", Exact(subgraph.nodes[edge.from].id)},
                                {"to_id", Exact(subgraph.nodes[edge.to].id)},
                                {"kind", event::EventKindName(edge.kind)},
                                {"count", edge.count},
                                {"begin_wall_ns", Exact(edge.begin_ns)},
                                {"end_wall_ns", Exact(edge.end_ns)},
                                {"size_bytes", nullptr}});
    }
    AddAlerts();
    AddRules(subgraph);
    AddGaps(subgraph);
    RETURN_IF_ERROR(AddHosts(subgraph));
    AddSentences(subgraph);
    json_["node_total"] = graph.node_count();
    json_["hidden_nodes"] = hidden_nodes_;
    json_["hidden_edges"] = subgraph.hidden_edges;
    return std::move(json_);
  }

 private:
  Result<> AddObjects(const causality::Subgraph& subgraph) {
    Ids ids;
    for (const causality::SubgraphNode& node : subgraph.nodes) {
      if (node.type == causality::NodeType::kProcess) continue;
      ids.push_back(node.id);
      if (node.peer_id != 0) ids.push_back(node.peer_id);
    }
    const std::string list = IdsSql(ids);
    std::unordered_map<std::int64_t, Json> rows;
    ASSIGN_OR_RETURN(Json found, ReadObjects(store_,
                                             "SELECT o.object_id, o.host_id, o.type, o.path FROM "
                                             "object AS o WHERE o.object_id IN " +
                                                 list));
    for (Json& row : found) rows[NumberIn(row["object_id"])] = row;
    ASSIGN_OR_RETURN(
        found,
        ReadObjects(store_,
                    "SELECT o.object_id, min(o.flow_id) AS flow_id FROM flow_process AS o WHERE "
                    "o.object_id IN " +
                        list +
                        " GROUP BY 1 UNION ALL SELECT f.flow_id AS object_id, f.flow_id FROM flow "
                        "AS f WHERE f.observer = 'sensor' AND f.flow_id IN " +
                        list));
    for (const Json& row : found) flow_of_[NumberIn(row["object_id"])] = NumberIn(row["flow_id"]);
    // The end that is outside: no address of a recorded host, and not loopback.
    ASSIGN_OR_RETURN(
        found,
        ReadObjects(store_,
                    "SELECT s.object_id, s.host_id, s.remote_ip, s.remote_port FROM socket AS s "
                    "WHERE s.remote_ip IS NOT NULL AND s.remote_ip <> '' AND s.remote_port > 0 "
                    "AND s.remote_ip NOT LIKE '127.%' AND s.remote_ip <> '::1' AND s.remote_ip "
                    "NOT IN (SELECT l.local_ip FROM socket AS l WHERE l.local_ip IS NOT NULL) AND "
                    "s.object_id IN " +
                        list));
    std::unordered_map<std::int64_t, Json> remotes;
    for (Json& row : found) remotes[NumberIn(row["object_id"])] = row;
    json_["objects"] = Json::array();
    for (const causality::SubgraphNode& node : subgraph.nodes) {
      if (node.type == causality::NodeType::kProcess) continue;
      const auto of = [&node](const auto& by) {
        const auto own = by.find(node.id);
        return own != by.end() || node.peer_id == 0 ? own : by.find(node.peer_id);
      };
      const auto row = of(rows);
      const auto flow = of(flow_of_);
      const auto remote = of(remotes);
      const bool known = row != rows.end();
      const bool outside = remote != remotes.end();
      json_["objects"].push_back(
          {{"object_id", Exact(node.id)},
           {"host_id", known ? row->second["host_id"] : Json()},
           {"type", node.object_type.empty() ? "object" : node.object_type},
           {"label", Utf8(node.label)},
           {"path", known ? row->second["path"] : Json()},
           {"flow_id", flow == flow_of_.end() ? Json() : Exact(flow->second)},
           {"remote_ip", outside ? remote->second["remote_ip"] : Json()},
           {"remote_port", outside ? remote->second["remote_port"] : Json()},
           {"is_network_flow", node.is_network_flow},
           {"is_seed", node.is_start},
           {"is_cause", node.is_cause},
           {"is_effect", node.is_effect}});
    }
    return {};
  }

  void AddAlerts() {
    std::set<std::int64_t> flow_ids;
    for (const auto& [object_id, flow_id] : flow_of_) flow_ids.insert(flow_id);
    json_["alerts"] = Json::array();
    for (const AlertEntry& alert : alerts_.list) {
      const bool of_process = alert.process_id && processes_.Has(*alert.process_id);
      const bool of_flow = alert.flow_id && flow_ids.contains(*alert.flow_id);
      if (of_process || of_flow) json_["alerts"].push_back(alert.json);
    }
  }

  void AddRules(const causality::Subgraph& subgraph) {
    json_["rules"] = Json::array();
    for (const causality::RuleEffect& effect : subgraph.rules) {
      json_["rules"].push_back({{"name", effect.rule.name},
                                {"text", effect.rule.text},
                                {"enabled", effect.enabled},
                                {"removed_nodes", effect.removed_nodes},
                                {"removed_edges", effect.removed_edges}});
    }
  }

  void AddGaps(const causality::Subgraph& subgraph) {
    json_["gaps"] = Json::array();
    for (const causality::OverlappingGap& gap : subgraph.gaps) {
      Json host_id;
      for (const auto& [id, name] : sessions_.host_names) {
        if (name == gap.host) host_id = Exact(id);
      }
      json_["gaps"].push_back({{"host_id", host_id},
                               {"from_wall_ns", Exact(gap.from_ns)},
                               {"until_wall_ns", Exact(gap.until_ns)},
                               {"loss_class", gap.loss_class},
                               {"count", NumberOrNull(gap.count)},
                               {"reason", Utf8(gap.reason)}});
    }
  }

  /// In the order in which something is known to have happened on them.
  Result<> AddHosts(const causality::Subgraph& subgraph) {
    std::map<std::string, std::int64_t> first_ns;
    const auto touch = [&first_ns](const std::string& host, std::int64_t ns) {
      const auto [place, made] = first_ns.try_emplace(host, ns);
      place->second = std::min(place->second, ns);
    };
    for (const causality::SubgraphEdge& edge : subgraph.edges) {
      touch(subgraph.nodes[edge.from].host, edge.begin_ns);
      touch(subgraph.nodes[edge.to].host, edge.begin_ns);
    }
    for (const std::int64_t id : processes_.ids()) {
      const Json* const row = processes_.Row(id);
      if (row != nullptr) touch((*row)["host"].get<std::string>(), INT64_MAX);
    }
    ASSIGN_OR_RETURN(
        const Json addresses,
        ReadObjects(store_,
                    "SELECT DISTINCT s.host_id, s.local_ip AS address FROM socket AS s WHERE "
                    "s.local_ip <> '' AND s.local_ip NOT IN ('0.0.0.0', '::', '::1') AND "
                    "s.local_ip NOT LIKE '127.%' ORDER BY s.host_id, address"));
    std::vector<std::pair<std::int64_t, std::int64_t>> order;
    for (const auto& [id, name] : sessions_.host_names) {
      const auto seen = first_ns.find(name);
      const bool asked = asked_.seed.host_id == id;
      if (seen != first_ns.end() || asked) {
        order.emplace_back(seen == first_ns.end() ? INT64_MAX : seen->second, id);
      }
    }
    std::ranges::sort(order);
    for (const auto& [ns, id] : order) {
      const Json exact = Exact(id);
      Json own = Json::array();
      for (const Json& address : addresses) {
        if (address["host_id"] == exact) own.push_back(address["address"]);
      }
      json_["hosts"].push_back({{"host_id", exact},
                                {"name", Utf8(sessions_.HostName(id))},
                                {"addresses", std::move(own)},
                                {"clock", nullptr}});
    }
    return {};
  }

  void AddSentences(const causality::Subgraph& subgraph) {
    Json& sentences = json_["sentences"];
    for (const std::string& sentence : asked_.seed.sentences) sentences.push_back(Utf8(sentence));
    if (asked_.seed.host_id) {
      sentences.push_back(fmt::format("{} of its processes are shown.", json_["processes"].size()));
      return;
    }
    if (asked_.seed.process_id) {
      const auto session_id = sessions_.Of(*asked_.seed.process_id);
      const SessionEntry* const session = session_id ? sessions_.Find(*session_id) : nullptr;
      if (session != nullptr) {
        sentences.push_back(Utf8("It is part of " + EntryWords(session->json) + "."));
      }
    }
    const auto causes = std::ranges::count_if(
        subgraph.nodes, [](const auto& node) { return node.is_cause && !node.is_start; });
    const auto effects = std::ranges::count_if(
        subgraph.nodes, [](const auto& node) { return node.is_effect && !node.is_start; });
    sentences.push_back(
        fmt::format("{} processes and objects may have caused it, and it may have caused {}.",
                    causes, effects));
    std::vector<std::string> risen;
    for (const Json& process : json_["processes"]) {
      if (!process["rose_to_root"].get<bool>()) continue;
      if (!process["is_cause"].get<bool>() && !process["is_effect"].get<bool>()) continue;
      risen.push_back(process["name"].get<std::string>() + "[" + process["pid"].dump() + "]");
    }
    if (risen.empty()) return;
    const std::size_t more = risen.size() - std::min(risen.size(), kNamesInSentence);
    risen.resize(std::min(risen.size(), kNamesInSentence));
    std::string names;
    for (const std::string& name : risen) names += (names.empty() ? "" : ", ") + name;
    if (more > 0) names += fmt::format(" and {} more", more);
    sentences.push_back(Utf8("Of these became root: " + names + "."));
  }

  store::Store& store_;
  const Asked& asked_;
  const Snapshot::Sessions& sessions_;
  const Snapshot::Alerts& alerts_;
  GraphProcesses processes_;
  std::unordered_map<std::int64_t, const causality::SubgraphNode*> node_of_;
  std::map<std::int64_t, std::int64_t> flow_of_;
  std::size_t hidden_nodes_ = 0;
  Json json_;
};

Result<http::Answer> Graph(const Context& context, Call& call) {
  Asked asked;
  asked.seed_text = std::string(call.parameters.Text("seed"));
  ASSIGN_OR_RETURN(asked.trace, TraceOptionsOf(call.parameters));
  const std::string_view scope = call.parameters.Text("scope");
  if (call.parameters.Has("scope") && scope != "path" && scope != "tree") {
    return Fail(ErrorCode::kInvalidArgument, "scope must be path or tree");
  }
  asked.direction =
      call.parameters.Has("direction") ? std::string(call.parameters.Text("direction")) : "both";
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kPageTimeMax));
  ASSIGN_OR_RETURN(asked.seed, SeedOf(*store, store.snapshot(), asked.seed_text));
  asked.tree = scope == "tree" || asked.seed.host_id.has_value();
  ASSIGN_OR_RETURN(const auto sessions, store.snapshot().sessions(*store));
  ASSIGN_OR_RETURN(const auto alerts, store.snapshot().alerts(*store));
  ASSIGN_OR_RETURN(auto index, store.snapshot().causal_index(*store));
  causality::Graph graph(std::move(index));
  ASSIGN_OR_RETURN(const Json json, GraphMaker(*store, asked, *sessions, *alerts).Make(graph));
  if (graph.index().damaged()) {
    return Fail(ErrorCode::kCorrupt,
                "the causal index holds what cannot be; the next question makes it again");
  }
  return JsonAnswer(Dump(json));
}

}  // namespace

std::vector<Endpoint> GraphEndpoints() {
  return {{.method = "GET",
           .path = "/graph",
           .needs = Role::kViewer,
           .parameters = {"seed", "direction", "scope", "from_wall_ns", "until_wall_ns", "rule_off",
                          "limit"},
           .answer = Graph,
           .kept = true}};
}

}  // namespace spoor::api
