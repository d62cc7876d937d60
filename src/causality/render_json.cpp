// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "causality/render.hpp"

namespace spoor::causality {
namespace {

using Json = nlohmann::ordered_json;

std::string_view DirectionName(Direction direction) {
  switch (direction) {
    case Direction::kBackward:
      return "backward";
    case Direction::kForward:
      return "forward";
    case Direction::kBoth:
      break;
  }
  return "both";
}

std::string_view TypeName(const SubgraphNode& node) {
  if (node.type == NodeType::kProcess) return "process";
  return node.object_type.empty() ? std::string_view("object") : node.object_type;
}

template <typename T>
void SetIfKnown(Json& object, const char* name, const std::optional<T>& value) {
  if (value) object[name] = *value;
}

Json NodeJson(const SubgraphNode& node) {
  Json json{{"id", node.id},       {"type", TypeName(node)},     {"host", node.host},
            {"label", node.label}, {"is_start", node.is_start},  {"is_cause", node.is_cause},
            {"hops", node.hops},   {"is_effect", node.is_effect}};
  if (node.peer_id != 0) json["peer_id"] = node.peer_id;
  if (!node.names.empty()) json["names"] = node.names;
  if (node.is_network_flow) json["is_network_flow"] = true;
  if (node.has_alert) json["has_alert"] = true;
  if (node.type != NodeType::kProcess) return json;
  json["pid"] = node.pid;
  json["command"] = node.command;
  json["executable"] = node.executable;
  SetIfKnown(json, "uid", node.uid);
  SetIfKnown(json, "euid", node.euid);
  SetIfKnown(json, "begin_wall_ns", node.begin_ns);
  SetIfKnown(json, "end_wall_ns", node.end_ns);
  json["baseline"] = node.baseline;
  return json;
}

Json RootStepJson(const Subgraph& subgraph, const RootStep& step) {
  Json json{{"id", subgraph.nodes[step.node].id},
            {"event_id", step.event_id},
            {"wall_ns", step.wall_ns},
            {"cause", step.cause},
            {"explanation", step.explanation}};
  SetIfKnown(json, "before_uid", step.before_uid);
  SetIfKnown(json, "before_euid", step.before_euid);
  SetIfKnown(json, "uid", step.uid);
  SetIfKnown(json, "euid", step.euid);
  json["programs"] = step.programs;
  SetIfKnown(json, "input_process_id", step.input_process_id);
  SetIfKnown(json, "input_wall_ns", step.input_wall_ns);
  if (step.input_process_id) {
    json["input_path"] = step.input_path;
    json["input_text"] = step.input_text;
  }
  SetIfKnown(json, "files_process_id", step.files_process_id);
  json["files_read"] = step.files_read;
  return json;
}

}  // namespace

std::string RenderJson(const Subgraph& subgraph) {
  Json json{{"direction", DirectionName(subgraph.direction)}};
  SetIfKnown(json, "from_wall_ns", subgraph.from_wall_ns);
  SetIfKnown(json, "until_wall_ns", subgraph.until_wall_ns);
  json["nodes"] = Json::array();
  for (const SubgraphNode& node : subgraph.nodes) json["nodes"].push_back(NodeJson(node));
  json["edges"] = Json::array();
  for (const SubgraphEdge& edge : subgraph.edges) {
    json["edges"].push_back({{"from_id", subgraph.nodes[edge.from].id},
                             {"to_id", subgraph.nodes[edge.to].id},
                             {"kind", event::EventKindName(edge.kind)},
                             {"count", edge.count},
                             {"begin_wall_ns", edge.begin_ns},
                             {"end_wall_ns", edge.end_ns},
                             {"first_event_id", edge.first_event_id},
                             {"last_event_id", edge.last_event_id}});
  }
  json["rules"] = Json::array();
  for (const RuleEffect& effect : subgraph.rules) {
    json["rules"].push_back({{"name", effect.rule.name},
                             {"enabled", effect.enabled},
                             {"removed_nodes", effect.removed_nodes},
                             {"removed_edges", effect.removed_edges},
                             {"is_exact", effect.is_exact}});
  }
  json["hidden_nodes"] = subgraph.hidden_nodes;
  json["hidden_edges"] = subgraph.hidden_edges;
  json["is_complete"] = subgraph.end == WalkEnd::kAll;
  json["sentence"] = SummarySentence(subgraph);
  json["entry_points"] = Json::array();
  for (std::size_t i = 0; i < subgraph.entry_points.size(); ++i) {
    const EntryPoint& entry = subgraph.entry_points[i];
    json["entry_points"].push_back({{"id", subgraph.nodes[entry.node].id},
                                    {"rank", i + 1},
                                    {"descendants", entry.descendants},
                                    {"causes", entry.causes},
                                    {"first_wall_ns", entry.first_ns}});
  }
  json["root_steps"] = Json::array();
  for (const RootStep& step : subgraph.root_steps) {
    json["root_steps"].push_back(RootStepJson(subgraph, step));
  }
  json["gaps"] = Json::array();
  for (const OverlappingGap& gap : subgraph.gaps) {
    Json& item = json["gaps"].emplace_back(Json{{"host", gap.host},
                                                {"from_wall_ns", gap.from_ns},
                                                {"until_wall_ns", gap.until_ns},
                                                {"loss_class", gap.loss_class},
                                                {"reason", gap.reason}});
    SetIfKnown(item, "count", gap.count);
  }
  // Names are bytes: what is not UTF-8 is replaced, so that the line is JSON whatever is in it.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace spoor::causality
