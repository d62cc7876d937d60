// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "base/visible_text.hpp"
#include "replay/recording.hpp"
#include "replay/rows.hpp"
#include "schema/loss_class.hpp"
#include "store/lookup.hpp"
#include "store/row.hpp"
#include "store/store.hpp"

namespace spoor::replay {
namespace {

using store::IntegerOf;
using store::TextOf;
using store::Value;

/// "1, 2, 3": the processes that `query` gives and all that descend from them. Linear, however deep
/// they lie, and each is visited once.
Result<std::string> Descendants(store::Store& store, const std::string& query) {
  std::unordered_multimap<std::int64_t, std::int64_t> children;
  RETURN_IF_ERROR(store::ForEachRow(
      store,
      "SELECT parent_process_id, process_id FROM process WHERE parent_process_id IS NOT NULL", {},
      [&](const std::vector<Value>& row) {
        children.emplace(IntegerOf(row[0]).value_or(0), IntegerOf(row[1]).value_or(0));
      }));
  ASSIGN_OR_RETURN(std::vector<std::int64_t> waiting, store::ReadIntegers(store, query, {}));
  std::unordered_set<std::int64_t> found(waiting.begin(), waiting.end());
  std::string list = "0";
  while (!waiting.empty()) {
    const std::int64_t process_id = waiting.back();
    waiting.pop_back();
    list += fmt::format(", {}", process_id);
    const auto [first, last] = children.equal_range(process_id);
    for (auto child = first; child != last; ++child) {
      if (found.insert(child->second).second) waiting.push_back(child->second);
    }
  }
  return list;
}

struct Terminal {
  std::int64_t object_id;
  std::string name;
};

Result<std::vector<Terminal>> Terminals(store::Store& store, const std::string& condition) {
  const std::string query = fmt::format(
      "SELECT object_id, any_value(path) FROM io JOIN object USING (object_id) "
      "WHERE type IN ('pty', 'tty') AND {} GROUP BY object_id ORDER BY min(io.boot_ns), object_id",
      condition);
  std::vector<Terminal> terminals;
  RETURN_IF_ERROR(store::ForEachRow(store, query, {}, [&](const std::vector<Value>& row) {
    terminals.push_back({IntegerOf(row[0]).value_or(0), TextOf(row[1])});
  }));
  return terminals;
}

Result<Terminal> OnlyOne(const std::vector<Terminal>& terminals, const std::string& who) {
  if (terminals.size() == 1) return terminals.front();
  std::string list;
  for (const Terminal& terminal : terminals) {
    list += fmt::format("{}{} ({})", list.empty() ? "" : ", ", terminal.object_id,
                        VisibleText(terminal.name));
  }
  return Fail(ErrorCode::kInvalidArgument,
              "{} has to do with {} terminals, give the number of one instead: {}",
              VisibleText(who), terminals.size(), list);
}

Result<std::vector<IoRow>> ReadIo(store::Store& store, std::string_view where,
                                  const std::vector<Value>& parameters) {
  const std::string query = fmt::format(
      "SELECT event_id, process_id, boot_ns, direction = 'out', pty_master, "
      "size_bytes, data, rows, columns, echo, canonical FROM io WHERE {} "
      "ORDER BY boot_ns, event_id",
      where);
  std::vector<IoRow> rows;
  RETURN_IF_ERROR(store::ForEachRow(store, query, parameters, [&](std::vector<Value>& row) {
    IoRow& io = rows.emplace_back();
    io.event_id = IntegerOf(row[0]).value_or(0);
    io.process_id = IntegerOf(row[1]).value_or(0);
    io.boot_ns = IntegerOf(row[2]).value_or(0);
    io.out = store::BooleanOf(row[3]).value_or(false);
    io.pty_master = store::BooleanOf(row[4]).value_or(false);
    io.size_bytes =
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, IntegerOf(row[5]).value_or(0)));
    if (auto* data = std::get_if<store::Bytes>(&row[6])) io.data = std::move(data->bytes);
    io.state = {IntegerOf(row[7]), IntegerOf(row[8]), store::BooleanOf(row[9]),
                store::BooleanOf(row[10])};
  }));
  return rows;
}

Result<std::vector<StateRow>> ReadStates(store::Store& store, std::int64_t object_id) {
  std::vector<StateRow> states;
  RETURN_IF_ERROR(store::ForEachRow(
      store,
      "SELECT event_id, process_id, boot_ns, rows, columns, echo, canonical FROM terminal "
      "WHERE object_id = $1 ORDER BY boot_ns, event_id",
      {object_id}, [&](const std::vector<Value>& row) {
        states.push_back({.event_id = IntegerOf(row[0]).value_or(0),
                          .process_id = IntegerOf(row[1]).value_or(0),
                          .boot_ns = IntegerOf(row[2]).value_or(0),
                          .state = {IntegerOf(row[3]), IntegerOf(row[4]), store::BooleanOf(row[5]),
                                    store::BooleanOf(row[6])}});
      }));
  return states;
}

/// What the programs of this recording did meanwhile: programs started, connections, other users.
Result<> AddMarkers(store::Store& store, const std::string& programs, Recording& recording) {
  const std::int64_t last_ns = recording.events.back().boot_ns;
  ASSIGN_OR_RETURN(const std::string descendants, Descendants(store, programs));
  const std::string query = fmt::format(
      "WITH tree AS (SELECT unnest(CAST([{}] AS BIGINT[])) AS process_id) "
      "SELECT event_id, process_id, boot_ns, 'exec ' || command_line AS text FROM exec "
      "  SEMI JOIN tree USING (process_id) WHERE result >= 0 AND boot_ns <= $1 "
      "UNION ALL SELECT event_id, process_id, event.boot_ns, 'connect ' || "
      "  CASE WHEN remote_ip <> '' THEN remote_ip || ' port ' || remote_port "
      "  ELSE coalesce(unix_path, event.path, '?') END "
      "  FROM event SEMI JOIN tree USING (process_id) "
      "  LEFT JOIN socket ON socket.object_id = event.object_id WHERE kind = 'connect' "
      "  AND (result >= 0 OR result = -115) AND NOT baseline AND event.boot_ns <= $1 "
      "UNION ALL SELECT event_id, process_id, boot_ns, 'user ' || coalesce(before_euid::VARCHAR, "
      "  '?') || ' -> ' || euid || ' (' || cause || coalesce(' ' || syscall, '') || ')' "
      "  FROM credential_change SEMI JOIN tree USING (process_id) WHERE boot_ns <= $1 "
      "  AND euid IS NOT NULL AND before_euid IS DISTINCT FROM euid "
      "ORDER BY 3, 1",
      descendants);
  return store::ForEachRow(store, query, {last_ns}, [&](const std::vector<Value>& row) {
    recording.events.push_back({.type = EventType::kMarker,
                                .boot_ns = IntegerOf(row[2]).value_or(0),
                                .event_id = IntegerOf(row[0]).value_or(0),
                                .process_id = IntegerOf(row[1]).value_or(0),
                                .bytes = TextOf(row[3])});
  });
}

Result<> AddProcesses(store::Store& store, Recording& recording) {
  std::string ids = "0";
  for (const TerminalEvent& event : recording.events) ids += fmt::format(", {}", event.process_id);
  return store::ForEachRow(
      store,
      fmt::format("SELECT process_id, pid, coalesce(name, executable, '?') FROM process "
                  "WHERE process_id IN ({})",
                  ids),
      {}, [&](const std::vector<Value>& row) {
        recording.processes[IntegerOf(row[0]).value_or(0)] = {IntegerOf(row[1]).value_or(0),
                                                              TextOf(row[2])};
      });
}

/// The clock and host of the first event, and the gaps of that boot that the recording lies over.
Result<> AddSurroundings(store::Store& store, Recording& recording) {
  const std::int64_t first_ns = recording.events.front().boot_ns;
  std::int64_t event_id = 0;
  for (const TerminalEvent& event : recording.events) {
    if (event.event_id == 0) continue;
    event_id = event.event_id;
    break;
  }
  RETURN_IF_ERROR(store::ForEachRow(
      store,
      "SELECT host.name, _minus(wall_ns, end_boot_ns) FROM event JOIN host USING (host_id) "
      "WHERE event_id = $1",
      {event_id}, [&](const std::vector<Value>& row) {
        recording.host = TextOf(row[0]);
        recording.wall_shift_ns = IntegerOf(row[1]).value_or(0);
      }));
  return store::ForEachRow(
      store,
      std::string("SELECT from_boot_ns, until_boot_ns, loss_class, reason, count FROM gap ") +
          "LEFT JOIN recording USING (recording_id) "
          "JOIN (SELECT host_id, boot_id FROM event WHERE event_id = $3) AS here "
          "ON coalesce(gap.host_id, here.host_id) = here.host_id "
          "AND coalesce(recording.boot_id, here.boot_id) = here.boot_id "
          "WHERE " +
          schema::TerminalIsMissingSql() +
          " "
          "AND from_boot_ns <= $1 AND until_boot_ns >= $2 ORDER BY from_boot_ns, loss_class",
      {recording.events.back().boot_ns, first_ns, event_id}, [&](const std::vector<Value>& row) {
        recording.gaps.push_back({.from_boot_ns = IntegerOf(row[0]).value_or(0),
                                  .until_boot_ns = IntegerOf(row[1]).value_or(0),
                                  .loss_class = TextOf(row[2]),
                                  .reason = TextOf(row[3]),
                                  .count = IntegerOf(row[4])});
      });
}

Result<Recording> Finish(store::Store& store, const std::string& programs, Recording recording,
                         const std::string& who) {
  if (recording.events.empty()) {
    return Fail(ErrorCode::kNotFound, "nothing was recorded on a terminal of {}", VisibleText(who));
  }
  RETURN_IF_ERROR(AddMarkers(store, programs, recording));
  std::ranges::stable_sort(recording.events, {}, [](const TerminalEvent& event) {
    return std::tuple(event.boot_ns, event.event_id);
  });
  RETURN_IF_ERROR(AddProcesses(store, recording));
  RETURN_IF_ERROR(AddSurroundings(store, recording));
  return recording;
}

Result<Recording> LoadTerminal(store::Store& store, const Terminal& terminal,
                               const std::string& who) {
  ASSIGN_OR_RETURN(const std::vector<IoRow> rows,
                   ReadIo(store, "object_id = $1", {terminal.object_id}));
  ASSIGN_OR_RETURN(const std::vector<StateRow> states, ReadStates(store, terminal.object_id));
  Recording recording = Combine(rows, states);
  recording.title =
      terminal.name.empty() ? fmt::format("terminal {}", terminal.object_id) : terminal.name;
  return Finish(store,
                fmt::format("SELECT DISTINCT process_id FROM io WHERE object_id = {} "
                            "AND NOT pty_master",
                            terminal.object_id),
                std::move(recording), who);
}

/// A shell without a terminal: what it and its descendants read from the object of its descriptor 0
/// and wrote to those of its descriptors 1 and 2.
Result<Recording> LoadDescriptors(store::Store& store, std::int64_t process_id,
                                  const std::string& who) {
  const std::string process = fmt::format("SELECT {}::BIGINT AS process_id", process_id);
  ASSIGN_OR_RETURN(const std::string descendants, Descendants(store, process));
  ASSIGN_OR_RETURN(
      std::vector<IoRow> rows,
      ReadIo(
          store,
          "process_id IN (" + descendants +
              ") AND ((direction = 'in' AND object_id IN "
              "(SELECT object_id FROM io AS i WHERE i.process_id = $1 AND fd = 0 AND direction = "
              "'in')) OR (direction = 'out' AND object_id IN (SELECT object_id FROM io AS o WHERE "
              "o.process_id = $1 AND fd IN (1, 2) AND direction = 'out')))",
          {process_id}));
  for (IoRow& row : rows) row.pty_master = false;
  Recording recording = Combine(rows, {});
  recording.title = fmt::format("descriptors 0, 1 and 2 of process {}", process_id);
  return Finish(store, process, std::move(recording), who);
}

}  // namespace

Result<Recording> Load(store::Store& store, const Subject& subject) {
  const Result<std::int64_t> process = store::FindProcess(store, subject.who);
  if (!process) {
    // Not a process: a terminal by its own number?
    const Result<std::vector<std::int64_t>> objects = store::FindFile(store, subject.who);
    if (process.error().code != ErrorCode::kNotFound || !objects || objects->size() != 1) {
      return tl::unexpected<Error>(process.error());
    }
    ASSIGN_OR_RETURN(const std::vector<Terminal> terminals,
                     Terminals(store, fmt::format("object_id = {}", objects->front())));
    if (terminals.empty()) return tl::unexpected<Error>(process.error());
    return LoadTerminal(store, terminals.front(), subject.who);
  }
  if (!subject.descriptors) {
    ASSIGN_OR_RETURN(const std::string descendants,
                     Descendants(store, fmt::format("SELECT {}::BIGINT", *process)));
    for (const std::string& ids : {std::to_string(*process), descendants}) {
      ASSIGN_OR_RETURN(const std::vector<Terminal> terminals,
                       Terminals(store, fmt::format("process_id IN ({})", ids)));
      if (terminals.empty()) continue;
      ASSIGN_OR_RETURN(const Terminal terminal, OnlyOne(terminals, subject.who));
      return LoadTerminal(store, terminal, subject.who);
    }
  }
  return LoadDescriptors(store, *process, subject.who);
}

}  // namespace spoor::replay
