// SPDX-License-Identifier: Apache-2.0
#include "undo/deeds.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <unordered_map>

#include "store/row.hpp"

namespace spoor::undo {
namespace {

using store::IntegerOf;
using store::TextOf;
using store::Value;

constexpr std::size_t kDeedsMax = 4'000'000;  // some 300 bytes of memory each
constexpr std::size_t kIdsMax = 5000;         // more are looked for in the whole table

constexpr std::string_view kColumns =
    R"(e.event_id, e.entry_index, e.host_id, e.process_id, e.uid, e.kind, e.object_id,
  e.other_object_id, e.path, e.other_path, e.size_bytes, e."count", e.flags, e."value",
  e.offset_bytes, e.wall_ns, e.end_boot_ns)";
// Opens for writing tell whether what is written is appended.
constexpr std::string_view kIsDeed =
    R"(e.result >= 0 AND NOT e.baseline AND (
  e.kind IN ('unlink', 'rename', 'link', 'symlink', 'chmod', 'chown', 'truncate', 'mkdir', 'mknod',
             'set_attribute', 'mount', 'listen')
  OR (e.kind IN ('write', 'send') AND e.size_bytes > 0)
  OR (e.kind = 'open' AND (coalesce(e.flags, 0) & 3) <> 0))
  AND (o.type IS NULL OR o.type IN ('file', 'directory', 'symlink', 'path')
       OR (e.kind = 'listen' AND o.type = 'socket')
       OR (o.type IN ('character_device', 'block_device')
           AND e.kind IN ('mknod', 'unlink', 'rename', 'link', 'chmod', 'chown'))))";

Result<> NarrowTo(store::Store& store, std::string_view table, std::string_view column,
                  const std::vector<std::int64_t>& ids) {
  if (ids.size() > kIdsMax) return {};
  return store.Narrow(table, column, {ids.begin(), ids.end()});
}

std::string Listed(const std::vector<std::int64_t>& ids) {
  return ids.empty() ? "NULL" : fmt::format("{}", fmt::join(ids, ", "));
}

std::vector<std::int64_t> IdsOf(std::span<const Actor> actors) {
  std::vector<std::int64_t> ids;
  for (const Actor& actor : actors) ids.push_back(actor.process_id);
  return ids;
}

Deed DeedOf(const std::vector<Value>& row) {
  const auto number = [&row](std::size_t at) { return IntegerOf(row[at]).value_or(0); };
  return {.event_id = number(0),
          .entry_index = IntegerOf(row[1]),
          .host_id = number(2),
          .process_id = number(3),
          .uid = number(4),
          .kind = event::EventKindOf(TextOf(row[5])).value_or(event::EventKind::kLoss),
          .object_id = number(6),
          .other_object_id = number(7),
          .path = TextOf(row[8]),
          .other_path = TextOf(row[9]),
          .size_bytes = number(10),
          .count = std::max<std::int64_t>(1, number(11)),
          .flags = number(12),
          .value = number(13),
          .offset_bytes = IntegerOf(row[14]),
          .wall_ns = number(15),
          .boot_ns = number(16)};
}

Result<> ReadObjects(store::Store& store, const std::vector<std::int64_t>& ids, Deeds& deeds) {
  const store::Narrowed narrowed(store);
  RETURN_IF_ERROR(NarrowTo(store, "object", "object_id", ids));
  return store::ForEachRow(
      store,
      fmt::format("SELECT o.object_id, o.type, coalesce(o.path, ''), o.inode FROM object AS o "
                  "WHERE o.object_id IN ({})",
                  Listed(ids)),
      {}, [&deeds](const std::vector<Value>& row) {
        deeds.objects[IntegerOf(row[0]).value_or(0)] = {
            .type = TextOf(row[1]), .path = TextOf(row[2]), .inode = IntegerOf(row[3])};
      });
}

Result<> ReadProcesses(store::Store& store, const std::vector<std::int64_t>& ids, Deeds& deeds) {
  const store::Narrowed narrowed(store);
  RETURN_IF_ERROR(NarrowTo(store, "process", "process_id", ids));
  return store::ForEachRow(
      store,
      fmt::format("SELECT p.process_id, h.name, coalesce(p.name, p.executable, '?'), "
                  "coalesce(p.command_line, ''), p.boot_id, p.pid, p.start_boot_ns, "
                  "p.start_wall_ns, p.end_boot_ns IS NOT NULL FROM process AS p "
                  "LEFT JOIN host AS h ON h.host_id = p.host_id WHERE p.process_id IN ({})",
                  Listed(ids)),
      {}, [&deeds](const std::vector<Value>& row) {
        deeds.processes[IntegerOf(row[0]).value_or(0)] = {
            .host = TextOf(row[1]),
            .name = TextOf(row[2]),
            .command_line = TextOf(row[3]),
            .boot_id = TextOf(row[4]),
            .pid = IntegerOf(row[5]).value_or(0),
            .start_boot_ns = IntegerOf(row[6]).value_or(0),
            .start_wall_ns = IntegerOf(row[7]),
            .ended = store::BooleanOf(row[8]).value_or(false)};
      });
}

/// Fills in what an object was called at the time of a call that names it by descriptor only.
Result<> FillNames(store::Store& store, const std::vector<std::int64_t>& ids, Deeds& deeds) {
  std::unordered_map<std::int64_t, std::map<std::int64_t, std::string>> names;
  {
    const store::Narrowed narrowed(store);
    RETURN_IF_ERROR(NarrowTo(store, "object_name", "object_id", ids));
    RETURN_IF_ERROR(store::ForEachRow(
        store,
        fmt::format("SELECT n.object_id, n.from_boot_ns, n.path FROM object_name AS n "
                    "WHERE n.object_id IN ({})",
                    Listed(ids)),
        {}, [&names](const std::vector<Value>& row) {
          names[IntegerOf(row[0]).value_or(0)][IntegerOf(row[1]).value_or(0)] = TextOf(row[2]);
        }));
  }
  for (Deed& deed : deeds.deeds) {
    if (!deed.path.empty()) continue;
    const auto known = names.find(deed.object_id);
    if (known != names.end() && !known->second.empty()) {
      const auto after = known->second.upper_bound(deed.boot_ns);
      deed.path = (after == known->second.begin() ? after : std::prev(after))->second;
    } else if (const auto object = deeds.objects.find(deed.object_id);
               object != deeds.objects.end()) {
      deed.path = object->second.path;
    }
  }
  return {};
}

}  // namespace

Result<Deeds> ReadDeeds(store::Store& store, std::span<const Actor> actors) {
  Deeds deeds;
  std::unordered_map<std::int64_t, std::int64_t> from;
  for (const Actor& actor : actors) from[actor.process_id] = actor.from_event_id;
  const std::vector<std::int64_t> processes = IdsOf(actors);
  std::set<std::int64_t> objects;
  {
    const store::Narrowed narrowed(store);
    RETURN_IF_ERROR(NarrowTo(store, "event", "process_id", processes));
    bool too_many = false;
    RETURN_IF_ERROR(store::ForEachRow(
        store,
        fmt::format("SELECT {} FROM event AS e LEFT JOIN object AS o ON o.object_id = e.object_id "
                    "WHERE e.process_id IN ({}) AND {} ORDER BY e.event_id LIMIT {}",
                    kColumns, Listed(processes), kIsDeed, kDeedsMax + 1),
        {}, [&](const std::vector<Value>& row) {
          Deed deed = DeedOf(row);
          if (deed.event_id < from[deed.process_id]) return;
          too_many = too_many || deeds.deeds.size() >= kDeedsMax;
          if (too_many) return;
          for (const std::int64_t id : {deed.object_id, deed.other_object_id}) {
            if (id != 0) objects.insert(id);
          }
          deeds.deeds.push_back(std::move(deed));
        }));
    if (too_many) {
      return Fail(ErrorCode::kUnavailable, "these processes changed too much to plan it at once");
    }
  }
  RETURN_IF_ERROR(store::ForEachRow(store, "SELECT host_id, name FROM host", {},
                                    [&deeds](const std::vector<Value>& row) {
                                      deeds.hosts[IntegerOf(row[0]).value_or(0)] = TextOf(row[1]);
                                    }));
  const std::vector<std::int64_t> ids(objects.begin(), objects.end());
  RETURN_IF_ERROR(ReadObjects(store, ids, deeds));
  RETURN_IF_ERROR(FillNames(store, ids, deeds));
  RETURN_IF_ERROR(ReadProcesses(store, processes, deeds));
  return deeds;
}

Result<std::vector<Deed>> ReadOthersDeeds(store::Store& store, std::span<const Actor> actors,
                                          const std::vector<std::int64_t>& object_ids,
                                          const std::vector<std::string>& paths, Deeds& deeds) {
  std::map<std::int64_t, Deed> found;
  std::set<std::int64_t> own;
  for (const Actor& actor : actors) own.insert(actor.process_id);
  const auto take = [&](const std::vector<Value>& row) {
    Deed deed = DeedOf(row);
    if (!own.contains(deed.process_id)) found.try_emplace(deed.event_id, std::move(deed));
  };
  {
    const store::Narrowed narrowed(store);
    RETURN_IF_ERROR(NarrowTo(store, "event_by_object", "object_id", object_ids));
    RETURN_IF_ERROR(store::ForEachRow(
        store,
        fmt::format("SELECT {} FROM event_by_object AS e LEFT JOIN object AS o ON o.object_id = "
                    "e.object_id WHERE e.object_id IN ({}) AND {}",
                    kColumns, Listed(object_ids), kIsDeed),
        {}, take));
  }
  // Under the same name there may be another file by now.
  RETURN_IF_ERROR(store::ForEachRow(
      store,
      fmt::format("SELECT {0} FROM event_by_object AS e LEFT JOIN object AS o ON o.object_id = "
                  "e.object_id WHERE (e.path IN (SELECT unnest($1)) OR e.other_path IN (SELECT "
                  "unnest($1))) AND {1}",
                  kColumns, kIsDeed),
      {paths}, take));
  std::vector<Deed> others;
  std::set<std::int64_t> processes;
  for (auto& [event_id, deed] : found) {
    if (!deeds.processes.contains(deed.process_id)) processes.insert(deed.process_id);
    others.push_back(std::move(deed));
  }
  RETURN_IF_ERROR(ReadProcesses(store, {processes.begin(), processes.end()}, deeds));
  return others;
}

Result<std::map<std::int64_t, std::map<std::int64_t, std::int64_t>>> ReadProgramModes(
    store::Store& store, const std::vector<std::int64_t>& object_ids) {
  std::map<std::int64_t, std::map<std::int64_t, std::int64_t>> modes;
  if (object_ids.empty()) return modes;
  RETURN_IF_ERROR(store::ForEachRow(
      store,
      fmt::format("SELECT x.object_id, x.event_id, x.mode FROM exec AS x WHERE x.object_id IN ({}) "
                  "AND x.mode IS NOT NULL",
                  Listed(object_ids)),
      {}, [&modes](const std::vector<Value>& row) {
        modes[IntegerOf(row[0]).value_or(0)][IntegerOf(row[1]).value_or(0)] =
            IntegerOf(row[2]).value_or(0);
      }));
  return modes;
}

Result<std::vector<Deed>> ReadModuleCommands(store::Store& store, std::span<const Actor> actors) {
  std::vector<Deed> commands;
  const std::vector<std::int64_t> processes = IdsOf(actors);
  std::unordered_map<std::int64_t, std::int64_t> from;
  for (const Actor& actor : actors) from[actor.process_id] = actor.from_event_id;
  const store::Narrowed narrowed(store);
  RETURN_IF_ERROR(NarrowTo(store, "exec", "process_id", processes));
  RETURN_IF_ERROR(store::ForEachRow(
      store,
      fmt::format(
          "SELECT x.event_id, p.host_id, x.process_id, x.uid, x.command_line, x.wall_ns, x.boot_ns "
          "FROM exec AS x JOIN process AS p ON p.process_id = x.process_id WHERE x.process_id IN "
          "({}) AND x.result = 0 AND (regexp_matches(x.executable, '/(insmod|modprobe|rmmod)$') OR "
          "(regexp_matches(x.executable, '/kmod$') AND regexp_matches(x.command_line, "
          "'^([^ ]*/)?(insmod|modprobe|rmmod) '))) ORDER BY x.event_id",
          Listed(processes)),
      {}, [&](const std::vector<Value>& row) {
        const auto number = [&row](std::size_t at) { return IntegerOf(row[at]).value_or(0); };
        if (number(0) < from[number(2)]) return;
        commands.push_back({.event_id = number(0),
                            .host_id = number(1),
                            .process_id = number(2),
                            .uid = number(3),
                            .kind = event::EventKind::kExec,
                            .path = TextOf(row[4]),
                            .other_path = {},
                            .wall_ns = number(5),
                            .boot_ns = number(6)});
      }));
  return commands;
}

Result<std::map<std::string, std::string>> ReadMeanings(store::Store& store,
                                                        const std::vector<std::string>& paths) {
  std::map<std::string, std::string> meanings;
  if (paths.empty()) return meanings;
  RETURN_IF_ERROR(store::ForEachRow(
      store, "SELECT p, _way_back(p) FROM (SELECT unnest($1) AS p) WHERE _way_back(p) IS NOT NULL",
      {paths},
      [&meanings](const std::vector<Value>& row) { meanings[TextOf(row[0])] = TextOf(row[1]); }));
  return meanings;
}

Result<std::map<std::int64_t, std::string>> ReadAddresses(
    store::Store& store, const std::vector<std::int64_t>& object_ids) {
  std::map<std::int64_t, std::string> addresses;
  const store::Narrowed narrowed(store);
  RETURN_IF_ERROR(NarrowTo(store, "socket", "object_id", object_ids));
  RETURN_IF_ERROR(store::ForEachRow(
      store,
      fmt::format("SELECT s.object_id, coalesce(s.unix_path, concat(s.local_ip, ':', "
                  "s.local_port)) FROM socket AS s WHERE s.object_id IN ({})",
                  Listed(object_ids)),
      {}, [&addresses](const std::vector<Value>& row) {
        addresses[IntegerOf(row[0]).value_or(0)] = TextOf(row[1]);
      }));
  return addresses;
}

}  // namespace spoor::undo
