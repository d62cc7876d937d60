// SPDX-License-Identifier: Apache-2.0
// Graphs for other programs: GraphML and PROV-JSON. Ids are those of the store, so that the same
// thing has the same name in every answer.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/visible_text.hpp"
#include "base/wall_time_text.hpp"
#include "causality/render.hpp"

namespace spoor::causality {
namespace {

using Json = nlohmann::ordered_json;

/// Text between tags or in an attribute: what XML 1.0 cannot have is spelled out.
std::string Xml(std::string_view text) {
  const std::string visible = VisibleLine(text);
  std::string escaped;
  for (std::string_view left = visible; !left.empty();) {
    const Utf8Character character = FirstCharacter(left);
    const std::string_view bytes = left.substr(0, character.size_bytes);
    if (bytes == "&") {
      escaped += "&amp;";
    } else if (bytes == "<") {
      escaped += "&lt;";
    } else if (bytes == ">") {
      escaped += "&gt;";
    } else if (bytes == "\"") {
      escaped += "&quot;";
    } else if (character.valid && (character.code == 0xFFFE || character.code == 0xFFFF)) {
      escaped += fmt::format("\\u{{{:04X}}}", static_cast<std::uint32_t>(character.code));
    } else {
      escaped += bytes;
    }
    left.remove_prefix(character.size_bytes);
  }
  return escaped;
}

std::string Type(const SubgraphNode& node) {
  if (node.type == NodeType::kProcess) return "process";
  return node.object_type.empty() ? "object" : node.object_type;
}

std::string Data(std::string_view key, std::string_view text) {
  return fmt::format("      <data key=\"{}\">{}</data>\n", key, Xml(text));
}
std::string Data(std::string_view key, std::int64_t number) {
  return Data(key, fmt::format("{}", number));
}

std::string NodeName(std::int64_t id) {
  return fmt::format("spoor:{}", id);
}

void SetTime(Json& item, const char* name, const std::optional<std::int64_t>& time_ns) {
  if (time_ns) item[name] = WallTimeText(*time_ns);
}

/// What an answer says of a node beside the node: its rank as an entry point, how it became root.
struct Findings {
  std::optional<std::size_t> entry_rank;
  std::optional<std::size_t> entry_descendants;
  std::vector<std::string> root_steps, root_causes;
};

std::vector<Findings> FindingsOf(const Subgraph& subgraph) {
  std::vector<Findings> findings(subgraph.nodes.size());
  for (std::size_t i = 0; i < subgraph.entry_points.size(); ++i) {
    Findings& of = findings[subgraph.entry_points[i].node];
    of.entry_rank = i + 1;
    of.entry_descendants = subgraph.entry_points[i].descendants;
  }
  for (const RootStep& step : subgraph.root_steps) {
    Findings& of = findings[step.node];
    of.root_steps.push_back(
        fmt::format("{} {}", WallTimeText(step.wall_ns), RootStepText(subgraph, step)));
    of.root_causes.push_back(step.cause);
  }
  return findings;
}

void AddFindings(const Findings& findings, Json& item) {
  if (findings.entry_rank) {
    item["spoor:entry_rank"] = *findings.entry_rank;
    item["spoor:entry_descendants"] = *findings.entry_descendants;
  }
  if (!findings.root_steps.empty()) {
    item["spoor:root_steps"] = findings.root_steps;
    item["spoor:root_causes"] = findings.root_causes;
  }
}

}  // namespace

std::string RenderGraphml(const Subgraph& subgraph) {
  struct Key {
    const char *id, *of, *type;
  };
  static constexpr Key kKeys[] = {
      {"label", "node", "string"},
      {"type", "node", "string"},
      {"host", "node", "string"},
      {"pid", "node", "long"},
      {"uid", "node", "long"},
      {"euid", "node", "long"},
      {"hops", "node", "long"},
      {"is_start", "node", "boolean"},
      {"is_cause", "node", "boolean"},
      {"is_effect", "node", "boolean"},
      {"entry_rank", "node", "long"},
      {"entry_descendants", "node", "long"},
      {"root_causes", "node", "string"},
      {"root_steps", "node", "string"},
      {"kind", "edge", "string"},
      {"count", "edge", "long"},
      {"begin_wall_ns", "edge", "long"},
      {"end_wall_ns", "edge", "long"},
      {"first_event_id", "edge", "long"},
      {"last_event_id", "edge", "long"},
  };
  std::string text =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n";
  for (const Key& key : kKeys) {
    text += fmt::format("  <key id=\"{0}\" for=\"{1}\" attr.name=\"{0}\" attr.type=\"{2}\"/>\n",
                        key.id, key.of, key.type);
  }
  text += "  <graph id=\"spoor\" edgedefault=\"directed\">\n";
  const auto flag = [](bool value) { return value ? "true" : "false"; };
  const std::vector<Findings> findings = FindingsOf(subgraph);
  for (std::size_t i = 0; i < subgraph.nodes.size(); ++i) {
    const SubgraphNode& node = subgraph.nodes[i];
    const Findings& of = findings[i];
    text += fmt::format("    <node id=\"n{}\">\n", node.id);
    text += Data("label", node.label) + Data("type", Type(node)) + Data("host", node.host);
    if (node.type == NodeType::kProcess) text += Data("pid", node.pid);
    if (node.uid) text += Data("uid", *node.uid);
    if (node.euid) text += Data("euid", *node.euid);
    text += Data("hops", std::int64_t{node.hops}) + Data("is_start", flag(node.is_start)) +
            Data("is_cause", flag(node.is_cause)) + Data("is_effect", flag(node.is_effect));
    if (of.entry_rank) {
      text += Data("entry_rank", static_cast<std::int64_t>(*of.entry_rank)) +
              Data("entry_descendants", static_cast<std::int64_t>(*of.entry_descendants));
    }
    if (!of.root_steps.empty()) {
      text += Data("root_causes", fmt::format("{}", fmt::join(of.root_causes, ", "))) +
              Data("root_steps", fmt::format("{}", fmt::join(of.root_steps, " | ")));
    }
    text += "    </node>\n";
  }
  for (std::size_t i = 0; i < subgraph.edges.size(); ++i) {
    const SubgraphEdge& edge = subgraph.edges[i];
    text += fmt::format("    <edge id=\"e{}\" source=\"n{}\" target=\"n{}\">\n", i,
                        subgraph.nodes[edge.from].id, subgraph.nodes[edge.to].id);
    text += Data("kind", event::EventKindName(edge.kind)) + Data("count", edge.count) +
            Data("begin_wall_ns", edge.begin_ns) + Data("end_wall_ns", edge.end_ns) +
            Data("first_event_id", edge.first_event_id) + Data("last_event_id", edge.last_event_id);
    text += "    </edge>\n";
  }
  return text + "  </graph>\n</graphml>\n";
}

std::string RenderProv(const Subgraph& subgraph) {
  Json json{{"prefix", {{"spoor", "urn:spoor:"}}}};
  for (const char* part : {"activity", "entity", "agent", "used", "wasGeneratedBy", "wasInformedBy",
                           "wasAssociatedWith"}) {
    json[part] = Json::object();
  }
  const std::vector<Findings> findings = FindingsOf(subgraph);
  for (std::size_t i = 0; i < subgraph.nodes.size(); ++i) {
    const SubgraphNode& node = subgraph.nodes[i];
    Json item{{"prov:label", node.label}, {"spoor:type", Type(node)}, {"spoor:host", node.host}};
    AddFindings(findings[i], item);
    if (node.type != NodeType::kProcess) {
      json["entity"][NodeName(node.id)] = std::move(item);
      continue;
    }
    item["spoor:pid"] = node.pid;
    SetTime(item, "prov:startTime", node.begin_ns);
    SetTime(item, "prov:endTime", node.end_ns);
    json["activity"][NodeName(node.id)] = std::move(item);
    if (!node.uid) continue;
    // A user is one of its host.
    std::string host;
    for (const char c : node.host) host += fmt::format("{:02x}", static_cast<unsigned char>(c));
    const std::string agent = fmt::format("spoor:user-{}-{}", *node.uid, host);
    json["agent"][agent] = {{"prov:label", fmt::format("uid {}", *node.uid)},
                            {"spoor:host", node.host}};
    json["wasAssociatedWith"][fmt::format("_:u{}", i)] = {{"prov:activity", NodeName(node.id)},
                                                          {"prov:agent", agent}};
  }
  for (std::size_t i = 0; i < subgraph.edges.size(); ++i) {
    const SubgraphEdge& edge = subgraph.edges[i];
    const SubgraphNode& from = subgraph.nodes[edge.from];
    const SubgraphNode& to = subgraph.nodes[edge.to];
    const bool by_process = from.type == NodeType::kProcess;
    const bool to_process = to.type == NodeType::kProcess;
    Json item;
    const char* relation = "wasInformedBy";
    if (by_process && to_process) {
      item = {{"prov:informed", NodeName(to.id)}, {"prov:informant", NodeName(from.id)}};
    } else if (to_process) {
      relation = "used";
      item = {{"prov:activity", NodeName(to.id)}, {"prov:entity", NodeName(from.id)}};
      SetTime(item, "prov:time", edge.begin_ns);
    } else if (by_process) {
      relation = "wasGeneratedBy";
      item = {{"prov:entity", NodeName(to.id)}, {"prov:activity", NodeName(from.id)}};
      SetTime(item, "prov:time", edge.begin_ns);
    } else {
      continue;  // nothing goes from thing to thing
    }
    item["spoor:kind"] = event::EventKindName(edge.kind);
    item["spoor:count"] = edge.count;
    item["spoor:begin_wall_ns"] = edge.begin_ns;
    item["spoor:end_wall_ns"] = edge.end_ns;
    item["spoor:first_event_id"] = edge.first_event_id;
    item["spoor:last_event_id"] = edge.last_event_id;
    json[relation][fmt::format("_:e{}", i)] = std::move(item);
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace spoor::causality
