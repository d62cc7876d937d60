// SPDX-License-Identifier: Apache-2.0
// The machine, the store and the sensors.
#include <fmt/format.h>

#include "api/endpoint.hpp"
#include "api/json.hpp"
#include "api/machine.hpp"
#include "base/store_layout.hpp"

namespace spoor::api {
namespace {

constexpr std::int64_t kHourNs = 3'600'000'000'000;
constexpr std::size_t kFilesMax = 1'000'000;

struct FolderSize {
  std::int64_t bytes = 0;
  std::int64_t parquet_files = 0;
};

/// Of all regular files below; links are not followed.
FolderSize SizeOf(const std::filesystem::path& folder) {
  FolderSize size;
  std::error_code error;
  std::size_t seen = 0;
  for (std::filesystem::recursive_directory_iterator at(folder, error), end;
       !error && at != end && ++seen < kFilesMax; at.increment(error)) {
    if (!at->is_regular_file(error) || at->is_symlink(error)) continue;
    size.bytes += static_cast<std::int64_t>(at->file_size(error));
    size.parquet_files += at->path().extension() == ".parquet" ? 1 : 0;
  }
  return size;
}

constexpr std::string_view kBatchSql = R"(
SELECT count(*) AS entries, min(b.wall_ns) AS first_wall_ns, max(b.wall_ns) AS last_wall_ns,
       CAST(coalesce(sum(b.size_bytes), 0) AS BIGINT) AS size_bytes
FROM evidence_batch AS b)";

constexpr std::string_view kSensorSql = R"(
WITH last AS (
  SELECT r.host_id, arg_max(r.kind, r.begin_wall_ns) AS kind,
         arg_max(r.closed, r.begin_wall_ns) AS closed,
         arg_max(coalesce(r.end_wall_ns, b.last_wall_ns), r.begin_wall_ns) AS last_seen_wall_ns
  FROM recording AS r LEFT JOIN (
    SELECT e.recording_id, max(e.wall_ns) AS last_wall_ns FROM evidence_batch AS e GROUP BY ALL
  ) AS b ON b.recording_id = r.recording_id
  WHERE r.host_id IS NOT NULL GROUP BY r.host_id
)
SELECT h.name, l.host_id, CASE WHEN l.kind = 'sensor' THEN l.last_seen_wall_ns END AS last_seen_wall_ns,
       CASE WHEN l.kind <> 'sensor' THEN 'imported' WHEN l.closed THEN 'ended' ELSE 'open' END AS state
FROM last AS l JOIN host AS h ON h.host_id = l.host_id ORDER BY h.name)";

constexpr std::string_view kLostSql = R"(
SELECT g.host_id, g.loss_class, CAST(sum(g.count) AS BIGINT) AS count, count(*) AS gaps
FROM gap AS g GROUP BY g.host_id, g.loss_class ORDER BY g.loss_class)";

Result<http::Answer> Health(const Context& context, Call&) {
  const StoreLayout layout{context.stores->folder()};
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kPageTimeMax));
  ASSIGN_OR_RETURN(const Json batches, ReadObject(*store, kBatchSql));
  const FolderSize evidence = SizeOf(layout.evidence());
  const FolderSize segments = SizeOf(layout.segments());
  Json growth;
  if (batches["first_wall_ns"].is_string()) {
    const std::int64_t span =
        std::strtoll(batches["last_wall_ns"].get<std::string>().c_str(), nullptr, 10) -
        std::strtoll(batches["first_wall_ns"].get<std::string>().c_str(), nullptr, 10);
    // Of less than an hour nothing follows for a day.
    if (span >= kHourNs) {
      growth =
          static_cast<std::int64_t>(static_cast<double>(evidence.bytes + segments.bytes) * 24.0 *
                                    static_cast<double>(kHourNs) / static_cast<double>(span));
    }
  }
  Json tables = Json::array();
  for (const std::string_view table : {"event", "process", "exec", "object", "socket", "flow", "io",
                                       "alert", "gap", "evidence_batch"}) {
    ASSIGN_OR_RETURN(Json rows,
                     ReadObject(*store, fmt::format("SELECT count(*) AS count FROM {}", table)));
    tables.push_back({{"name", table}, {"rows", rows["count"]}});
  }
  ASSIGN_OR_RETURN(Json sensors, ReadObjects(*store, kSensorSql));
  ASSIGN_OR_RETURN(const Json lost, ReadObjects(*store, kLostSql));
  for (Json& sensor : sensors) {
    sensor["lost"] = Json::array();
    for (Json loss : lost) {
      if (loss["host_id"] != sensor["host_id"]) continue;
      loss.erase("host_id");
      sensor["lost"].push_back(std::move(loss));
    }
  }
  return JsonAnswer(Dump({{"machine", MachineJson(context.stores->folder())},
                          {"store",
                           {{"evidence_bytes", evidence.bytes},
                            {"segment_bytes", segments.bytes},
                            {"segments", segments.parquet_files},
                            {"entries", batches["entries"]},
                            {"last_entry_wall_ns", batches["last_wall_ns"]},
                            {"growth_bytes_per_day", growth},
                            {"tables", std::move(tables)}}},
                          {"sensors", std::move(sensors)}}));
}

}  // namespace

std::vector<Endpoint> HealthEndpoints() {
  return {{.method = "GET",
           .path = "/health",
           .needs = Role::kViewer,
           .parameters = {},
           .answer = Health}};
}

}  // namespace spoor::api
