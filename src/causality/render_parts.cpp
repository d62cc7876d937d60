// SPDX-License-Identifier: Apache-2.0
// Parts of an answer by themselves: a chain, a list, where it may have begun.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/wall_time_text.hpp"
#include "causality/render.hpp"

namespace spoor::causality {
namespace {

using Json = nlohmann::ordered_json;

std::string Line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json Named(const SubgraphNode& node) {
  return {{"id", node.id}, {"host", node.host}, {"label", node.label}};
}

}  // namespace

std::string RenderWhyJson(const Subgraph& subgraph, const std::vector<Step>& chain) {
  Json json{{"direction", subgraph.direction == Direction::kForward ? "forward" : "backward"},
            {"steps", Json::array()}};
  const bool toward_start = chain.size() > 1 && !chain.back().parent;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    Json step = Named(subgraph.nodes[chain[i].node]);
    if (i > 0) {
      const Step& flow = toward_start ? chain[i - 1] : chain[i];
      step["kind"] = event::EventKindName(flow.kind);
      step["event_id"] = flow.event_id;
      step["begin_wall_ns"] = flow.begin_ns;
      step["end_wall_ns"] = flow.end_ns;
    }
    json["steps"].push_back(std::move(step));
  }
  return Line(json);
}

std::string RenderNodeList(const Subgraph& subgraph, ListedNodes what, bool json) {
  std::string text;
  for (const SubgraphNode& node : subgraph.nodes) {
    const bool is_file = node.type == NodeType::kFile;
    if (what == ListedNodes::kFiles ? !is_file : !node.is_network_flow) continue;
    text += json ? Line(Named(node)) : fmt::format("{} {}\n", node.id, NodeTitle(node));
  }
  return text;
}

std::string RenderEntryPoints(const Subgraph& subgraph, const std::vector<EntryPoint>& points,
                              bool json) {
  std::string text;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const EntryPoint& point = points[i];
    const SubgraphNode& node = subgraph.nodes[point.node];
    if (json) {
      Json item = Named(node);
      item["rank"] = i + 1;
      item["descendants"] = point.descendants;
      item["causes"] = point.causes;
      item["first_wall_ns"] = point.first_ns;
      item["hops"] = node.hops;
      text += Line(item);
      continue;
    }
    text += fmt::format(
        "{}. {}\n   {} of {} others may descend from it; first at {}, {} steps away\n", i + 1,
        NodeTitle(node), point.descendants, point.causes == 0 ? 0 : point.causes - 1,
        WallTimeText(point.first_ns), node.hops);
  }
  return text;
}

std::string RenderCommonOrigins(const Subgraph& first, const std::vector<CommonOrigin>& origins,
                                bool json) {
  std::string text;
  for (std::size_t i = 0; i < origins.size(); ++i) {
    const SubgraphNode& node = first.nodes[origins[i].node];
    if (json) {
      Json item = Named(node);
      item["rank"] = i + 1;
      item["hops"] = origins[i].hops;
      text += Line(item);
      continue;
    }
    text += fmt::format("{}. {}\n   steps away: {}\n", i + 1, NodeTitle(node),
                        fmt::join(origins[i].hops, ", "));
  }
  return text;
}

}  // namespace spoor::causality
