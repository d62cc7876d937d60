// SPDX-License-Identifier: Apache-2.0
// One scan of the events that carry a dependence, and three small ones for what nodes are. The kind
// is turned into a number and the time put on the graph's axis inside SQL: text per row would cost
// more than everything else.
#include <fmt/format.h>

#include <algorithm>

#include "causality/axis.hpp"
#include "causality/between_hosts.hpp"
#include "causality/graph.hpp"
#include "causality/rules.hpp"
#include "store/row.hpp"
#include "store/store.hpp"

namespace spoor::causality {
namespace {

using event::Dependence;
using event::EventKind;
using store::IntegerOf;
using store::Value;

NodeType TypeOfObject(std::string_view type) {
  if (type == "file" || type == "memfd" || type == "path") return NodeType::kFile;
  if (type == "socket") return NodeType::kSocket;
  if (type == "pipe") return NodeType::kPipe;
  if (type == "pty" || type == "tty") return NodeType::kPty;
  return NodeType::kOther;
}

Result<> LoadObjects(store::Store& store, GraphBuilder& builder) {
  // A terminal may be known as /dev/tty, which is what programs call whichever one they have.
  const std::string objects = fmt::format(
      "SELECT object_id, type, coalesce(type NOT IN ('pty', 'tty') AND ({}), false) FROM object",
      NoiseCondition());
  RETURN_IF_ERROR(store::ForEachRow(store, objects, {}, [&](const std::vector<Value>& row) {
    builder.AddNode(IntegerOf(row[0]).value_or(0), TypeOfObject(store::TextOf(row[1])),
                    {.noise = store::BooleanOf(row[2]).value_or(false)});
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
      "FROM (SELECT *, unix_path AS path FROM socket)",
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
Result<> LoadBaselineParents(store::Store& store, const std::string& boot_shifts,
                             GraphBuilder& builder) {
  const std::string query = fmt::format(
      "WITH {} SELECT process_id, parent_process_id, _plus(start_boot_ns, shift_ns) "
      "FROM process JOIN boot USING (host_id, boot_id) "
      "WHERE baseline AND parent_process_id IS NOT NULL",
      boot_shifts);
  return store::ForEachRow(store, query, {}, [&](const std::vector<Value>& row) {
    const std::int64_t start_ns = IntegerOf(row[2]).value_or(0);
    builder.AddFlow({.from_id = IntegerOf(row[1]).value_or(0),
                     .to_id = IntegerOf(row[0]).value_or(0),
                     .begin_ns = start_ns,
                     .end_ns = start_ns,
                     .kind = EventKind::kFork});
  });
}

std::string EventQuery(const LoadOptions& options, const std::string& boot_shifts) {
  std::string code = "CASE kind";
  std::string kinds;
  std::string other = "CASE kind";  // what is at the end of the flow where `process_id` is not
  for (const event::KindTraits& traits : event::kKinds) {
    if (traits.dependence == Dependence::kNone) continue;
    code += fmt::format(" WHEN '{}' THEN {}", traits.name, static_cast<unsigned>(traits.kind));
    kinds += fmt::format("{}'{}'", kinds.empty() ? "" : ", ", traits.name);
    if (traits.dependence == Dependence::kProcessToProcess) {
      other += fmt::format(" WHEN '{}' THEN other_process_id", traits.name);
    }
  }
  code += " END";
  other += " ELSE event.object_id END";
  std::string window;
  if (options.from_wall_ns) {
    window += fmt::format(" AND _plus(end_boot_ns, shift_ns) >= {}", *options.from_wall_ns);
  }
  if (options.until_wall_ns) {
    window += fmt::format(" AND _plus(event.boot_ns, shift_ns) <= {}", *options.until_wall_ns);
  }
  // Failed calls moved nothing; a connect in progress (-EINPROGRESS) has begun. O_CREAT is 0x40 and
  // O_TRUNC 0x200 on every machine we run on.
  return fmt::format(
      "WITH {}, side AS (SELECT io.event_id, bool_or(pty_master) AS master FROM io "
      "  SEMI JOIN (SELECT object_id FROM object WHERE type = 'pty') AS pty "
      "  ON io.object_id = pty.object_id GROUP BY io.event_id) "
      "SELECT event.event_id, {}, _plus(event.boot_ns, shift_ns), _plus(end_boot_ns, shift_ns), "
      "process_id, "
      "  tid, {} AS other_id, CASE WHEN master IS NULL THEN 0 WHEN master THEN 2 ELSE 1 END, "
      "  coalesce(size_bytes = 0, false) "
      "FROM event JOIN boot USING (host_id, boot_id) LEFT JOIN side USING (event_id) "
      "WHERE kind IN ({}) AND NOT baseline AND coalesce(other_id, 0) <> 0 "
      "  AND (result >= 0 OR (kind = 'connect' AND result = -115)) "
      "  AND (kind <> 'open' OR (coalesce(flags, 0) & 576) <> 0){}",
      boot_shifts, code, other, kinds, window);
}

}  // namespace

Result<Graph> Graph::Load(store::Store& store, const LoadOptions& options) {
  GraphBuilder builder;
  RETURN_IF_ERROR(LoadObjects(store, builder));
  ASSIGN_OR_RETURN(const std::vector<SharedConnection> shared, FindSharedConnections(store));
  for (const SharedConnection& connection : shared) {
    builder.AddPeers(connection.client_id, connection.server_id);
  }
  ASSIGN_OR_RETURN(const std::vector<HostSkew> skews, FindSkews(store, shared));
  RETURN_IF_ERROR(store::ForEachRow(
      store, "SELECT process_id, host_id FROM process", {}, [&](const std::vector<Value>& row) {
        const std::int64_t process_id = IntegerOf(row[0]).value_or(0);
        builder.AddNode(process_id, NodeType::kProcess);
        const std::int64_t host_id = IntegerOf(row[1]).value_or(0);
        const auto skew = std::ranges::find(skews, host_id, &HostSkew::host_id);
        if (skew != skews.end()) builder.SetSkew(process_id, skew->skew_ns);
      }));
  const std::string boot_shifts = BootShifts(skews);
  RETURN_IF_ERROR(LoadBaselineParents(store, boot_shifts, builder));
  const std::string query = EventQuery(options, boot_shifts);
  RETURN_IF_ERROR(store::ForEachRow(store, query, {}, [&](const std::vector<Value>& row) {
    const auto integer = [&row](std::size_t column) { return IntegerOf(row[column]).value_or(0); };
    const auto kind = static_cast<EventKind>(integer(1));
    const bool to_process = event::TraitsOf(kind).dependence == Dependence::kObjectToProcess;
    const std::int64_t process_id = integer(4);
    const std::int64_t other_id = integer(6);
    builder.AddFlow(
        {.from_id = to_process ? other_id : process_id,
         .to_id = to_process ? process_id : other_id,
         .begin_ns = integer(2),
         .end_ns = integer(3),
         .event_id = integer(0),
         .tid = integer(5),
         .kind = kind,
         .side = static_cast<PtySide>(integer(7)),
         .moved_nothing = kind != EventKind::kAccept && store::BooleanOf(row[8]).value_or(false)});
  }));
  return builder.Build();
}

}  // namespace spoor::causality
