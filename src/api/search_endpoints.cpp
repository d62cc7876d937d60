// SPDX-License-Identifier: Apache-2.0
// One field that finds everything: names, numbers, addresses.
#include <fmt/format.h>

#include <algorithm>

#include "api/endpoint.hpp"
#include "api/json.hpp"
#include "api/snapshot.hpp"
#include "base/saturating.hpp"

namespace spoor::api {
namespace {

constexpr std::size_t kTextBytesMax = 256;

/// Each gives kind, id, label, detail, wall_ns; $1 is the text in lower case as a LIKE pattern, $2
/// the text itself, $3 how many at most. Those that are it come before those that hold it.
constexpr std::string_view kHostSql = R"(
SELECT 'host' AS kind, CAST(h.host_id AS VARCHAR) AS id, h.name AS label, '' AS detail, CAST(NULL AS BIGINT) AS wall_ns
FROM host AS h WHERE lower(h.name) LIKE $1 ESCAPE '!' OR CAST(h.host_id AS VARCHAR) = $2
ORDER BY lower(h.name) <> $2, h.name LIMIT $3)";
constexpr std::string_view kProcessSql = R"(
SELECT 'process' AS kind, CAST(p.process_id AS VARCHAR) AS id,
       coalesce(p.name, '?') || '[' || p.pid || ']' AS label,
       h.name || ' ' || left(coalesce(p.command_line, p.executable, ''), 200) AS detail, p.start_wall_ns AS wall_ns
FROM process AS p JOIN host AS h ON h.host_id = p.host_id
WHERE CAST(p.pid AS VARCHAR) = $2 OR CAST(p.process_id AS VARCHAR) = $2 OR lower(p.name) LIKE $1 ESCAPE '!'
   OR lower(p.command_line) LIKE $1 ESCAPE '!' OR lower(p.executable) LIKE $1 ESCAPE '!'
ORDER BY CAST(p.pid AS VARCHAR) <> $2, lower(coalesce(p.name, '')) <> $2, p.start_wall_ns DESC NULLS LAST LIMIT $3)";
constexpr std::string_view kFileSql = R"(
SELECT 'file' AS kind, CAST(o.object_id AS VARCHAR) AS id, o.path AS label, h.name AS detail, CAST(NULL AS BIGINT) AS wall_ns
FROM object AS o JOIN host AS h ON h.host_id = o.host_id
WHERE o.type = 'file' AND (lower(o.path) LIKE $1 ESCAPE '!' OR CAST(o.object_id AS VARCHAR) = $2)
ORDER BY lower(o.path) <> $2, length(o.path), o.path LIMIT $3)";
constexpr std::string_view kAddressSql = R"(
WITH ends AS (
  SELECT f.source_ip AS ip, f.source_port AS port, f.begin_wall_ns FROM flow AS f
  UNION ALL SELECT f.destination_ip, f.destination_port, f.begin_wall_ns FROM flow AS f
)
SELECT 'address' AS kind, e.ip AS id, e.ip AS label,
       count(*) || CASE count(*) WHEN 1 THEN ' flow' ELSE ' flows' END AS detail, min(e.begin_wall_ns) AS wall_ns
FROM ends AS e
WHERE lower(e.ip) LIKE $1 ESCAPE '!' OR e.ip || ':' || coalesce(CAST(e.port AS VARCHAR), '') = $2
GROUP BY e.ip ORDER BY e.ip <> $2, count(*) DESC LIMIT $3)";

std::string PatternFor(std::string_view text) {
  std::string pattern = "%";
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '!') pattern += '!';
    pattern += c;
  }
  return pattern + "%";
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return lower;
}

bool Holds(const Json& object, std::initializer_list<const char*> names, const std::string& lower) {
  for (const char* name : names) {
    if (object.contains(name) && object[name].is_string() &&
        Lower(object[name].get_ref<const std::string&>()).find(lower) != std::string::npos) {
      return true;
    }
  }
  return false;
}

/// Typed lines.
void AddLines(const Snapshot::Replays& replays, const std::string& lower, std::int64_t share,
              Json& hits) {
  std::int64_t count = 0;
  for (const Snapshot::Replays::Told& told : replays.list) {
    for (const replay::Line& line : told.lines) {
      if (line.type != replay::EventType::kInput) continue;
      if (Lower(line.text).find(lower) == std::string::npos) continue;
      if (++count > share) return;
      hits.push_back(
          {{"kind", "line"},
           {"id", told.subject},
           {"label", Utf8(line.text)},
           {"detail", Utf8("typed on " + told.host)},
           {"wall_ns", Exact(SaturatingAdd(line.boot_ns, told.wall_shift_ns))},
           {"time_s",
            static_cast<double>(SaturatingSub(line.boot_ns, told.first_boot_ns) / 1000) / 1e6}});
    }
  }
}

Result<http::Answer> Search(const Context& context, Call& call) {
  const std::string text = Lower(call.parameters.Text("q"));
  if (text.empty() || text.size() > kTextBytesMax) {
    return Fail(ErrorCode::kInvalidArgument, "q must have 1 to {} bytes", kTextBytesMax);
  }
  ASSIGN_OR_RETURN(const std::int64_t limit, call.parameters.Within("limit", 60, 1, 500));
  // Of each kind a share, so that no kind hides another.
  const std::int64_t share = std::max<std::int64_t>(3, limit / 6);
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kPageTimeMax));
  Json hits = Json::array();
  for (const std::string_view sql : {kHostSql, kAddressSql, kProcessSql, kFileSql}) {
    ASSIGN_OR_RETURN(Json found, ReadObjects(*store, sql, {PatternFor(text), text, share}));
    for (Json& hit : found) hits.push_back(std::move(hit));
  }
  ASSIGN_OR_RETURN(const auto sessions, store.snapshot().sessions(*store));
  std::int64_t count = 0;
  for (const SessionEntry& session : sessions->list) {
    if (count == share) break;
    const bool is = session.json["session_id"] == text;
    if (!is && !Holds(session.json, {"entry_source_ip", "root_command", "user", "daemon"}, text)) {
      continue;
    }
    ++count;
    const Json& source = session.json["entry_source_ip"];
    hits.push_back(
        {{"kind", "session"},
         {"id", session.json["session_id"]},
         {"label", (source.is_string() ? source.get<std::string>() : std::string("local")) + " → " +
                       session.json["host"].get<std::string>()},
         {"detail", session.json["root_command"].is_string() ? session.json["root_command"]
                                                             : session.json["kind"]},
         {"wall_ns", session.json["begin_wall_ns"]}});
  }
  ASSIGN_OR_RETURN(const auto alerts, store.snapshot().alerts(*store));
  count = 0;
  for (const AlertEntry& alert : alerts->list) {
    if (count == share) break;
    if (!Holds(alert.json, {"alert_key", "signature", "sentence"}, text)) continue;
    ++count;
    hits.push_back({{"kind", "alert"},
                    {"id", alert.key},
                    {"label", alert.json["signature"]},
                    {"detail", alert.json["sentence"]},
                    {"wall_ns", alert.json["wall_ns"]}});
  }
  ASSIGN_OR_RETURN(const auto replays, store.snapshot().replays(*store));
  AddLines(*replays, text, share, hits);
  return JsonAnswer(Dump({{"hits", std::move(hits)}}));
}

}  // namespace

std::vector<Endpoint> SearchEndpoints() {
  return {{.method = "GET",
           .path = "/search",
           .needs = Role::kViewer,
           .parameters = {"q", "limit"},
           .answer = Search,
           .kept = true}};
}

}  // namespace spoor::api
