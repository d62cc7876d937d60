// SPDX-License-Identifier: Apache-2.0
#include "api/arrivals.hpp"

#include <filesystem>

#include "api/json.hpp"
#include "queries/library.hpp"
#include "queries/narrowing.hpp"
#include "schema/version.hpp"
#include "store/held_catalog.hpp"
#include "store/lookup.hpp"
#include "store/row.hpp"

namespace spoor::api {
namespace {

using store::IntegerOf;
using store::TextOf;
using Row = std::vector<store::Value>;

constexpr std::uint64_t kMemoryBytesMax = std::uint64_t{512} << 20;
/// Whose sessions are looked up after one catalog; the others wait for the next look.
constexpr std::size_t kProcessesAtOnce = 8;
/// What is known beyond is forgotten, and looked up again.
constexpr std::size_t kInputsKnownMax = 1'000'000;

constexpr std::string_view kTerminalSql =
    "SELECT o.object_id FROM object AS o WHERE o.type IN ('pty', 'tty')";
// As sessions.sql says which one is interactive.
constexpr std::string_view kInputSql =
    "SELECT DISTINCT e.process_id, e.object_id FROM event AS e WHERE e.kind = 'read' AND "
    "e.result >= 0 AND e.process_id IS NOT NULL AND e.object_id IS NOT NULL";

// Columns of an alert in openapi.yaml but process and is_root.
constexpr std::string_view kAlertSql = R"(
SELECT 'ids-' || a.alert_id AS alert_key, a.source, a.signature, a.priority, a.classification,
       a.wall_ns, f.host_id, h.name AS host, a.flow_id, NULL::VARCHAR AS process_id,
       NULL::VARCHAR AS process, NULL::BOOLEAN AS is_root, a.confidence::DOUBLE AS confidence,
       'just arrived: which process it is about is not worked out yet' AS reason,
       a.source || ' raised "' || a.signature || '"' AS sentence
FROM _alert_seen AS a LEFT JOIN _flow_seen AS f ON f.flow_id = a.flow_id
LEFT JOIN host AS h ON h.host_id = f.host_id ORDER BY a.wall_ns, a.alert_id)";

// Of a store that is narrowed to a process and those above it.
constexpr std::string_view kSessionSql =
    "SELECT w.session_id FROM _session_walk AS w WHERE w.process_id = $1 AND w.session_id IS NOT "
    "NULL";
constexpr std::string_view kEntrySql = R"(
SELECT s.host_id, s.remote_ip FROM _last_inbound((
  SELECT list({'key': p.process_id, 'process_id': p.parent_process_id, 'boot_ns': p.start_boot_ns})
  FROM process AS p WHERE p.process_id = $1 AND p.parent_process_id IS NOT NULL)) AS l
JOIN socket AS s ON s.object_id = l.object_id
WHERE s.family LIKE 'inet%' AND s.remote_ip <> '' AND s.remote_ip IS DISTINCT FROM s.local_ip
  AND s.remote_ip NOT LIKE '127.%' AND s.remote_ip NOT LIKE '::ffff:127.%' AND s.remote_ip <> '::1')";

// Of one that is narrowed to a session: every process below its first belongs to it.
constexpr std::string_view kMemberSql = R"(
WITH RECURSIVE member AS (
  SELECT $1::BIGINT AS process_id
  UNION
  SELECT p.process_id FROM process AS p JOIN member AS m ON m.process_id = p.parent_process_id
))";
constexpr std::string_view kDigestSql = R"(
SELECT $1::BIGINT AS session_id, r.host_id, h.name AS host, NULL::VARCHAR AS entry_source_ip,
       (SELECT count(*) FROM member AS m) AS processes,
       EXISTS (SELECT 1 FROM _root_change AS c JOIN member AS cm ON cm.process_id = c.process_id
               WHERE c.why <> 'regained') AS became_root,
       coalesce((SELECT list(x.command_line ORDER BY x.event_id)[:8] FROM exec AS x
                 JOIN member AS xm ON xm.process_id = x.process_id WHERE x.result = 0), []) AS commands
FROM process AS r JOIN host AS h ON h.host_id = r.host_id WHERE r.process_id = $1)";

Result<store::HeldCatalog> HoldReadable(const StoreLayout& layout) {
  ASSIGN_OR_RETURN(store::HeldCatalog held, store::HoldCatalog(layout));
  if (held.catalog.schema_version != schema::kSchemaVersion) {
    return tl::unexpected<Error>(store::EarlierSchema(layout, held.catalog));
  }
  return held;
}

Result<> NarrowTo(store::Store& store, std::string_view word, const std::string& parameter,
                  std::int64_t id, const std::set<std::string>& reach) {
  return queries::NarrowTo(store, word, {{parameter, std::to_string(id)}}, reach,
                           /*sessions=*/true);
}

/// The session of a process; nothing: it is of none. Leaves the store narrowed to the process and
/// those above it.
Result<std::optional<std::int64_t>> SessionOf(store::Store& store, std::int64_t process_id) {
  RETURN_IF_ERROR(NarrowTo(store, "line", "process", process_id,
                           {"process", "event", "exec", "object", "socket"}));
  ASSIGN_OR_RETURN(const std::vector<std::int64_t> found,
                   store::ReadIntegers(store, kSessionSql, {process_id}));
  return found.empty() ? std::nullopt : std::optional(found.front());
}

/// The address of another machine that a session came in from; empty: from none, or through a
/// process of its own host, which is looked through by whoever asks everything. Of a store that is
/// narrowed as SessionOf leaves it.
Result<std::string> SourceOf(store::Store& store, std::int64_t session_id) {
  std::string source_ip;
  std::int64_t host_id = 0;
  RETURN_IF_ERROR(store::ForEachRow(store, kEntrySql, {session_id}, [&](const Row& row) {
    host_id = IntegerOf(row[0]).value_or(0);
    source_ip = TextOf(row[1]);
  }));
  if (source_ip.empty()) return source_ip;
  RETURN_IF_ERROR(store.Widen());
  RETURN_IF_ERROR(store.Narrow("socket", "local_ip", {source_ip}));
  ASSIGN_OR_RETURN(
      const std::vector<std::int64_t> own,
      store::ReadIntegers(store,
                          "SELECT s.object_id FROM socket AS s WHERE s.local_ip = $1 AND "
                          "s.host_id = $2 LIMIT 1",
                          {source_ip, host_id}));
  return own.empty() ? source_ip : std::string();
}

/// What a session did until now, as openapi.yaml describes it, without the address.
Result<Json> DigestOf(store::Store& store, std::int64_t session_id) {
  RETURN_IF_ERROR(store.Widen());
  RETURN_IF_ERROR(
      NarrowTo(store, "tree", "session", session_id, {"process", "exec", "credential_change"}));
  return ReadObject(store, std::string(kMemberSql) + std::string(kDigestSql), {session_id});
}

}  // namespace

Arrivals::Arrivals(StoreLayout layout) : layout_(std::move(layout)) {
  const Result<store::Catalog> catalog = store::LoadCatalog(layout_);
  if (!catalog) return;  // none, or one that whoever asks is told of
  generation_ = catalog->generation;
  for (const store::Segment& segment : catalog->segments) seen_.insert(segment.file);
}

Result<> Arrivals::Look(EventHub& hub) {
  Result<store::HeldCatalog> held = HoldReadable(layout_);
  if (!held && held.error().code == ErrorCode::kNotFound) return {};  // nothing was ingested yet
  if (!held) return tl::unexpected<Error>(held.error());
  if (held->catalog.generation != generation_) RETURN_IF_ERROR(LookAtNew(*held, hub));
  // A snapshot that has them tells them faster than one look-up after the other.
  if (hub.compared_generation() >= found_generation_) waiting_.clear();
  if (waiting_.empty()) return {};
  ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> store, OpenAll(*std::move(held)));
  return TellInputs(*store, hub);
}

Result<> Arrivals::LookAtNew(const store::HeldCatalog& held, EventHub& hub) {
  store::ShownSegments fresh{
      .layout = {std::filesystem::absolute(layout_.root)}, .segments = {}, .hold = held.hold};
  std::set<std::string> all;
  for (const store::Segment& segment : held.catalog.segments) {
    all.insert(segment.file);
    if (!seen_.contains(segment.file)) fresh.segments.push_back(segment);
  }
  if (!terminals_read_) {
    ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> store, OpenAll(held));
    RETURN_IF_ERROR(ReadTerminals(*store));
    terminals_read_ = true;
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<store::Store> store,
                   store::OpenSegments(fresh, {.memory_bytes_max = kMemoryBytesMax}));
  RETURN_IF_ERROR(TellAlerts(*store, hub, held.catalog.generation));
  RETURN_IF_ERROR(ReadTerminals(*store));
  RETURN_IF_ERROR(FindInputs(*store, held.catalog.generation));
  seen_ = std::move(all);
  generation_ = held.catalog.generation;
  return {};
}

Result<std::unique_ptr<store::Store>> Arrivals::OpenAll(store::HeldCatalog held) const {
  ASSIGN_OR_RETURN(
      std::unique_ptr<store::Store> store,
      store::OpenStoreBy(layout_, std::move(held), {.memory_bytes_max = kMemoryBytesMax}));
  ASSIGN_OR_RETURN(const queries::Library library, queries::Library::Load({}));
  RETURN_IF_ERROR(library.Define(*store));
  return store;
}

Result<> Arrivals::TellAlerts(store::Store& fresh, EventHub& hub, std::uint64_t generation) {
  ASSIGN_OR_RETURN(const Json alerts, ReadObjects(fresh, kAlertSql));
  for (const Json& alert : alerts) {
    hub.TellAlert(alert["alert_key"].get<std::string>(), alert, generation);
  }
  return {};
}

Result<> Arrivals::ReadTerminals(store::Store& store) {
  ASSIGN_OR_RETURN(const std::vector<std::int64_t> terminals,
                   store::ReadIntegers(store, kTerminalSql, {}));
  terminals_.insert(terminals.begin(), terminals.end());
  return {};
}

Result<> Arrivals::FindInputs(store::Store& fresh, std::uint64_t generation) {
  if (known_inputs_.size() > kInputsKnownMax) known_inputs_.clear();
  ASSIGN_OR_RETURN(const std::unique_ptr<store::RowReader> reader, fresh.Sql(kInputSql));
  std::vector<std::vector<std::int64_t>> columns;
  for (;;) {
    ASSIGN_OR_RETURN(const std::size_t count, reader->NextIntegers(columns));
    if (count == 0) return {};
    for (std::size_t i = 0; i < count; ++i) {
      const Input input{.process_id = columns[0][i], .object_id = columns[1][i]};
      if (!terminals_.contains(input.object_id)) continue;
      if (!known_inputs_.insert(input).second) continue;
      waiting_.push_back(input.process_id);
      found_generation_ = generation;
    }
  }
}

Result<> Arrivals::TellInputs(store::Store& store, EventHub& hub) {
  for (std::size_t i = 0; i < kProcessesAtOnce && !waiting_.empty(); ++i) {
    const std::int64_t process_id = waiting_.front();
    // One that fails would fail again; the next snapshot tells it.
    waiting_.pop_front();
    const store::Narrowed narrowed(store);
    ASSIGN_OR_RETURN(const std::optional<std::int64_t> session_id, SessionOf(store, process_id));
    if (!session_id || hub.KnowsInputOf(*session_id)) continue;
    ASSIGN_OR_RETURN(const std::string source_ip, SourceOf(store, *session_id));
    ASSIGN_OR_RETURN(Json input, DigestOf(store, *session_id));
    input["entry_source_ip"] = TextOrNull(source_ip);
    hub.TellFirstInput(*session_id, input, generation_);
  }
  return {};
}

}  // namespace spoor::api
