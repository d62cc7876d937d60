// SPDX-License-Identifier: Apache-2.0
// A few scans of the tables that say what processes and objects are. Their rows are merged from all
// segments, which the store does; so this file is made anew with each catalog. Where the order of
// rows matters they are asked for in one: equal tables give equal bytes.
#include <fmt/format.h>

#include <algorithm>

#include "causal_index/axis.hpp"
#include "causal_index/between_hosts.hpp"
#include "causal_index/index.hpp"
#include "causal_index/noise.hpp"
#include "causal_index/read_store.hpp"
#include "store/row.hpp"
#include "store/store.hpp"

namespace spoor::causal_index {
namespace {

using store::IntegerOf;
using store::Value;

NodeType TypeOfObject(std::string_view type) {
  if (type == "file" || type == "memfd" || type == "path") return NodeType::kFile;
  if (type == "socket") return NodeType::kSocket;
  if (type == "pipe") return NodeType::kPipe;
  if (type == "pty" || type == "tty") return NodeType::kPty;
  return NodeType::kOther;
}

Result<> ReadObjects(store::Store& store, NodesPartBuilder& builder) {
  // A terminal may be known as /dev/tty, which is what programs call whichever one they have.
  const std::string objects = fmt::format(
      "SELECT object_id, type, coalesce(type NOT IN ('pty', 'tty') AND ({}), false) FROM object",
      NoiseCondition());
  RETURN_IF_ERROR(store::ForEachRow(store, objects, {}, [&](const std::vector<Value>& row) {
    const std::string type = store::TextOf(row[1]);
    builder.AddNode(
        IntegerOf(row[0]).value_or(0), TypeOfObject(type),
        {.noise = store::BooleanOf(row[2]).value_or(false), .has_sides = type == "pty"});
  }));
  // Sockets again: what they are connected to, and noise: by the name in the file system, or as
  // nobody can be at the other end (netlink, unix without a name and a known peer).
  const std::string sockets = fmt::format(
      "SELECT object_id, peer_object_id, coalesce({}, false) "
      "  OR coalesce(family NOT IN ('inet', 'inet6') AND peer_object_id IS NULL "
      "    AND coalesce(unix_path, '') = '' AND (family <> 'unix' OR type <> 'dgram'), false), "
      "coalesce(family IN ('inet', 'inet6') AND remote_port > 0 AND peer_object_id IS NULL "
      "AND remote_ip NOT LIKE '127.%' AND remote_ip <> '::1' AND remote_ip <> local_ip, false), "
      "coalesce(direction, '') "
      "FROM (SELECT *, unix_path AS path FROM socket) ORDER BY object_id",
      NoiseCondition());
  return store::ForEachRow(store, sockets, {}, [&](const std::vector<Value>& row) {
    const std::int64_t object_id = IntegerOf(row[0]).value_or(0);
    const std::string direction = store::TextOf(row[4]);
    builder.AddNode(object_id, NodeType::kSocket,
                    {.noise = store::BooleanOf(row[2]).value_or(false),
                     .remote = store::BooleanOf(row[3]).value_or(false),
                     .inbound = direction == "inbound",
                     .outbound = direction == "outbound"});
    const std::optional<std::int64_t> peer = IntegerOf(row[1]);
    if (peer) builder.AddPeers(object_id, *peer);
  });
}

/// Processes that were there before the recording have a creator, but no fork event.
Result<> ReadBaselineParents(store::Store& store, const std::vector<Boot>& boots,
                             NodesPartBuilder& builder) {
  // The place of a boot among `boots` in place of its shift.
  std::vector<Boot> places = boots;
  for (std::size_t i = 0; i < places.size(); ++i) {
    places[i].shift_ns = static_cast<std::int64_t>(i);
  }
  const std::string query = fmt::format(
      "WITH {} SELECT process_id, parent_process_id, start_boot_ns, shift_ns "
      "FROM process JOIN boot USING (host_id, boot_id) "
      "WHERE baseline AND parent_process_id IS NOT NULL ORDER BY process_id, host_id, boot_id",
      BootShifts(places));
  return store::ForEachRow(store, query, {}, [&](const std::vector<Value>& row) {
    builder.AddBaselineFork({.parent_id = IntegerOf(row[1]).value_or(0),
                             .child_id = IntegerOf(row[0]).value_or(0),
                             .boot = static_cast<std::uint32_t>(IntegerOf(row[3]).value_or(0)),
                             .start_boot_ns = IntegerOf(row[2]).value_or(0)});
  });
}

}  // namespace

Result<std::vector<std::byte>> ReadNodes(store::Store& store, const std::vector<FlowsPart>& parts,
                                         const SourceDigest& source) {
  NodesPartBuilder builder;
  RETURN_IF_ERROR(ReadObjects(store, builder));
  ASSIGN_OR_RETURN(const std::vector<SharedConnection> shared, FindSharedConnections(store));
  for (const SharedConnection& connection : shared) {
    builder.AddPeers(connection.client_id, connection.server_id);
  }
  const std::vector<Boot> boots = MergeBoots(parts);
  ASSIGN_OR_RETURN(const std::vector<HostSkew> skews, FindSkews(store, boots, shared));
  std::vector<BootClock> clocks;
  for (const Boot& boot : boots) {
    const auto skew = std::ranges::find(skews, boot.host_id, &HostSkew::host_id);
    clocks.push_back({.boot = boot, .skew_ns = skew == skews.end() ? 0 : skew->skew_ns});
  }
  builder.SetBoots(std::move(clocks));
  RETURN_IF_ERROR(store::ForEachRow(
      store, "SELECT process_id FROM process", {}, [&](const std::vector<Value>& row) {
        builder.AddNode(IntegerOf(row[0]).value_or(0), NodeType::kProcess);
      }));
  RETURN_IF_ERROR(ReadBaselineParents(store, boots, builder));
  return builder.Finish(parts, source);
}

}  // namespace spoor::causal_index
