// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <unordered_map>

#include "causal_index/axis.hpp"
#include "causality/origins.hpp"
#include "causality/trace.hpp"
#include "schema/loss_class.hpp"
#include "store/row.hpp"
#include "store/store.hpp"

namespace spoor::causality {
namespace {

using store::IntegerOf;
using store::TextOf;
using store::Value;

/// "(1, 2, 3)" of the nodes' ids, both ends of connections. Never empty: ids are not 0.
std::string IdList(const Subgraph& subgraph) {
  std::string list = "(0";
  for (const SubgraphNode& node : subgraph.nodes) {
    list += fmt::format(", {}", node.id);
    if (node.peer_id != 0) list += fmt::format(", {}", node.peer_id);
  }
  return list + ")";
}

/// id -> node, both ends of connections.
using NodesById = std::unordered_map<std::int64_t, SubgraphNode*>;

Result<> DescribeProcesses(store::Store& store, const std::string& boot_shifts,
                           const std::string& ids, NodesById& nodes) {
  const std::string query = fmt::format(
      "WITH {} SELECT process_id, host.name, process.pid, process.name, executable, command_line, "
      "  uid, euid, coalesce(_plus(start_boot_ns, shift_ns), start_wall_ns), "
      "  coalesce(_plus(end_boot_ns, shift_ns), end_wall_ns), baseline "
      "FROM process LEFT JOIN boot USING (host_id, boot_id) LEFT JOIN host USING (host_id) "
      "WHERE process_id IN {}",
      boot_shifts, ids);
  return store::ForEachRow(store, query, {}, [&](const std::vector<Value>& row) {
    SubgraphNode& node = *nodes.at(IntegerOf(row[0]).value_or(0));
    node.host = TextOf(row[1]);
    node.pid = IntegerOf(row[2]).value_or(0);
    node.command = TextOf(row[3]);
    node.executable = TextOf(row[4]);
    node.label = TextOf(row[5]);
    if (node.label.empty()) node.label = node.executable.empty() ? node.command : node.executable;
    node.uid = IntegerOf(row[6]);
    node.euid = IntegerOf(row[7]);
    node.begin_ns = IntegerOf(row[8]);
    node.end_ns = IntegerOf(row[9]);
    node.baseline = store::BooleanOf(row[10]).value_or(false);
  });
}

Result<> DescribeObjects(store::Store& store, const std::string& ids, NodesById& nodes) {
  const std::string objects = fmt::format(
      "SELECT object_id, host.name, type, path FROM object LEFT JOIN host USING (host_id) "
      "WHERE object_id IN {}",
      ids);
  RETURN_IF_ERROR(store::ForEachRow(store, objects, {}, [&](const std::vector<Value>& row) {
    SubgraphNode& node = *nodes.at(IntegerOf(row[0]).value_or(0));
    node.host = TextOf(row[1]);
    node.object_type = TextOf(row[2]);
    node.label = TextOf(row[3]);
  }));
  const std::string names = fmt::format(
      "SELECT object_id, path FROM object_name WHERE object_id IN {} "
      "GROUP BY object_id, path ORDER BY object_id, min(from_boot_ns), path",
      ids);
  return store::ForEachRow(store, names, {}, [&](const std::vector<Value>& row) {
    SubgraphNode& node = *nodes.at(IntegerOf(row[0]).value_or(0));
    const std::string name = TextOf(row[1]);
    node.names.push_back(name);
    if (node.label.empty()) node.label = name;
  });
}

Result<> DescribeSockets(store::Store& store, const std::string& ids, NodesById& nodes) {
  // Both ends of a connection share a node: the accepted end comes last and gives the label.
  const std::string query = fmt::format(
      "SELECT object_id, host.name, family, local_ip, local_port, remote_ip, remote_port, "
      "  unix_path, direction FROM socket LEFT JOIN host USING (host_id) WHERE object_id IN {} "
      "ORDER BY direction IS NOT NULL, direction = 'inbound', unix_path IS NOT NULL",
      ids);
  return store::ForEachRow(store, query, {}, [&](const std::vector<Value>& row) {
    SubgraphNode& node = *nodes.at(IntegerOf(row[0]).value_or(0));
    node.type = NodeType::kSocket;
    node.host = TextOf(row[1]);
    node.object_type = "socket";
    const std::string family = TextOf(row[2]);
    const std::string direction = TextOf(row[8]);
    const auto endpoint = [&row](std::size_t ip, std::size_t port) {
      const std::string address = TextOf(row[ip]);
      const std::int64_t number = IntegerOf(row[port]).value_or(0);
      const bool is_inet6 = address.find(':') != std::string::npos;
      return is_inet6 ? fmt::format("[{}]:{}", address, number)
                      : fmt::format("{}:{}", address, number);
    };
    if (family == "inet" || family == "inet6") {
      const bool connected = !TextOf(row[5]).empty() && IntegerOf(row[6]).value_or(0) > 0;
      const std::string local = endpoint(3, 4);
      node.label = !connected               ? local
                   : direction == "inbound" ? fmt::format("{} → {}", endpoint(5, 6), local)
                                            : fmt::format("{} → {}", local, endpoint(5, 6));
      node.is_network_flow = connected;
      node.is_inbound = connected && direction == "inbound";
    } else {
      const std::string path = TextOf(row[7]);
      if (!path.empty() || node.label.empty()) {
        node.label = path.empty() ? fmt::format("{} socket", family) : path;
      }
    }
  });
}

/// The stretch of time that the answer speaks of.
std::pair<std::int64_t, std::int64_t> Extent(const Subgraph& subgraph) {
  std::int64_t from = std::numeric_limits<std::int64_t>::max();
  std::int64_t until = std::numeric_limits<std::int64_t>::min();
  // An answer without flows says that there were none at any time.
  if (subgraph.edges.empty()) std::swap(from, until);
  for (const SubgraphEdge& edge : subgraph.edges) {
    from = std::min(from, edge.begin_ns);
    until = std::max(until, edge.end_ns);
  }
  return {subgraph.from_wall_ns.value_or(from), subgraph.until_wall_ns.value_or(until)};
}

/// Lost payload is not looked at: it takes nothing away from who caused what.
Result<> FindGaps(store::Store& store, const std::string& boot_shifts, Subgraph& subgraph) {
  std::set<std::string> hosts;
  for (const SubgraphNode& node : subgraph.nodes) hosts.insert(node.host);
  const auto [from, until] = Extent(subgraph);
  const std::string query = fmt::format(
      "WITH {}, placed AS (SELECT host.name AS host, loss_class, gap.count, reason, "
      "  coalesce(_plus(from_boot_ns, shift_ns), from_wall_ns) AS from_ns, "
      "  coalesce(_plus(until_boot_ns, shift_ns), until_wall_ns) AS until_ns "
      "FROM gap LEFT JOIN host ON gap.host_id = host.host_id "
      "LEFT JOIN recording ON gap.recording_id = recording.recording_id "
      "LEFT JOIN boot ON boot.host_id = coalesce(gap.host_id, recording.host_id) "
      "  AND boot.boot_id = recording.boot_id WHERE {}) "
      "SELECT host, from_ns, until_ns, loss_class, reason, count FROM placed "
      "WHERE from_ns <= $1 AND until_ns >= $2 ORDER BY from_ns, until_ns, loss_class",
      boot_shifts, schema::EventsAreMissingSql());
  return store::ForEachRow(store, query, {until, from}, [&](const std::vector<Value>& row) {
    const std::string host = TextOf(row[0]);
    const bool elsewhere = !hosts.contains(host);
    if (!host.empty() && !hosts.empty() && elsewhere) return;
    OverlappingGap& gap = subgraph.gaps.emplace_back();
    gap.host = host;
    gap.from_ns = IntegerOf(row[1]).value_or(0);
    gap.until_ns = IntegerOf(row[2]).value_or(0);
    gap.loss_class = TextOf(row[3]);
    gap.reason = TextOf(row[4]);
    gap.count = IntegerOf(row[5]);
  });
}

}  // namespace

Result<> Describe(store::Store& store, const causal_index::Index& index, Subgraph& subgraph) {
  const std::string boot_shifts = causal_index::BootShifts(index.Boots());
  NodesById nodes;
  for (SubgraphNode& node : subgraph.nodes) {
    nodes[node.id] = &node;
    if (node.peer_id != 0) nodes[node.peer_id] = &node;
  }
  const std::string ids = IdList(subgraph);
  RETURN_IF_ERROR(DescribeProcesses(store, boot_shifts, ids, nodes));
  RETURN_IF_ERROR(DescribeObjects(store, ids, nodes));
  RETURN_IF_ERROR(DescribeSockets(store, ids, nodes));
  for (SubgraphNode& node : subgraph.nodes) {
    if (node.type == NodeType::kProcess && node.command.empty()) node.command = "?";
    if (node.label.empty()) node.label = node.object_type.empty() ? "?" : node.object_type;
  }
  subgraph.entry_points = EntryPointsOf(subgraph);
  return FindGaps(store, boot_shifts, subgraph);
}

}  // namespace spoor::causality
