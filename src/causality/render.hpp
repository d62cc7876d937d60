// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "causality/origins.hpp"
#include "causality/trace.hpp"

/// A described subgraph as text. What comes from the record is escaped for the format it goes into.
namespace spoor::causality {

/// For a terminal; `color`: with ANSI colours (root yellow, others cyan, connections red).
std::string RenderTree(const Subgraph& subgraph, bool color);

/// Graphviz. Boxes are processes (yellow: root, cyan: others), red what goes over the network, a
/// diamond is the start; earlier is higher. Entry points have their rank, who became root how.
std::string RenderDot(const Subgraph& subgraph);

/// The graph in one sentence.
std::string SummarySentence(const Subgraph& subgraph);
/// How a process became root, in words on one line.
std::string RootStepText(const Subgraph& subgraph, const RootStep& step);
/// The first entry points and all steps to root, a line each; empty where there are none.
std::string RenderFindings(const Subgraph& subgraph);
/// The sentence, and all flows and steps to root by time, a line each.
std::string RenderStory(const Subgraph& subgraph);

/// One JSON object on one line, documented in docs/formats/track.md.
std::string RenderJson(const Subgraph& subgraph);

/// The chain of Why, one flow a line.
std::string RenderWhy(const Subgraph& subgraph, const std::vector<Step>& chain);

/// GraphML: nodes n<id>, an edge for each of the subgraph.
std::string RenderGraphml(const Subgraph& subgraph);

/// W3C PROV-JSON: processes are activities, things entities, users agents.
std::string RenderProv(const Subgraph& subgraph);

/// The chain as one JSON object: docs/formats/track.md, as of the others here.
std::string RenderWhyJson(const Subgraph& subgraph, const std::vector<Step>& chain);
enum class ListedNodes : std::uint8_t { kFiles, kFlows };
/// A line for each, nearest first.
std::string RenderNodeList(const Subgraph& subgraph, ListedNodes what, bool json);
std::string RenderEntryPoints(const Subgraph& subgraph, const std::vector<EntryPoint>& points,
                              bool json);
std::string RenderCommonOrigins(const Subgraph& first, const std::vector<CommonOrigin>& origins,
                                bool json);

/// Runs graphviz on `dot`. Fails: kUnavailable (no `dot` program in PATH), kIo (it failed or took
/// longer than `timeout_seconds`, and was ended).
Result<std::string> RenderSvg(const std::string& dot, unsigned timeout_seconds);

/// "web bash[4711] root: bash -i", "/etc/passwd", "10.0.0.5:4444 → 10.0.0.2:80": one line, escaped.
std::string NodeTitle(const SubgraphNode& node);
/// "root" or "uid 33"; with the effective user where it differs. Empty: not known.
std::string UserText(const SubgraphNode& node);
bool IsRoot(const SubgraphNode& node);
/// "20:31:35.123" (UTC).
std::string ClockText(std::int64_t time_ns);

}  // namespace spoor::causality
