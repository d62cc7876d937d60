// SPDX-License-Identifier: Apache-2.0
// Conversations with both directions, processes and alerts; what they said; alerts.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "analysis/flow_packets.hpp"
#include "api/endpoint.hpp"
#include "api/flows.hpp"
#include "api/problem.hpp"
#include "base/base64.hpp"
#include "base/store_layout.hpp"
#include "store/row.hpp"

namespace spoor::api {
namespace {

constexpr std::int64_t kBucketNsMin = 1'000'000;
constexpr std::size_t kBucketsMax = 2000;
constexpr std::size_t kPayloadPageBytes = 64 << 10;
constexpr std::size_t kPacketPieceBytes = 64 << 10;

Result<http::Answer> Flows(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const std::int64_t limit,
                   call.parameters.Within("limit", kRowsUsual, 1, kRowsMax));
  ASSIGN_OR_RETURN(const bool descending, IsDescending(call.parameters));
  ASSIGN_OR_RETURN(const std::optional<Cursor> cursor, Cursor::Of(call.parameters));
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kPageTimeMax));
  ASSIGN_OR_RETURN(const auto alerts, store.snapshot().alerts(*store));
  ASSIGN_OR_RETURN(Filter filter, FlowFilterOf(call.parameters, *alerts));
  ASSIGN_OR_RETURN(
      const Json total,
      ReadObject(*store,
                 FlowsSql(*alerts) + "SELECT count(*) AS total FROM conversation AS c WHERE " +
                     filter.Sql(),
                 filter.values()));
  if (cursor) filter.AddBehind(*cursor, descending, "c.begin_wall_ns", "c.flow_id");
  const char* const order = descending ? "DESC" : "ASC";
  ASSIGN_OR_RETURN(
      Json rows,
      ReadObjects(
          *store,
          fmt::format("{}SELECT {} FROM conversation AS c LEFT JOIN host AS h ON h.host_id "
                      "= c.host_id WHERE {} ORDER BY c.begin_wall_ns {}, c.flow_id {} "
                      "LIMIT {}",
                      FlowsSql(*alerts), kFlowColumns, filter.Sql(), order, order, limit + 1),
          filter.values()));
  Json page = PageOf(std::move(rows), limit, "begin_wall_ns", "flow_id");
  page["total"] = total["total"];
  RETURN_IF_ERROR(FinishFlows(*store, *alerts, page["rows"]));
  return JsonAnswer(Dump(page));
}

Result<http::Answer> FlowCounts(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const std::int64_t bucket_ns,
                   call.parameters.Within("bucket_ns", 0, kBucketNsMin, INT64_MAX));
  if (bucket_ns == 0) return Fail(ErrorCode::kInvalidArgument, "bucket_ns must be given");
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kPageTimeMax));
  ASSIGN_OR_RETURN(const auto alerts, store.snapshot().alerts(*store));
  ASSIGN_OR_RETURN(Filter filter, FlowFilterOf(call.parameters, *alerts));
  const std::string bucket = filter.Bind(bucket_ns);
  ASSIGN_OR_RETURN(
      const Json buckets,
      ReadObjects(
          *store,
          fmt::format("{}SELECT CAST(c.begin_wall_ns // {} * {} AS BIGINT) AS from_wall_ns, "
                      "count(*) FILTER (WHERE c.direction = 'inbound') AS inbound, "
                      "count(*) FILTER (WHERE c.direction = 'outbound') AS outbound, "
                      "count(*) FILTER (WHERE c.direction IS NULL) AS \"unknown\", "
                      "CAST(sum(c.alerts) AS BIGINT) AS alerts FROM conversation AS c "
                      "WHERE {} GROUP BY 1 ORDER BY 1 LIMIT {}",
                      FlowsSql(*alerts), bucket, bucket, filter.Sql(), kBucketsMax + 1),
          filter.values()));
  if (buckets.size() > kBucketsMax) {
    return Fail(ErrorCode::kInvalidArgument, "bucket_ns: more than {} buckets", kBucketsMax);
  }
  return JsonAnswer(Dump({{"buckets", buckets}}));
}

Result<http::Answer> FlowGroups(const Context& context, Call& call) {
  static const std::set<std::string, std::less<>> columns{
      "source_ip", "source_port", "destination_ip", "destination_port", "transport", "application"};
  const std::string by(call.parameters.Text("by"));
  const bool by_process = by == "process";
  if (!by_process && !columns.contains(by)) {
    return Fail(ErrorCode::kInvalidArgument, "by must be a column of flows");
  }
  ASSIGN_OR_RETURN(const std::int64_t limit,
                   call.parameters.Within("limit", kRowsUsual, 1, kRowsMax));
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kPageTimeMax));
  ASSIGN_OR_RETURN(const auto alerts, store.snapshot().alerts(*store));
  ASSIGN_OR_RETURN(const Filter filter, FlowFilterOf(call.parameters, *alerts));
  const std::string join =
      by_process ? "LEFT JOIN (SELECT DISTINCT coalesce(g.connection_id, g.flow_id) AS "
                   "conversation_id, p.name FROM flow AS g JOIN flow_process AS o ON o.flow_id = "
                   "g.flow_id JOIN process AS p ON p.process_id = o.process_id) AS n ON "
                   "n.conversation_id = c.conversation_id"
                 : "";
  const std::string value = by_process ? "n.name" : "c." + by;
  ASSIGN_OR_RETURN(
      const Json groups,
      ReadObjects(
          *store,
          fmt::format("{}SELECT CAST({} AS VARCHAR) AS \"value\", count(*) AS flows, CAST("
                      "sum(c.alerts) AS BIGINT) AS alerts, _bigint(sum(_plus(c.source_bytes, "
                      "coalesce(c.destination_bytes, 0)))) AS bytes, max(_plus(c.source_bytes, "
                      "coalesce(c.destination_bytes, 0))) AS bytes_max FROM conversation AS c {} "
                      "WHERE {} GROUP BY 1 ORDER BY flows DESC, 1 NULLS LAST LIMIT {}",
                      FlowsSql(*alerts), value, join, filter.Sql(), limit),
          filter.values()));
  return JsonAnswer(Dump({{"groups", groups}}));
}

/// All rows of the conversation that a flow is part of, the one with packets first.
Result<Json> RowsOfFlow(store::Store& store, const Snapshot::Alerts& alerts, std::int64_t flow_id) {
  ASSIGN_OR_RETURN(
      Json rows,
      ReadObjects(
          store,
          fmt::format("SELECT {} FROM (SELECT f.*, coalesce(f.connection_id, f.flow_id) AS "
                      "conversation_id FROM flow AS f) AS c LEFT JOIN host AS h ON h.host_id = "
                      "c.host_id WHERE c.conversation_id = (SELECT coalesce(g.connection_id, "
                      "g.flow_id) FROM flow AS g WHERE g.flow_id = $1 LIMIT 1) ORDER BY "
                      "c.source_packets IS NULL, c.flow_id LIMIT 100",
                      kFlowColumns),
          {flow_id}));
  RETURN_IF_ERROR(FinishFlows(store, alerts, rows));
  if (rows.empty()) return Fail(ErrorCode::kNotFound, "there is no flow {}", flow_id);
  return rows;
}

/// What went through the sockets of a flow, of one end: where both are recorded, the other end's
/// says the same again.
constexpr std::string_view kPayloadSql = R"(
WITH own AS (
  SELECT g.flow_id, g.direction FROM flow AS g
  WHERE g.observer = 'sensor' AND coalesce(g.connection_id, g.flow_id) = (
    SELECT coalesce(f.connection_id, f.flow_id) FROM flow AS f WHERE f.flow_id = $1 LIMIT 1)
  ORDER BY g.flow_id <> $1, g.flow_id LIMIT 1
), sockets AS (
  SELECT own.flow_id AS object_id, own.direction FROM own
  UNION
  SELECT o.object_id, own.direction FROM flow_process AS o JOIN own ON own.flow_id = o.flow_id
  WHERE o.object_id IS NOT NULL
))";

Result<bool> HasPayload(store::Store& store, std::int64_t flow_id) {
  ASSIGN_OR_RETURN(const Json found,
                   ReadObjects(store,
                               std::string(kPayloadSql) +
                                   "SELECT i.event_id FROM io AS i JOIN sockets AS s ON "
                                   "s.object_id = i.object_id WHERE i.data IS NOT NULL LIMIT 1",
                               {flow_id}));
  return !found.empty();
}

Result<http::Answer> Flow(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const std::int64_t flow_id, call.parameters.Id("flow_id"));
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kPageTimeMax));
  ASSIGN_OR_RETURN(const auto alerts, store.snapshot().alerts(*store));
  ASSIGN_OR_RETURN(Json rows, RowsOfFlow(*store, *alerts, flow_id));
  Json flow = rows[0];
  flow["has_packets"] =
      std::ranges::any_of(rows, [](const Json& row) { return row["observer"] == "packets"; });
  flow["observers"] = std::move(rows);
  ASSIGN_OR_RETURN(flow["has_payload"], HasPayload(*store, flow_id));
  return JsonAnswer(Dump(flow));
}

Result<http::Answer> FlowPayload(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const std::int64_t flow_id, call.parameters.Id("flow_id"));
  ASSIGN_OR_RETURN(const std::optional<Cursor> cursor, Cursor::Of(call.parameters));
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kPageTimeMax));
  ASSIGN_OR_RETURN(
      const Json there,
      ReadObjects(*store, "SELECT g.flow_id FROM flow AS g WHERE g.flow_id = $1 LIMIT 1",
                  {flow_id}));
  if (there.empty()) return Fail(ErrorCode::kNotFound, "there is no flow {}", flow_id);
  Filter filter;
  filter.Bind(flow_id);
  if (cursor) filter.AddBehind(*cursor, false, "i.wall_ns", "i.event_id");
  ASSIGN_OR_RETURN(
      const std::unique_ptr<store::RowReader> reader,
      store->Sql(fmt::format("{} SELECT i.wall_ns, i.event_id, (i.direction = 'in') = (s.direction "
                             "= 'inbound') AS from_source, i.size_bytes, i.data, i.process_id "
                             "FROM io AS i JOIN sockets AS s ON s.object_id = i.object_id WHERE {} "
                             "ORDER BY i.wall_ns, i.event_id",
                             kPayloadSql, filter.Sql()),
                 filter.values()));
  Json rows = Json::array();
  Cursor last;
  std::size_t bytes = 0;
  bool more = false;
  std::vector<store::Value> row;
  for (;;) {
    ASSIGN_OR_RETURN(const bool next, reader->Next(row));
    if (!next) break;
    if (bytes >= kPayloadPageBytes || rows.size() >= kRowsMax) {
      more = true;
      break;
    }
    last = {store::IntegerOf(row[0]).value_or(0), store::IntegerOf(row[1]).value_or(0)};
    const auto* const data = std::get_if<store::Bytes>(&row[4]);
    bytes += data == nullptr ? 0 : data->bytes.size();
    rows.push_back({{"wall_ns", Exact(last.first)},
                    {"from_source", store::BooleanOf(row[2]).value_or(false)},
                    {"size_bytes", store::IntegerOf(row[3]).value_or(0)},
                    {"data_base64", data == nullptr ? Json() : Json(ToBase64(data->bytes))},
                    {"process_id", Exact(store::IntegerOf(row[5]))}});
  }
  return JsonAnswer(Dump({{"next_cursor", more ? Json(last.Text()) : Json()},
                          {"total", nullptr},
                          {"rows", std::move(rows)}}));
}

Result<http::Answer> FlowPackets(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const std::int64_t flow_id, call.parameters.Id("flow_id"));
  std::vector<analysis::FlowCapture> captures;
  {
    ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kPageTimeMax));
    ASSIGN_OR_RETURN(
        const Json there,
        ReadObjects(*store, "SELECT g.flow_id FROM flow AS g WHERE g.flow_id = $1 LIMIT 1",
                    {flow_id}));
    if (there.empty()) return Fail(ErrorCode::kNotFound, "there is no flow {}", flow_id);
    ASSIGN_OR_RETURN(captures, analysis::FindFlowCaptures(*store, flow_id));
  }
  if (captures.empty()) {
    return Fail(ErrorCode::kNotFound, "no packets are stored of flow {}", flow_id);
  }
  // What the evidence has is as long as it is: it goes out as it is read, and an answer that breaks
  // off is known by that.
  return http::Answer{
      .content_type = "application/octet-stream",
      .headers = {{"Cache-Control", "no-store"},
                  {"Content-Disposition",
                   fmt::format("attachment; filename=\"flow-{}.pcapng\"", flow_id)}},
      .stream = [layout = StoreLayout{context.stores->folder()},
                 captures = std::move(captures)](const http::Sink& sink) {
        std::string piece;
        const auto give = [&](std::size_t bytes_min) -> Result<> {
          if (piece.size() < bytes_min || piece.empty()) return {};
          if (!sink(piece)) return Fail(ErrorCode::kUnavailable, "nobody reads any longer");
          piece.clear();
          return {};
        };
        const auto written =
            analysis::WriteFlowPackets(layout, captures, [&](std::string_view part) -> Result<> {
              piece += part;
              return give(kPacketPieceBytes);
            });
        return written.has_value() && give(0).has_value();
      }};
}

/// Fields of `where`, and the members of an alert that they are held against.
const std::map<std::string, std::string, std::less<>>& FieldsOfAlerts() {
  static const std::map<std::string, std::string, std::less<>> fields{
      {"source", "source"}, {"signature", "signature"}, {"priority", "priority"}, {"host", "host"}};
  return fields;
}

Result<http::Answer> Alerts(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const ListRequest asked, ListRequest::Of(call.parameters, FieldsOfAlerts()));
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kPageTimeMax));
  ASSIGN_OR_RETURN(const auto alerts, store.snapshot().alerts(*store));
  Json rows = Json::array();
  std::int64_t total = 0;
  // The place of a row: its moment, and how many of that moment came before.
  Cursor place{INT64_MAX, 0};
  Json next_cursor;
  for (const AlertEntry& alert : alerts->list) {
    place = alert.wall_ns == place.first ? Cursor{place.first, place.second + 1}
                                         : Cursor{alert.wall_ns, 0};
    if (asked.host_id && alert.host_id != asked.host_id) continue;
    if (alert.wall_ns < asked.from_wall_ns.value_or(INT64_MIN) ||
        alert.wall_ns >= asked.until_wall_ns.value_or(INT64_MAX) ||
        !asked.Holds(FieldsOfAlerts(), alert.json)) {
      continue;
    }
    ++total;
    const bool behind = !asked.cursor || place.first < asked.cursor->first ||
                        (place.first == asked.cursor->first && place.second > asked.cursor->second);
    if (!behind) continue;
    if (static_cast<std::int64_t>(rows.size()) < asked.limit) {
      rows.push_back(alert.json);
      if (static_cast<std::int64_t>(rows.size()) == asked.limit) next_cursor = place.Text();
    } else {
      rows.push_back(nullptr);  // there is one more
      break;
    }
  }
  const bool more = static_cast<std::int64_t>(rows.size()) > asked.limit;
  if (more) rows.erase(rows.size() - 1);
  return JsonAnswer(Dump({{"next_cursor", more ? next_cursor : Json()},
                          {"total", more ? Json() : Json(total)},
                          {"rows", std::move(rows)}}));
}

}  // namespace

std::vector<Endpoint> NetworkEndpoints() {
  const std::vector<std::string_view> span{"host_id", "process_id", "from_wall_ns", "until_wall_ns",
                                           "where"};
  const auto with = [&span](std::initializer_list<std::string_view> more) {
    std::vector<std::string_view> names = span;
    names.insert(names.end(), more);
    return names;
  };
  return {{.method = "GET",
           .path = "/flows",
           .needs = Role::kViewer,
           .parameters = with({"order", "cursor", "limit"}),
           .answer = Flows,
           .kept = true},
          {.method = "GET",
           .path = "/flows/counts",
           .needs = Role::kViewer,
           .parameters = with({"bucket_ns"}),
           .answer = FlowCounts,
           .kept = true},
          {.method = "GET",
           .path = "/flows/groups",
           .needs = Role::kViewer,
           .parameters = with({"by", "limit"}),
           .answer = FlowGroups,
           .kept = true},
          {.method = "GET",
           .path = "/flows/{flow_id}",
           .needs = Role::kViewer,
           .answer = Flow,
           .kept = true},
          {.method = "GET",
           .path = "/flows/{flow_id}/payload",
           .needs = Role::kViewer,
           .parameters = {"cursor"},
           .answer = FlowPayload,
           .kept = true},
          {.method = "GET",
           .path = "/flows/{flow_id}/pcap",
           .needs = Role::kAnalyst,
           .answer = FlowPackets},
          {.method = "GET",
           .path = "/alerts",
           .needs = Role::kViewer,
           .parameters = {"host_id", "from_wall_ns", "until_wall_ns", "where", "cursor", "limit"},
           .answer = Alerts}};
}

}  // namespace spoor::api
