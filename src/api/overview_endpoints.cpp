// SPDX-License-Identifier: Apache-2.0
// The coverage strip, the overview with its three windows, a host, and the stream of what comes.
#include <fmt/format.h>

#include <chrono>

#include "api/endpoint.hpp"
#include "api/event_hub.hpp"
#include "api/evidence_state.hpp"
#include "api/filter.hpp"
#include "api/json.hpp"
#include "api/snapshot.hpp"
#include "base/saturating.hpp"

namespace spoor::api {
namespace {

constexpr std::int64_t kHourNs = 3'600'000'000'000;
constexpr std::array kWindowsNs{kHourNs, 24 * kHourNs, 14 * 24 * kHourNs};
constexpr std::chrono::milliseconds kStreamStep{200};
constexpr int kStepsToHeartbeat = 50;

// A recording speaks until its close, or until the last that was stored of it. Columns of
// openapi.yaml, and host_id.
constexpr std::string_view kRecordingSql = R"(
SELECT r.host_id, r.recording_id, r.kind, r.begin_wall_ns,
       CASE WHEN r.kind = 'import' THEN NULL ELSE coalesce(r.end_wall_ns, b.last_wall_ns) END AS end_wall_ns,
       r.closed, r.profile
FROM recording AS r LEFT JOIN (
  SELECT e.recording_id, max(e.wall_ns) AS last_wall_ns FROM evidence_batch AS e GROUP BY e.recording_id
) AS b ON b.recording_id = r.recording_id
ORDER BY r.begin_wall_ns, r.recording_id)";

// What was imported speaks of the time of its records, not of the import.
constexpr std::string_view kHostSpanSql = R"(
SELECT e.host_id, min(e.wall_ns) AS first_wall_ns, max(e.wall_ns) AS last_wall_ns
FROM event AS e WHERE NOT e.baseline GROUP BY e.host_id)";

constexpr std::string_view kAddressSql = R"(
SELECT DISTINCT s.host_id, s.local_ip AS address FROM socket AS s
WHERE s.local_ip <> '' AND s.local_ip NOT IN ('0.0.0.0', '::', '::1', '::ffff:0.0.0.0')
  AND s.local_ip NOT LIKE '127.%' ORDER BY s.host_id, address)";

bool Overlaps(const Json& item, std::string_view begin, std::string_view end,
              std::optional<std::int64_t> from, std::optional<std::int64_t> until) {
  const auto number = [&](std::string_view name, std::int64_t otherwise) {
    const Json& value = item[std::string(name)];
    return value.is_string() ? WholeNumber(value.get<std::string>()).value_or(otherwise)
                             : otherwise;
  };
  return number(end, INT64_MAX) >= from.value_or(INT64_MIN) &&
         number(begin, INT64_MIN) < until.value_or(INT64_MAX);
}

/// The recordings of each host. An import is given the span of what it is about.
Result<std::map<std::string, Json>> RecordingsByHost(store::Store& store) {
  ASSIGN_OR_RETURN(const Json recordings, ReadObjects(store, kRecordingSql));
  ASSIGN_OR_RETURN(const Json spans, ReadObjects(store, kHostSpanSql));
  std::map<std::string, Json> by_host;
  std::map<std::string, Json> span_of;
  for (const Json& span : spans) span_of[span["host_id"].get<std::string>()] = span;
  std::map<std::string, Json> import_of;
  for (Json recording : recordings) {
    const bool import = recording["kind"] == "import";
    const Json host = recording["host_id"];
    recording.erase("host_id");
    if (!host.is_string()) continue;
    if (import) {
      import_of[host.get<std::string>()] = recording;
      continue;
    }
    by_host[host.get<std::string>()].push_back(std::move(recording));
  }
  for (const auto& [host_id, span] : span_of) {
    Json& list = by_host[host_id];
    if (!list.is_null()) continue;
    // A file may be about several hosts, and its recording names the first.
    Json recording{{"recording_id", ""}, {"kind", "import"}};
    if (const auto own = import_of.find(host_id); own != import_of.end()) recording = own->second;
    recording["kind"] = "import";
    recording["begin_wall_ns"] = span["first_wall_ns"];
    recording["end_wall_ns"] = span["last_wall_ns"];
    recording["closed"] = true;
    if (!recording.contains("profile")) recording["profile"] = nullptr;
    list.push_back(std::move(recording));
  }
  return by_host;
}

Result<Json> GapsIn(store::Store& store) {
  ASSIGN_OR_RETURN(Json gaps, ReadObjects(store, kGapSql));
  return gaps;
}

/// Those of `items` that overlap the span.
Json Within(const Json& items, std::string_view begin, std::string_view end,
            std::optional<std::int64_t> from, std::optional<std::int64_t> until) {
  Json within = Json::array();
  if (!items.is_array()) return within;
  for (const Json& item : items) {
    if (Overlaps(item, begin, end, from, until)) within.push_back(item);
  }
  return within;
}

/// The gaps of one host, and those that are of no host in particular.
Json GapsOf(const Json& gaps, const std::string& host_id) {
  Json own = Json::array();
  for (Json gap : gaps) {
    if (gap["host_id"].is_string() && gap["host_id"] != host_id) continue;
    gap.erase("recording_id");
    own.push_back(std::move(gap));
  }
  return own;
}

Result<http::Answer> Coverage(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const auto from, call.parameters.Integer("from_wall_ns"));
  ASSIGN_OR_RETURN(const auto until, call.parameters.Integer("until_wall_ns"));
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kPageTimeMax));
  ASSIGN_OR_RETURN(Json coverage, ReadObject(*store, kSpanSql));
  ASSIGN_OR_RETURN(const auto recordings, RecordingsByHost(*store));
  ASSIGN_OR_RETURN(const Json gaps, GapsIn(*store));
  ASSIGN_OR_RETURN(coverage["hosts"],
                   ReadObjects(*store, "SELECT h.host_id, h.name FROM host AS h ORDER BY h.name"));
  for (Json& host : coverage["hosts"]) {
    const std::string host_id = host["host_id"].get<std::string>();
    const auto own = recordings.find(host_id);
    host["recordings"] = Within(own == recordings.end() ? Json::array() : own->second,
                                "begin_wall_ns", "end_wall_ns", from, until);
    host["gaps"] = Within(GapsOf(gaps, host_id), "from_wall_ns", "until_wall_ns", from, until);
  }
  return JsonAnswer(Dump(coverage));
}

/// How much of a span was recorded: whole, part, none.
std::string_view RecordedOf(const Json& recordings, const Json& gaps, std::int64_t from,
                            std::int64_t until) {
  const Json within = Within(recordings, "begin_wall_ns", "end_wall_ns", from, until);
  if (within.empty()) return "none";
  for (const Json& gap : Within(gaps, "from_wall_ns", "until_wall_ns", from, until)) {
    if (gap["loss_class"] != "payload") return "part";
  }
  std::int64_t covered_until = from;
  for (const Json& recording : within) {
    const std::int64_t begin =
        WholeNumber(recording["begin_wall_ns"].get<std::string>()).value_or(0);
    if (begin > covered_until) return "part";
    const Json& end = recording["end_wall_ns"];
    covered_until =
        std::max(covered_until,
                 end.is_string() ? WholeNumber(end.get<std::string>()).value_or(0) : INT64_MAX);
  }
  return covered_until >= until ? "whole" : "part";
}

// Of each host and direction: conversations, from the three moments on.
constexpr std::string_view kWindowSql = R"(
WITH seen AS (
  SELECT DISTINCT f.host_id, coalesce(f.connection_id, f.flow_id) AS connection_id, f.direction,
         min(f.begin_wall_ns) OVER (PARTITION BY f.host_id, coalesce(f.connection_id, f.flow_id)) AS begin_wall_ns
  FROM flow AS f
)
SELECT s.host_id, s.direction, count(*) FILTER (WHERE s.begin_wall_ns >= $2) AS flows_0,
       count(*) FILTER (WHERE s.begin_wall_ns >= $3) AS flows_1,
       count(*) FILTER (WHERE s.begin_wall_ns >= $4) AS flows_2
FROM seen AS s WHERE s.begin_wall_ns < $1 GROUP BY s.host_id, s.direction)";

Result<http::Answer> Overview(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const auto asked_until, call.parameters.Integer("until_wall_ns"));
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kPageTimeMax));
  ASSIGN_OR_RETURN(const Json span, ReadObject(*store, kSpanSql));
  std::optional<std::int64_t> until = asked_until;
  // The window is up to, and not with, its end.
  if (!until && span["last_wall_ns"].is_string()) {
    until = WholeNumber(span["last_wall_ns"].get<std::string>()).value_or(0) + 1;
  }
  ASSIGN_OR_RETURN(const auto recordings, RecordingsByHost(*store));
  ASSIGN_OR_RETURN(const Json gaps, GapsIn(*store));
  ASSIGN_OR_RETURN(const Json addresses, ReadObjects(*store, kAddressSql));
  ASSIGN_OR_RETURN(const auto alerts, store.snapshot().alerts(*store));
  ASSIGN_OR_RETURN(const Json directions,
                   ReadObjects(*store,
                               "SELECT f.flow_id, f.direction FROM flow AS f WHERE "
                               "f.flow_id IN (SELECT a.flow_id FROM alert AS a)"));
  std::map<std::string, std::string> direction_of;
  for (const Json& flow : directions) {
    if (flow["direction"].is_string()) {
      direction_of[flow["flow_id"].get<std::string>()] = flow["direction"].get<std::string>();
    }
  }
  ASSIGN_OR_RETURN(Json hosts,
                   ReadObjects(*store, "SELECT h.host_id, h.name FROM host AS h ORDER BY h.name"));
  Json counts = Json::array();
  if (until) {
    ASSIGN_OR_RETURN(counts, ReadObjects(*store, kWindowSql,
                                         {*until, SaturatingSub(*until, kWindowsNs[0]),
                                          SaturatingSub(*until, kWindowsNs[1]),
                                          SaturatingSub(*until, kWindowsNs[2])}));
  }
  for (Json& host : hosts) {
    const std::string host_id = host["host_id"].get<std::string>();
    host["addresses"] = Json::array();
    for (const Json& address : addresses) {
      if (address["host_id"] == host_id) host["addresses"].push_back(address["address"]);
    }
    const auto own = recordings.find(host_id);
    const Json& own_recordings = own == recordings.end() ? Json::array() : own->second;
    const Json own_gaps = GapsOf(gaps, host_id);
    bool sensor = false;
    Json last_seen;
    for (const Json& recording : own_recordings) {
      if (recording["kind"] == "import") continue;
      sensor = true;
      last_seen = recording["end_wall_ns"];
    }
    host["has_sensor"] = sensor;
    host["last_seen_wall_ns"] = last_seen;
    std::int64_t lost = 0;
    bool counted = true;
    for (const Json& gap : own_gaps) {
      if (gap["count"].is_number()) {
        lost += gap["count"].get<std::int64_t>();
      } else if (gap["loss_class"] != "end") {
        counted = false;
      }
    }
    host["lost_records"] = counted ? Json(lost) : Json();
    host["clock"] = nullptr;
    host["windows"] = Json::array();
    for (std::size_t i = 0; until && i < kWindowsNs.size(); ++i) {
      const std::int64_t from = SaturatingSub(*until, kWindowsNs[i]);
      std::map<std::string, std::pair<std::int64_t, std::int64_t>> in_out;
      for (const Json& count : counts) {
        if (count["host_id"] == host_id && count["direction"].is_string()) {
          in_out[count["direction"].get<std::string>()].first =
              count[fmt::format("flows_{}", i)].get<std::int64_t>();
        }
      }
      for (const AlertEntry& alert : alerts->list) {
        if (alert.wall_ns < from || alert.wall_ns >= *until) continue;
        if (!alert.host_id || std::to_string(*alert.host_id) != host_id || !alert.flow_id) continue;
        const auto direction = direction_of.find(std::to_string(*alert.flow_id));
        ++in_out[direction == direction_of.end() ? "inbound" : direction->second].second;
      }
      const auto pair = [&](const char* direction) {
        return Json{{"flows", in_out[direction].first}, {"alerts", in_out[direction].second}};
      };
      host["windows"].push_back({{"from_wall_ns", Exact(from)},
                                 {"until_wall_ns", Exact(*until)},
                                 {"recorded", RecordedOf(own_recordings, own_gaps, from, *until)},
                                 {"inbound", pair("inbound")},
                                 {"outbound", pair("outbound")}});
    }
  }
  return JsonAnswer(Dump({{"until_wall_ns", Exact(until)}, {"hosts", std::move(hosts)}}));
}

Result<http::Answer> Host(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const std::int64_t host_id, call.parameters.Id("host_id"));
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kPageTimeMax));
  ASSIGN_OR_RETURN(
      Json host, ReadObject(*store, "SELECT h.host_id, h.name FROM host AS h WHERE h.host_id = $1",
                            {host_id}));
  const std::string id = std::to_string(host_id);
  ASSIGN_OR_RETURN(const Json addresses, ReadObjects(*store, kAddressSql));
  host["addresses"] = Json::array();
  std::vector<std::string> ips;
  for (const Json& address : addresses) {
    if (address["host_id"] == id) host["addresses"].push_back(address["address"]);
  }
  ASSIGN_OR_RETURN(auto recordings, RecordingsByHost(*store));
  host["recordings"] = recordings[id].is_null() ? Json::array() : recordings[id];
  ASSIGN_OR_RETURN(const Json gaps, GapsIn(*store));
  host["gaps"] = GapsOf(gaps, id);
  host["facts"] = Json::array();
  host["hooks"] = Json::array();
  ASSIGN_OR_RETURN(const Json described,
                   ReadObjects(*store,
                               "SELECT r.description FROM recording AS r WHERE r.host_id = $1 AND "
                               "r.description IS NOT NULL ORDER BY r.begin_wall_ns DESC LIMIT 1",
                               {host_id}));
  if (!described.empty() && described[0]["description"].is_string()) {
    const Json facts = Json::parse(described[0]["description"].get<std::string>(), nullptr, false);
    if (facts.is_object()) {
      for (const auto& [name, value] : facts.items()) {
        if (name == "hooks" && value.is_object()) {
          for (const auto& [hook, state] : value.items()) {
            const bool attached = state.is_boolean() ? state.get<bool>() : true;
            host["hooks"].push_back({{"name", hook},
                                     {"attached", attached},
                                     {"detail", state.is_string() ? state : Json("")}});
          }
          continue;
        }
        host["facts"].push_back(
            {{"name", name}, {"value", value.is_string() ? value : Json(Dump(value))}});
      }
    }
  }
  ASSIGN_OR_RETURN(
      host["users"],
      ReadObjects(
          *store,
          "SELECT p.uid, CASE WHEN p.uid = 0 THEN 'root' END AS name, count(*) AS processes "
          "FROM process AS p WHERE p.host_id = $1 AND p.uid IS NOT NULL GROUP BY p.uid "
          "ORDER BY p.uid LIMIT 1000",
          {host_id}));
  ASSIGN_OR_RETURN(
      host["fingerprints"],
      ReadObjects(*store,
                  "SELECT g.ip, g.os, g.method, max(g.wall_ns) AS wall_ns FROM fingerprint AS g "
                  "WHERE g.ip IN (SELECT s.local_ip FROM socket AS s WHERE s.host_id = $1) "
                  "GROUP BY g.ip, g.os, g.method ORDER BY wall_ns DESC LIMIT 100",
                  {host_id}));
  ASSIGN_OR_RETURN(
      host["clocks"],
      ReadObjects(
          *store,
          "SELECT c.source, c.other, c.offset_ns, c.uncertainty_ns, c.samples "
          "FROM clock_offset AS c WHERE $1 IN (c.source, c.other) ORDER BY c.source, c.other",
          {host["name"].get<std::string>()}));
  ASSIGN_OR_RETURN(const Json counts,
                   ReadObject(*store,
                              "SELECT count(*) AS processes FROM process AS p WHERE "
                              "p.host_id = $1",
                              {host_id}));
  host["processes"] = counts["processes"];
  ASSIGN_OR_RETURN(const auto sessions, store.snapshot().sessions(*store));
  host["sessions"] = std::ranges::count(sessions->list, host_id, &SessionEntry::host_id);
  return JsonAnswer(Dump(host));
}

Result<http::Answer> Stream(const Context& context, Call& call) {
  EventHub* const hub = context.hub;
  const std::optional<std::uint64_t> last =
      hub->NumberOf(call.request.FindHeader("last-event-id").value_or(""));
  http::Answer answer{.content_type = "text/event-stream",
                      .headers = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}}};
  // Who comes back to a server that began anew must look at everything again.
  const bool anew = !last && call.request.FindHeader("last-event-id").has_value();
  answer.stream = [hub, anew, number = last.value_or(hub->last_number())](const http::Sink& sink) {
    std::uint64_t sent = number;
    std::string begin = fmt::format("retry: 1000\nid: {}\n:\n\n", hub->IdOf(sent));
    if (anew) begin += "event: stored\ndata: {\"last_wall_ns\":null}\n\n";
    if (!sink(begin)) return false;
    for (int step = 0; sink("");) {
      if (const std::optional<EventHub::Event> event = hub->Next(sent, kStreamStep)) {
        sent = event->number;
        step = 0;
        if (!sink(fmt::format("id: {}\nevent: {}\ndata: {}\n\n", hub->IdOf(sent), event->name,
                              event->data))) {
          return false;
        }
      } else if (++step == kStepsToHeartbeat) {
        step = 0;
        if (!sink(": here\n\n")) return false;
      }
    }
    return false;
  };
  return answer;
}

}  // namespace

std::vector<Endpoint> OverviewEndpoints() {
  return {{.method = "GET",
           .path = "/coverage",
           .needs = Role::kViewer,
           .parameters = {"from_wall_ns", "until_wall_ns"},
           .answer = Coverage,
           .kept = true},
          {.method = "GET",
           .path = "/evidence",
           .needs = Role::kViewer,
           .answer = [](const Context& context, Call&) -> Result<http::Answer> {
             return JsonAnswer(Dump(context.evidence->ToJson()));
           }},
          {.method = "GET",
           .path = "/overview",
           .needs = Role::kViewer,
           .parameters = {"until_wall_ns"},
           .answer = Overview,
           .kept = true},
          {.method = "GET",
           .path = "/hosts/{host_id}",
           .needs = Role::kViewer,
           .answer = Host,
           .kept = true},
          {.method = "GET",
           .path = "/stream",
           .needs = Role::kViewer,
           .answer = Stream,
           .audited = false}};
}

}  // namespace spoor::api
