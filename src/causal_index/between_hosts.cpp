// SPDX-License-Identifier: Apache-2.0
#include "causal_index/between_hosts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/saturating.hpp"
#include "causal_index/axis.hpp"
#include "store/row.hpp"
#include "store/store.hpp"

namespace spoor::causal_index {
namespace {

using store::IntegerOf;
using store::Value;

constexpr std::int64_t kEarliestNs = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kLatestNs = std::numeric_limits<std::int64_t>::max();

/// When something can have left or come to one end of a connection, on the host's own clock.
struct EndTimes {
  std::int64_t opened_ns = kLatestNs;    ///< begin of connect, end of accept
  std::int64_t sent_ns = kLatestNs;      ///< begin of the first send
  std::int64_t received_ns = kLatestNs;  ///< end of the first receive that moved something
};

/// What has to be added to the second host's clock lies between the two.
struct Bounds {
  std::int64_t low_ns = kEarliestNs, high_ns = kLatestNs;

  std::int64_t Nearest() const {
    if (low_ns > high_ns) return high_ns + SaturatingSub(low_ns, high_ns) / 2;
    return std::clamp<std::int64_t>(0, low_ns, high_ns);
  }
};

Result<std::unordered_map<std::int64_t, EndTimes>> ReadTimes(
    store::Store& store, std::span<const Boot> boots,
    const std::vector<SharedConnection>& connections) {
  std::string ids = "0";
  for (const SharedConnection& connection : connections) {
    ids += fmt::format(", {}, {}", connection.client_id, connection.server_id);
  }
  const std::string query = fmt::format(
      "WITH {} SELECT object_id, "
      "  min(_plus(CASE kind WHEN 'connect' THEN event.boot_ns ELSE end_boot_ns END, shift_ns)) "
      "    FILTER (WHERE kind IN ('connect', 'accept')), "
      "  min(_plus(event.boot_ns, shift_ns)) FILTER (WHERE kind IN ('write', 'send')), "
      "  min(_plus(end_boot_ns, shift_ns)) FILTER (WHERE kind IN ('read', 'recv')) "
      "FROM event JOIN boot USING (host_id, boot_id) "
      "WHERE object_id IN ({}) AND (result >= 0 OR result = -115) "
      "  AND (kind IN ('connect', 'accept') OR "
      "       (kind IN ('write', 'send', 'read', 'recv') AND size_bytes > 0)) "
      "GROUP BY object_id",
      BootShifts(boots), ids);
  std::unordered_map<std::int64_t, EndTimes> times;
  RETURN_IF_ERROR(store::ForEachRow(store, query, {}, [&](const std::vector<Value>& row) {
    times[IntegerOf(row[0]).value_or(0)] = {.opened_ns = IntegerOf(row[1]).value_or(kLatestNs),
                                            .sent_ns = IntegerOf(row[2]).value_or(kLatestNs),
                                            .received_ns = IntegerOf(row[3]).value_or(kLatestNs)};
  }));
  return times;
}

/// `cause_ns` on one clock came before `effect_ns` on the other; by how much it seems to come
/// after.
std::int64_t Seeming(std::int64_t cause_ns, std::int64_t effect_ns) {
  if (cause_ns == kLatestNs || effect_ns == kLatestNs) return kEarliestNs;
  return SaturatingSub(cause_ns, effect_ns);
}

/// A correction that is at least `low_ns` for the one direction is at most its negative for the
/// other.
std::int64_t Negative(std::int64_t low_ns) {
  return low_ns == kEarliestNs ? kLatestNs : -low_ns;
}

}  // namespace

Result<std::vector<SharedConnection>> FindSharedConnections(store::Store& store) {
  constexpr std::string_view kQuery =
      "WITH ended AS (SELECT f.* FROM _flow_seen AS f JOIN socket AS s ON s.object_id = f.flow_id "
      "  WHERE f.observer = 'sensor' AND f.transport = 'tcp' AND coalesce(f.state, 'connected') = "
      "'connected' "
      "    AND s.peer_object_id IS NULL), "
      "pair AS (SELECT c.flow_id AS client, d.flow_id AS server, c.host_id AS client_host, "
      "  d.host_id AS server_host, abs(_minus(c.begin_wall_ns, d.begin_wall_ns)) AS apart_ns "
      "  FROM ended AS c JOIN ended AS d ON c.source_ip = d.source_ip "
      "    AND c.source_port = d.source_port AND c.destination_ip = d.destination_ip "
      "    AND c.destination_port = d.destination_port "
      "  WHERE c.direction = 'outbound' AND d.direction = 'inbound' AND c.host_id <> d.host_id) "
      "SELECT client, server, client_host, server_host FROM pair WHERE apart_ns < 600000000000 "
      "QUALIFY row_number() OVER (PARTITION BY client ORDER BY apart_ns, server) = 1 "
      "  AND row_number() OVER (PARTITION BY server ORDER BY apart_ns, client) = 1 "
      "ORDER BY client, server";
  std::vector<SharedConnection> connections;
  RETURN_IF_ERROR(
      store::ForEachRow(store, std::string(kQuery), {}, [&](const std::vector<Value>& row) {
        connections.push_back({.client_id = IntegerOf(row[0]).value_or(0),
                               .server_id = IntegerOf(row[1]).value_or(0),
                               .client_host_id = IntegerOf(row[2]).value_or(0),
                               .server_host_id = IntegerOf(row[3]).value_or(0)});
      }));
  return connections;
}

Result<std::vector<HostSkew>> FindSkews(store::Store& store, std::span<const Boot> boots,
                                        const std::vector<SharedConnection>& connections) {
  if (connections.empty()) return std::vector<HostSkew>();
  ASSIGN_OR_RETURN(auto times, ReadTimes(store, boots, connections));
  // What to add to the second host's clock, so that it agrees with the first's; both ways.
  std::map<std::int64_t, std::map<std::int64_t, Bounds>> between;
  for (const SharedConnection& connection : connections) {
    const EndTimes& client = times[connection.client_id];
    const EndTimes& server = times[connection.server_id];
    const std::int64_t low_ns = std::max(Seeming(client.opened_ns, server.opened_ns),
                                         Seeming(client.sent_ns, server.received_ns));
    const std::int64_t high_ns = Negative(Seeming(server.sent_ns, client.received_ns));
    Bounds& there = between[connection.client_host_id][connection.server_host_id];
    there.low_ns = std::max(there.low_ns, low_ns);
    there.high_ns = std::min(there.high_ns, high_ns);
    Bounds& back = between[connection.server_host_id][connection.client_host_id];
    back.low_ns = std::max(back.low_ns, high_ns == kLatestNs ? kEarliestNs : -high_ns);
    back.high_ns = std::min(back.high_ns, Negative(low_ns));
  }
  std::vector<HostSkew> skews;
  std::map<std::int64_t, std::int64_t> known;
  for (const auto& [first, others] : between) {
    if (known.contains(first)) continue;
    known[first] = 0;
    std::vector<std::int64_t> waiting{first};
    while (!waiting.empty()) {
      const std::int64_t host = waiting.back();
      waiting.pop_back();
      for (const auto& [other, bounds] : between[host]) {
        if (known.contains(other)) continue;
        known[other] = SaturatingAdd(known[host], bounds.Nearest());
        waiting.push_back(other);
      }
    }
  }
  for (const auto& [host, skew_ns] : known) {
    if (skew_ns != 0) skews.push_back({host, skew_ns});
  }
  return skews;
}

}  // namespace spoor::causal_index
