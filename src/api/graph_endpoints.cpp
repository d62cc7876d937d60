// SPDX-License-Identifier: Apache-2.0
// What caused something and what came of it, with the process trees that it hangs in.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "api/endpoint.hpp"
#include "api/flows.hpp"
#include "api/graph_seed.hpp"
#include "api/processes.hpp"
#include "causality/trace.hpp"
#include "event/event.hpp"
#include "store/row.hpp"

namespace spoor::api {
namespace {

constexpr std::int64_t kNodesUsual = 2000;
constexpr std::int64_t kNodesMax = 20'000;
constexpr int kAncestorsMax = 64;
constexpr std::size_t kExecsShown = 16;
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

std::string_view BaseName(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

/// Puts one answer together.
class GraphMaker {
 public:
  GraphMaker(store::Store& store, const Asked& asked, const Snapshot::Sessions& sessions,
             const Snapshot::Alerts& alerts)
      : store_(store), asked_(asked), sessions_(sessions), alerts_(alerts) {}

  Result<Json> Make(causality::Graph& graph) {
    causality::Subgraph subgraph = causality::Trace(graph, asked_.seed.ids, asked_.trace);
    RETURN_IF_ERROR(causality::Describe(store_, graph.index(), subgraph));
    hidden_nodes_ = subgraph.hidden_nodes;
    for (const causality::SubgraphNode& node : subgraph.nodes) {
      if (node.type == causality::NodeType::kProcess) AddProcess(node.id);
      node_of_[node.id] = &node;
      if (node.peer_id != 0) node_of_[node.peer_id] = &node;
    }
    if (asked_.seed.process_id) AddProcess(*asked_.seed.process_id);
    RETURN_IF_ERROR(AddAncestors());
    if (asked_.tree) RETURN_IF_ERROR(AddTrees());
    RETURN_IF_ERROR(ReadRows());
    json_["seed"] = asked_.seed_text;
    json_["title"] = Utf8(asked_.seed.title);
    json_["sentences"] = Json::array();
    json_["seed_wall_ns"] = Exact(asked_.seed.wall_ns);
    json_["direction"] = asked_.direction;
    json_["scope"] = asked_.tree ? "tree" : "path";
    json_["hosts"] = Json::array();
    json_["processes"] = Json::array();
    for (const std::int64_t id : processes_) {
      if (process_rows_.contains(id)) json_["processes"].push_back(ProcessJson(id));
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
  void AddProcess(std::int64_t id) {
    if (known_.insert(id).second) processes_.push_back(id);
  }

  /// Those that join what is there into trees.
  Result<> AddAncestors() {
    Ids below = processes_;
    for (int i = 0; i < kAncestorsMax && !below.empty(); ++i) {
      ASSIGN_OR_RETURN(
          const Json parents,
          ReadObjects(store_,
                      "SELECT DISTINCT p.parent_process_id FROM process AS p JOIN process AS a ON "
                      "a.process_id = p.parent_process_id WHERE p.process_id IN " +
                          IdsSql(below)));
      below.clear();
      for (const Json& parent : parents) {
        const std::int64_t id = NumberIn(parent["parent_process_id"]);
        if (known_.contains(id)) continue;
        AddProcess(id);
        below.push_back(id);
      }
    }
    return {};
  }

  /// All other processes of the sessions and hosts concerned: those of sessions first.
  Result<> AddTrees() {
    std::set<std::int64_t> sessions;
    for (const std::int64_t id : processes_) {
      if (const auto session_id = sessions_.Of(id)) sessions.insert(*session_id);
    }
    std::string hosts =
        "SELECT p.host_id FROM process AS p WHERE p.process_id IN " + IdsSql(processes_);
    if (asked_.seed.host_id) hosts = fmt::format("SELECT {}", *asked_.seed.host_id);
    ASSIGN_OR_RETURN(
        const Json rows,
        ReadObjects(store_, "SELECT p.process_id FROM process AS p WHERE p.host_id IN (" + hosts +
                                ") ORDER BY p.start_wall_ns NULLS FIRST, p.process_id"));
    for (const bool of_session : {true, false}) {
      for (const Json& row : rows) {
        const std::int64_t id = NumberIn(row["process_id"]);
        const auto session_id = sessions_.Of(id);
        if (known_.contains(id) || (session_id && sessions.contains(*session_id)) != of_session) {
          continue;
        }
        if (processes_.size() >= asked_.trace.limit) {
          ++hidden_nodes_;
        } else {
          AddProcess(id);
        }
      }
    }
    return {};
  }

  Result<> ReadRows() {
    const std::string ids = IdsSql(processes_);
    ASSIGN_OR_RETURN(Json rows,
                     ReadObjects(store_, fmt::format("SELECT {} FROM process AS p JOIN host AS h "
                                                     "ON h.host_id = p.host_id WHERE "
                                                     "p.process_id IN {}",
                                                     kProcessColumns, ids)));
    for (Json& row : rows) {
      const std::int64_t id = NumberIn(row["process_id"]);
      process_rows_[id] = std::move(row);
    }
    ASSIGN_OR_RETURN(rows,
                     ReadObjects(store_,
                                 "SELECT x.process_id, x.wall_ns, x.executable, x.command_line "
                                 "FROM exec AS x WHERE x.result = 0 AND x.process_id IN " +
                                     ids +
                                     " QUALIFY row_number() OVER (PARTITION BY "
                                     "x.process_id ORDER BY x.event_id) <= 64 "
                                     "ORDER BY x.event_id"));
    for (Json& row : rows) {
      const std::int64_t id = NumberIn(row["process_id"]);
      row.erase("process_id");
      execs_[id].push_back(std::move(row));
    }
    RETURN_IF_ERROR(Count(files_read_,
                          "SELECT e.process_id, count(DISTINCT e.object_id) FROM event AS e JOIN "
                          "object AS o ON o.object_id = e.object_id WHERE e.kind = 'read' AND "
                          "o.type = 'file' AND e.size_bytes > 0 AND e.process_id IN " +
                              ids + " GROUP BY 1"));
    RETURN_IF_ERROR(Count(files_written_,
                          "SELECT e.process_id, count(DISTINCT e.object_id) FROM event AS e JOIN "
                          "object AS o ON o.object_id = e.object_id WHERE ((e.kind = 'write' AND "
                          "e.size_bytes > 0) OR (e.kind = 'truncate' AND e.result >= 0)) AND "
                          "o.type = 'file' AND e.process_id IN " +
                              ids + " GROUP BY 1"));
    RETURN_IF_ERROR(Count(flows_,
                          "SELECT o.process_id, count(DISTINCT o.flow_id) FROM flow_process AS o "
                          "WHERE o.process_id IN " +
                              ids + " GROUP BY 1"));
    RETURN_IF_ERROR(Count(children_,
                          "SELECT p.parent_process_id, count(*) FROM process AS p WHERE "
                          "p.parent_process_id IN " +
                              ids + " GROUP BY 1"));
    // Who drives a terminal reads from it what was printed.
    RETURN_IF_ERROR(Count(typed_,
                          "SELECT e.process_id, count(*) FROM event AS e JOIN object AS o ON "
                          "o.object_id = e.object_id WHERE e.kind = 'read' AND o.type = 'pty' AND "
                          "e.size_bytes > 0 AND e.process_id IN " +
                              ids +
                              " AND e.event_id NOT IN (SELECT i.event_id FROM io AS i WHERE "
                              "i.pty_master) GROUP BY 1"));
    return Count(rises_,
                 "SELECT c.process_id, count(*) FROM credential_change AS c WHERE c.euid = 0 AND "
                 "c.before_euid <> 0 AND NOT (c.cause = 'call' AND c.before_uid = 0) AND "
                 "c.process_id IN " +
                     ids + " GROUP BY 1");
  }

  using Counts = std::unordered_map<std::int64_t, std::int64_t>;
  Result<> Count(Counts& counts, const std::string& sql) {
    return store::ForEachRow(store_, sql, {}, [&counts](const std::vector<store::Value>& row) {
      counts[store::IntegerOf(row[0]).value_or(0)] = store::IntegerOf(row[1]).value_or(0);
    });
  }
  static std::int64_t In(const Counts& counts, std::int64_t id) {
    const auto found = counts.find(id);
    return found == counts.end() ? 0 : found->second;
  }

  /// What it had executed last at the moment of the seed; else what it executed first after.
  const Json* ExecAt(std::int64_t id) const {
    const auto execs = execs_.find(id);
    if (execs == execs_.end() || execs->second.empty()) return nullptr;
    const Json* last = nullptr;
    for (const Json& exec : execs->second) {
      const bool before = !asked_.seed.wall_ns || NumberIn(exec["wall_ns"]) <= *asked_.seed.wall_ns;
      if (before || last == nullptr) last = &exec;
      if (!before) break;
    }
    return last;
  }

  Json ProcessJson(std::int64_t id) const {
    const Json& row = process_rows_.at(id);
    const auto node = node_of_.find(id);
    const bool there = node != node_of_.end();
    const Json* const exec = ExecAt(id);
    const std::string name = exec != nullptr
                                 ? std::string(BaseName((*exec)["executable"].get<std::string>()))
                             : row["name"].is_string() ? row["name"].get<std::string>()
                                                       : "?";
    std::string label = exec != nullptr ? (*exec)["command_line"].get<std::string>() : "";
    if (label.empty() && row["command_line"].is_string()) {
      label = row["command_line"].get<std::string>();
    }
    Json execs = Json::array();
    if (const auto own = execs_.find(id); own != execs_.end()) {
      for (const Json& one : own->second) {
        if (execs.size() < kExecsShown) execs.push_back(one);
      }
    }
    return {{"process_id", row["process_id"]},
            {"host_id", row["host_id"]},
            {"parent_process_id", row["parent_process_id"]},
            {"pid", row["pid"]},
            {"name", Utf8(name)},
            {"label", Utf8(label.empty() ? name : label)},
            {"executable", exec != nullptr ? (*exec)["executable"] : row["executable"]},
            {"uid", row["uid"]},
            {"euid", row["euid"]},
            {"user", row["user"]},
            {"is_root", row["is_root"]},
            {"rose_to_root", In(rises_, id) > 0},
            {"start_wall_ns", row["start_wall_ns"]},
            {"end_wall_ns", row["end_wall_ns"]},
            {"baseline", row["baseline"]},
            {"is_seed", there ? node->second->is_start : asked_.seed.process_id == id},
            {"is_cause", there && node->second->is_cause},
            {"is_effect", there && node->second->is_effect},
            {"session_id", Exact(sessions_.Of(id))},
            {"typed", In(typed_, id) > 0},
            {"execs", std::move(execs)},
            {"files_read", In(files_read_, id)},
            {"files_written", In(files_written_, id)},
            {"flows", In(flows_, id)},
            {"children", In(children_, id)}};
  }

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
      const bool of_process = alert.process_id && known_.contains(*alert.process_id);
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
    for (const auto& [id, row] : process_rows_) {
      touch(row["host"].get<std::string>(), INT64_MAX);
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
  Ids processes_;  ///< in the order of the answer
  std::unordered_set<std::int64_t> known_;
  std::unordered_map<std::int64_t, const causality::SubgraphNode*> node_of_;
  std::unordered_map<std::int64_t, Json> process_rows_;
  std::unordered_map<std::int64_t, std::vector<Json>> execs_;
  std::map<std::int64_t, std::int64_t> flow_of_;
  Counts files_read_, files_written_, flows_, children_, typed_, rises_;
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
           .answer = Graph}};
}

}  // namespace spoor::api
