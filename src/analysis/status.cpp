// SPDX-License-Identifier: Apache-2.0
#include "analysis/status.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "event/event_text.hpp"
#include "ingest/catch_up.hpp"
#include "store/catalog.hpp"

namespace spoor::analysis {
namespace {

using Json = nlohmann::ordered_json;

std::uint64_t SizeOfFolder(const std::filesystem::path& folder) {
  std::uint64_t size_bytes = 0;
  std::error_code error;
  std::filesystem::recursive_directory_iterator it(folder, error);
  for (; !error && it != std::filesystem::recursive_directory_iterator(); it.increment(error)) {
    std::error_code no_file;
    const std::uint64_t one = it->file_size(no_file);
    if (!no_file) size_bytes += one;
  }
  return size_bytes;
}

/// The rows of `query` as JSON objects.
Result<Json> RowsOf(store::Store& store, std::string_view query) {
  ASSIGN_OR_RETURN(const std::unique_ptr<store::RowReader> rows, store.Sql(query));
  Json all = Json::array();
  std::vector<store::Value> row;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, rows->Next(row));
    if (!more) return all;
    Json object = Json::object();
    for (std::size_t i = 0; i < row.size(); ++i) {
      Json& target = object[rows->columns()[i].name];
      if (const auto* integer = std::get_if<std::int64_t>(&row[i])) target = *integer;
      if (const auto* text = std::get_if<std::string>(&row[i])) target = *text;
      if (const auto* flag = std::get_if<bool>(&row[i])) target = *flag;
    }
    all.push_back(std::move(object));
  }
}

}  // namespace

Result<Json> StatusOf(const StoreLayout& layout, store::Store& store) {
  Json status;
  status["store"] = event::MakeUtf8(layout.root.string());
  ASSIGN_OR_RETURN(Json totals, RowsOf(store, R"(
    SELECT (SELECT count(*) FROM evidence_batch) AS entry_count,
           (SELECT max(wall_ns) FROM evidence_batch) AS last_batch_wall_ns,
           (SELECT _bigint(sum(count)) FROM event) AS event_count,
           (SELECT count(*) FROM event) AS event_row_count,
           (SELECT count(*) FROM process) AS process_count,
           (SELECT count(*) FROM _flow_seen) AS flow_count,
           (SELECT min(wall_ns) FROM event) AS first_wall_ns,
           (SELECT max(wall_ns) FROM event) AS last_wall_ns)"));
  status.update(totals.at(0));
  ASSIGN_OR_RETURN(status["hosts"], RowsOf(store, "SELECT host_id, name FROM host ORDER BY name"));
  ASSIGN_OR_RETURN(status["recordings"], RowsOf(store, R"(
    SELECT recording_id, recording.kind, host.name AS host, profile, begin_wall_ns, end_wall_ns,
           closed FROM recording LEFT JOIN host USING (host_id) ORDER BY begin_wall_ns)"));
  ASSIGN_OR_RETURN(status["gaps"], RowsOf(store, R"(
    SELECT loss_class, count(*) AS gap_count, _bigint(sum(count)) AS lost_count,
           min(from_wall_ns) AS from_wall_ns, max(until_wall_ns) AS until_wall_ns
    FROM gap GROUP BY loss_class ORDER BY loss_class)"));
  const Result<store::Catalog> catalog = store::LoadCatalog(layout);
  if (!catalog && catalog.error().code != ErrorCode::kNotFound) {
    return tl::unexpected<Error>(catalog.error());
  }
  const std::vector<store::Segment> segments =
      catalog ? catalog->segments : std::vector<store::Segment>();
  std::uint64_t segment_bytes = 0;
  for (const store::Segment& segment : segments) segment_bytes += segment.size_bytes;
  status["segment_count"] = segments.size();
  status["segment_bytes"] = segment_bytes;
  status["evidence_bytes"] = SizeOfFolder(layout.evidence());
  status["set_aside_bytes"] = SizeOfFolder(layout.set_aside());
  status["being_written"] = ingest::HasWriter(layout);
  return status;
}

}  // namespace spoor::analysis
