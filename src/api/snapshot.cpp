// SPDX-License-Identifier: Apache-2.0
#include "api/snapshot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "api/parameters.hpp"
#include "causal_index/open_index.hpp"
#include "queries/library.hpp"
#include "store/row.hpp"
#include "store/table_sql.hpp"

namespace spoor::api {
namespace {

using store::IntegerOf;
using store::TextOf;
using Row = std::vector<store::Value>;

constexpr std::size_t kCommandsMax = 8;
constexpr std::size_t kReplaysMax = 500;
constexpr std::size_t kReplayBytesMax = 64 << 20;

// Each on its own: put together in one statement, the questions that they read are expanded again
// and again, and what is done in tenths of a second takes all the memory there is.
constexpr std::string_view kSessionSql = R"(
SELECT s.session_id, p.host_id, h.name AS host, s.kind, s.root_process_id, s.root_command,
       s.daemon_process_id, s.daemon, s.uid, CASE WHEN s.uid = 0 THEN 'root' END AS "user",
       s.entry_flow_id, s.entry_process_id, s.entry_source_ip, s.entry_source_port,
       s.entry_destination_port, s.begin_wall_ns, s.end_wall_ns, s.shell, s.interactive, s.processes
FROM sessions AS s
JOIN process AS p ON p.process_id = s.session_id
JOIN host AS h ON h.host_id = p.host_id
ORDER BY s.begin_wall_ns NULLS FIRST, s.session_id)";
constexpr std::string_view kRisenSql = R"(
SELECT DISTINCT t.session_id FROM root_transitions AS t
WHERE t.cause <> 'regained' AND t.session_id IS NOT NULL)";
constexpr std::string_view kCapturedSql =
    "SELECT DISTINCT i.process_id FROM io AS i WHERE i.data IS NOT NULL";
constexpr std::string_view kCommandSql =
    "SELECT x.process_id, x.command_line FROM exec AS x WHERE x.result = 0 ORDER BY x.event_id";
constexpr std::string_view kSuspectSql =
    "SELECT g.session_id, g.score, g.reasons FROM suspicious_sessions AS g";

// Alerts of others, and what Spoor's own questions find. Each gives alert_key, source, signature,
// priority, classification, wall_ns, host_id, flow_id, process_id, confidence, reason, sentence,
// session_id.
constexpr std::array<std::string_view, 5> kAlertSql{R"(
SELECT 'ids-' || a.alert_id AS alert_key, a.source, a.signature, a.priority, a.classification,
       a.wall_ns, f.host_id, a.flow_id, a.process_id, a.confidence::DOUBLE AS confidence, a.reason,
       a.source || ' raised "' || a.signature || '"' AS sentence, NULL::BIGINT AS session_id
FROM alert AS a LEFT JOIN flow AS f ON f.flow_id = a.flow_id)",
                                                    R"(
SELECT 'root_transitions-' || t.event_id AS alert_key, 'spoor' AS source, 'A process became root' AS signature,
       CASE WHEN t.cause = 'unexplained' THEN 1 ELSE 2 END::BIGINT AS priority, t.cause AS classification,
       t.wall_ns, NULL::BIGINT AS host_id, NULL::BIGINT AS flow_id, t.process_id, 1.0::DOUBLE AS confidence,
       'of the process itself' AS reason,
       'pid ' || coalesce(t.pid::VARCHAR, '?') || ' became root: it ' || t.explanation AS sentence, t.session_id
FROM root_transitions AS t WHERE t.cause <> 'regained')",
                                                    R"(
SELECT 'shells_from_daemons-' || d.session_id AS alert_key, 'spoor' AS source,
       'A daemon that lets nobody log in ran a shell' AS signature,
       CASE WHEN d.kind = 'scheduled' THEN 4 ELSE 2 END::BIGINT AS priority, d.kind AS classification, d.wall_ns,
       NULL::BIGINT AS host_id, NULL::BIGINT AS flow_id, d.process_id, 1.0::DOUBLE AS confidence,
       'of the process itself' AS reason,
       coalesce(d.daemon, 'a daemon') || ' executed ' || d.command_line
         || coalesce(' after ' || d.entry_source_ip || ' had connected', '') AS sentence, d.session_id
FROM shells_from_daemons AS d)",
                                                    R"(
SELECT 'suspicious_sessions-' || g.session_id AS alert_key, 'spoor' AS source,
       'A session looks like a break-in' AS signature,
       CASE WHEN g.score >= 8 THEN 1 WHEN g.score >= 4 THEN 2 ELSE 3 END::BIGINT AS priority,
       'score ' || g.score AS classification, g.begin_wall_ns AS wall_ns, NULL::BIGINT AS host_id,
       NULL::BIGINT AS flow_id, g.session_id AS process_id, 1.0::DOUBLE AS confidence,
       'of the session itself' AS reason, array_to_string(g.reasons, '; ') AS sentence, g.session_id
FROM suspicious_sessions AS g WHERE g.begin_wall_ns IS NOT NULL)",
                                                    R"(
SELECT 'persistence-' || coalesce(q.object_id, (hash(q.path) >> 1)::BIGINT) AS alert_key, 'spoor' AS source,
       'Something that runs or lets in later was changed' AS signature, 3::BIGINT AS priority,
       q.means AS classification, q.first_wall_ns AS wall_ns, NULL::BIGINT AS host_id, NULL::BIGINT AS flow_id,
       e.process_id, 1.0::DOUBLE AS confidence, 'the first to name this path in a change' AS reason,
       q.path || ' (' || q.means || ') was '
         || CASE WHEN q.created THEN 'created' WHEN q.written THEN 'written' ELSE 'renamed' END AS sentence,
       NULL::BIGINT AS session_id
FROM persistence() AS q LEFT JOIN (
  SELECT v.path, arg_min(v.process_id, v.event_id) AS process_id FROM event AS v
  WHERE v.result >= 0 AND NOT v.baseline AND (v.kind IN ('rename', 'write', 'truncate', 'link')
        OR (v.kind = 'open' AND (coalesce(v.flags, 0) & 3) <> 0))
  GROUP BY v.path) AS e ON e.path = q.path)"};

Json ObjectOf(const std::vector<store::Column>& columns, const Row& row) {
  Json object = Json::object();
  for (std::size_t i = 0; i < row.size(); ++i) {
    object[columns[i].name] = CellJson(columns[i].name, row[i]);
  }
  return object;
}

Result<std::shared_ptr<const Snapshot::Sessions>> ReadSessions(store::Store& store) {
  auto sessions = std::make_shared<Snapshot::Sessions>();
  RETURN_IF_ERROR(
      store::ForEachRow(store, "SELECT h.host_id, h.name FROM host AS h", {}, [&](const Row& row) {
        sessions->host_names[IntegerOf(row[0]).value_or(0)] = TextOf(row[1]);
      }));
  RETURN_IF_ERROR(store::ForEachRow(
      store,
      "SELECT w.process_id, w.session_id FROM _session_walk AS w WHERE w.session_id IS NOT NULL",
      {}, [&](const Row& row) {
        sessions->of_process[IntegerOf(row[0]).value_or(0)] = IntegerOf(row[1]).value_or(0);
      }));
  std::set<std::int64_t> risen, captured;
  RETURN_IF_ERROR(store::ForEachRow(
      store, kRisenSql, {}, [&](const Row& row) { risen.insert(IntegerOf(row[0]).value_or(0)); }));
  const auto session_of = [&](const store::Value& process_id) {
    return sessions->Of(IntegerOf(process_id).value_or(0));
  };
  RETURN_IF_ERROR(store::ForEachRow(store, kCapturedSql, {}, [&](const Row& row) {
    if (const std::optional<std::int64_t> session = session_of(row[0])) captured.insert(*session);
  }));
  std::map<std::int64_t, Json> commands;
  RETURN_IF_ERROR(store::ForEachRow(store, kCommandSql, {}, [&](const Row& row) {
    const std::optional<std::int64_t> session = session_of(row[0]);
    if (!session) return;
    Json& lines = commands[*session];
    if (lines.size() < kCommandsMax) lines.push_back(TextOf(row[1]));
  }));
  std::map<std::int64_t, std::pair<Json, Json>> suspects;  // score, reasons
  RETURN_IF_ERROR(store::ForEachRow(store, kSuspectSql, {}, [&](const Row& row) {
    suspects[IntegerOf(row[0]).value_or(0)] = {CellJson("score", row[1]),
                                               CellJson("reasons", row[2])};
  }));
  ASSIGN_OR_RETURN(const std::unique_ptr<store::RowReader> reader, store.Sql(kSessionSql));
  Row row;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, reader->Next(row));
    if (!more) break;
    SessionEntry entry{.session_id = IntegerOf(row[0]).value_or(0),
                       .host_id = IntegerOf(row[1]).value_or(0),
                       .begin_wall_ns = IntegerOf(row[15]).value_or(INT64_MIN),
                       .end_wall_ns = IntegerOf(row[16]).value_or(INT64_MAX),
                       .json = ObjectOf(reader->columns(), row)};
    const auto lines = commands.find(entry.session_id);
    const auto suspect = suspects.find(entry.session_id);
    entry.json["commands"] = lines == commands.end() ? Json::array() : lines->second;
    entry.json["typed_lines"] = nullptr;
    entry.json["became_root"] = risen.contains(entry.session_id);
    entry.json["score"] = suspect == suspects.end() ? Json() : suspect->second.first;
    entry.json["reasons"] = suspect == suspects.end() ? Json::array() : suspect->second.second;
    entry.json["has_replay"] = captured.contains(entry.session_id);
    sessions->by_id[entry.session_id] = sessions->list.size();
    sessions->list.push_back(std::move(entry));
  }
  return sessions;
}

Result<std::shared_ptr<const Snapshot::Alerts>> ReadAlerts(store::Store& store,
                                                           const Snapshot::Sessions& sessions) {
  auto alerts = std::make_shared<Snapshot::Alerts>();
  std::set<std::int64_t> process_ids;
  for (const std::string_view sql : kAlertSql) {
    ASSIGN_OR_RETURN(const std::unique_ptr<store::RowReader> reader, store.Sql(sql));
    Row row;
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, reader->Next(row));
      if (!more) break;
      AlertEntry entry{.key = TextOf(row[0]),
                       .wall_ns = IntegerOf(row[5]).value_or(0),
                       .host_id = IntegerOf(row[6]),
                       .flow_id = IntegerOf(row[7]),
                       .process_id = IntegerOf(row[8]),
                       .json = ObjectOf(reader->columns(), row)};
      const std::optional<std::int64_t> session_id = IntegerOf(row[12]);
      entry.json.erase("session_id");
      const SessionEntry* session = session_id ? sessions.Find(*session_id) : nullptr;
      if (session != nullptr && !entry.flow_id) {
        entry.json["flow_id"] = session->json["entry_flow_id"];
        if (entry.json["flow_id"].is_string()) {
          entry.flow_id = WholeNumber(entry.json["flow_id"].get<std::string>());
        }
      }
      if (entry.process_id) process_ids.insert(*entry.process_id);
      alerts->list.push_back(std::move(entry));
    }
  }
  struct Who {
    std::int64_t host_id = 0;
    Json name, is_root;
  };
  std::map<std::int64_t, Who> who;
  if (!process_ids.empty()) {
    RETURN_IF_ERROR(store::ForEachRow(
        store,
        fmt::format("SELECT p.process_id, p.host_id, p.name || '[' || p.pid || ']', p.euid = 0 "
                    "FROM process AS p WHERE p.process_id IN ({})",
                    fmt::join(process_ids, ", ")),
        {}, [&](const Row& row) {
          who[IntegerOf(row[0]).value_or(0)] = {.host_id = IntegerOf(row[1]).value_or(0),
                                                .name = CellJson("process", row[2]),
                                                .is_root = CellJson("is_root", row[3])};
        }));
  }
  std::ranges::sort(alerts->list, [](const AlertEntry& one, const AlertEntry& other) {
    return std::tie(other.wall_ns, one.key) < std::tie(one.wall_ns, other.key);
  });
  for (std::size_t place = 0; place < alerts->list.size(); ++place) {
    AlertEntry& entry = alerts->list[place];
    const auto process = entry.process_id ? who.find(*entry.process_id) : who.end();
    if (process != who.end() && !entry.host_id) entry.host_id = process->second.host_id;
    entry.json["host_id"] = Exact(entry.host_id);
    entry.json["host"] = entry.host_id ? TextOrNull(sessions.HostName(*entry.host_id)) : Json();
    entry.json["process"] = process == who.end() ? Json() : process->second.name;
    entry.json["is_root"] = process == who.end() ? Json() : process->second.is_root;
    alerts->by_key[entry.key] = place;
    if (entry.flow_id) alerts->by_flow.emplace(*entry.flow_id, place);
    if (entry.process_id) alerts->by_process.emplace(*entry.process_id, place);
  }
  return alerts;
}

/// The terminal of a session, or each of its terminals.
Result<std::map<std::string, replay::Recording>> RecordingsOf(store::Store& store,
                                                              std::int64_t session_id) {
  std::map<std::string, replay::Recording> recordings;
  Result<replay::Recording> one =
      replay::Load(store, {.who = std::to_string(session_id), .descriptors = false});
  if (one) {
    recordings[std::to_string(session_id)] = *std::move(one);
    return recordings;
  }
  if (one.error().code == ErrorCode::kNotFound) return recordings;
  if (one.error().code != ErrorCode::kInvalidArgument) {
    return tl::unexpected<Error>(std::move(one).error());
  }
  std::vector<std::string> terminals;
  RETURN_IF_ERROR(store::ForEachRow(
      store, fmt::format("SELECT t.object_id FROM terminals(session := {}) AS t", session_id), {},
      [&](const Row& row) { terminals.push_back(std::to_string(IntegerOf(row[0]).value_or(0))); }));
  for (const std::string& terminal : terminals) {
    one = replay::Load(store, {.who = terminal, .descriptors = false});
    if (one) {
      recordings[terminal] = *std::move(one);
    } else if (one.error().code != ErrorCode::kNotFound) {
      return tl::unexpected<Error>(std::move(one).error());
    }
  }
  return recordings;
}

Result<std::shared_ptr<const Snapshot::Replays>> ReadReplays(store::Store& store,
                                                             const Snapshot::Sessions& sessions) {
  auto replays = std::make_shared<Snapshot::Replays>();
  std::size_t bytes = 0;
  for (const SessionEntry& session : sessions.list) {
    if (!session.json["has_replay"].get<bool>()) continue;
    if (replays->list.size() >= kReplaysMax || bytes >= kReplayBytesMax) {
      replays->truncated = true;
      break;
    }
    ASSIGN_OR_RETURN(const auto recordings, RecordingsOf(store, session.session_id));
    for (const auto& [subject, recording] : recordings) {
      if (recording.events.empty()) continue;
      Snapshot::Replays::Told told{.subject = subject,
                                   .host = recording.host,
                                   .first_boot_ns = recording.events.front().boot_ns,
                                   .wall_shift_ns = recording.wall_shift_ns,
                                   .processes = {},
                                   .lines = replay::LinesOf(recording)};
      for (const auto& [process_id, process] : recording.processes) {
        told.processes[process_id] = fmt::format("{}[{}]", process.name, process.pid);
      }
      for (const replay::Line& line : told.lines) bytes += line.text.size() + sizeof(line);
      replays->list.push_back(std::move(told));
    }
  }
  return replays;
}

/// In the order of the list.
Json Listed(const std::vector<AlertEntry>& list,
            const std::unordered_multimap<std::int64_t, std::size_t>& by, std::int64_t id) {
  std::vector<std::size_t> places;
  const auto [first, last] = by.equal_range(id);
  for (auto one = first; one != last; ++one) places.push_back(one->second);
  std::ranges::sort(places);
  Json found = Json::array();
  for (const std::size_t place : places) found.push_back(list[place].json);
  return found;
}

}  // namespace

const SessionEntry* Snapshot::Sessions::Find(std::int64_t session_id) const {
  const auto found = by_id.find(session_id);
  return found == by_id.end() ? nullptr : &list[found->second];
}

std::optional<std::int64_t> Snapshot::Sessions::Of(std::int64_t process_id) const {
  const auto found = of_process.find(process_id);
  return found == of_process.end() ? std::nullopt : std::optional(found->second);
}

std::string Snapshot::Sessions::HostName(std::int64_t host_id) const {
  const auto found = host_names.find(host_id);
  return found == host_names.end() ? std::string() : found->second;
}

const AlertEntry* Snapshot::Alerts::Find(const std::string& key) const {
  const auto found = by_key.find(key);
  return found == by_key.end() ? nullptr : &list[found->second];
}

Json Snapshot::Alerts::OfFlow(std::int64_t flow_id) const {
  return Listed(list, by_flow, flow_id);
}

Json Snapshot::Alerts::OfProcess(std::int64_t process_id) const {
  return Listed(list, by_process, process_id);
}

Result<std::shared_ptr<const Snapshot::Sessions>> Snapshot::sessions(store::Store& store) {
  const std::scoped_lock lock(mutex_);
  if (sessions_ == nullptr) {
    ASSIGN_OR_RETURN(sessions_, ReadSessions(store));
  }
  return sessions_;
}

Result<std::shared_ptr<const Snapshot::Alerts>> Snapshot::alerts(store::Store& store) {
  ASSIGN_OR_RETURN(const auto known, sessions(store));
  const std::scoped_lock lock(mutex_);
  if (alerts_ == nullptr) {
    ASSIGN_OR_RETURN(alerts_, ReadAlerts(store, *known));
  }
  return alerts_;
}

Result<std::shared_ptr<const Snapshot::Replays>> Snapshot::replays(store::Store& store) {
  ASSIGN_OR_RETURN(const auto known, sessions(store));
  const std::scoped_lock lock(replays_mutex_);
  if (replays_ == nullptr) {
    ASSIGN_OR_RETURN(replays_, ReadReplays(store, *known));
  }
  return replays_;
}

Result<std::shared_ptr<const causal_index::Index>> Snapshot::causal_index(store::Store& store) {
  const std::scoped_lock lock(mutex_);
  if (causal_index_ == nullptr || causal_index_->damaged()) {
    ASSIGN_OR_RETURN(causal_index_,
                     causal_index::OpenIndex(store, {.anew = causal_index_ != nullptr}));
  }
  return causal_index_;
}

Result<> KeepViews(store::Store& store) {
  RETURN_IF_ERROR(store.Keep(store::CostlyJoins()));
  ASSIGN_OR_RETURN(const queries::Library library, queries::Library::Load({}));
  return store.Keep(library.WholeStoreViews());
}

}  // namespace spoor::api
