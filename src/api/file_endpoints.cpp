// SPDX-License-Identifier: Apache-2.0
// Files that were touched, by whom, and what they held.
#include <fmt/format.h>

#include "api/endpoint.hpp"
#include "api/file_versions.hpp"
#include "api/filter.hpp"
#include "api/json.hpp"
#include "api/snapshot.hpp"
#include "base/base64.hpp"
#include "base/file.hpp"
#include "evidence/hash.hpp"
#include "queries/library.hpp"
#include "store/lookup.hpp"
#include "store/row.hpp"

namespace spoor::api {
namespace {

constexpr std::int64_t kBytesUsual = 64 << 10;
constexpr std::int64_t kBytesMax = 1 << 20;
constexpr std::size_t kActsMax = 200'000;
constexpr std::int64_t kDownloadBytesMax = std::int64_t{256} << 20;

/// `files_touched` of what `tree` names, as SQL.
Result<std::string> TouchedSql(store::Store& store, std::string_view tree) {
  if (tree.empty()) return std::string("files_touched()");
  const std::size_t colon = std::min(tree.find(':'), tree.size());
  const std::string kind(tree.substr(0, colon));
  const std::string name(tree.substr(std::min(colon + 1, tree.size())));
  if (kind == "process") {
    ASSIGN_OR_RETURN(const std::int64_t id, store::FindProcess(store, name));
    return fmt::format("files_touched(process := {})", id);
  }
  if (kind == "session") {
    ASSIGN_OR_RETURN(const std::int64_t id, queries::FindSession(store, name));
    return fmt::format("files_touched(session := {})", id);
  }
  return Fail(ErrorCode::kInvalidArgument, "tree must be process:ID or session:ID, not {}", tree);
}

Result<http::Answer> Files(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const std::vector<Condition> conditions, ConditionsOf(call.parameters));
  ASSIGN_OR_RETURN(const std::int64_t limit,
                   call.parameters.Within("limit", kRowsUsual, 1, kRowsMax));
  // Paths have no number to go on from: the place in the order is the cursor.
  ASSIGN_OR_RETURN(const std::optional<Cursor> cursor, Cursor::Of(call.parameters));
  Filter filter;
  RETURN_IF_ERROR(filter.AddAll(conditions, {{"path", "t.path"},
                                             {"read", "t.read"},
                                             {"written", "t.written"},
                                             {"created", "t.created"},
                                             {"deleted", "t.deleted"},
                                             {"renamed", "t.renamed"},
                                             {"executed", "t.executed"},
                                             {"changed", "t.changed"},
                                             {"refused", "t.refused"}}));
  RETURN_IF_ERROR(filter.AddId(call.parameters, "host_id", "o.host_id"));
  ASSIGN_OR_RETURN(const auto from, call.parameters.Integer("from_wall_ns"));
  ASSIGN_OR_RETURN(const auto until, call.parameters.Integer("until_wall_ns"));
  if (from) filter.Add(fmt::format("t.last_wall_ns >= {}", filter.Bind(*from)));
  if (until) filter.Add(fmt::format("t.first_wall_ns < {}", filter.Bind(*until)));
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kPageTimeMax));
  ASSIGN_OR_RETURN(const std::string touched, TouchedSql(*store, call.parameters.Text("tree")));
  const std::int64_t begin = cursor ? std::max<std::int64_t>(0, cursor->first) : 0;
  ASSIGN_OR_RETURN(
      Json rows,
      ReadObjects(*store,
                  fmt::format("SELECT o.host_id, t.*, count(*) OVER () AS total FROM {} AS t "
                              "LEFT JOIN object AS o ON o.object_id = t.object_id WHERE {} "
                              "ORDER BY t.first_wall_ns, t.path LIMIT {} OFFSET {}",
                              touched, filter.Sql(), limit, begin),
                  filter.values()));
  Json total = rows.empty() ? (begin == 0 ? Json(0) : Json()) : rows[0]["total"];
  for (Json& row : rows) row.erase("total");
  const std::int64_t end = begin + static_cast<std::int64_t>(rows.size());
  const bool more = total.is_number() && end < total.get<std::int64_t>();
  return JsonAnswer(Dump({{"rows", std::move(rows)},
                          {"next_cursor", more ? Json(Cursor{end, 0}.Text()) : Json()},
                          {"total", std::move(total)}}));
}

// A write over a mapping is not seen; a read or write without payload still says where it was.
constexpr std::string_view kActSql = R"(
SELECT e.kind, e.process_id, e.wall_ns, e.result, e.flags, e.value,
       coalesce(i.offset_bytes, e.offset_bytes) AS offset_bytes,
       coalesce(i.size_bytes, e.size_bytes) AS size_bytes, i.data, e.count
FROM event AS e LEFT JOIN io AS i ON i.event_id = e.event_id
WHERE e.object_id = $1 AND NOT e.baseline AND e.result >= 0
  AND e.kind IN ('read', 'write', 'truncate', 'open')
ORDER BY e.event_id, i.wall_ns)";

Result<std::vector<FileAct>> ActsOn(store::Store& store, std::int64_t object_id) {
  ASSIGN_OR_RETURN(const std::unique_ptr<store::RowReader> reader, store.Sql(kActSql, {object_id}));
  std::vector<FileAct> acts;
  std::vector<store::Value> row;
  std::size_t bytes = 0;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, reader->Next(row));
    if (!more) return acts;
    const std::string kind = store::TextOf(row[0]);
    FileAct act{.process_id = store::IntegerOf(row[1]).value_or(0),
                .wall_ns = store::IntegerOf(row[2]).value_or(0),
                .offset_bytes = store::IntegerOf(row[6]),
                .size_bytes = store::IntegerOf(row[7]).value_or(0)};
    if (kind == "open") {
      constexpr std::int64_t kTruncates = 01000;
      if ((store::IntegerOf(row[4]).value_or(0) & kTruncates) == 0) continue;
      act.kind = FileAct::Kind::kTruncate;
      act.size_bytes = 0;
    } else if (kind == "truncate") {
      act.kind = FileAct::Kind::kTruncate;
      act.size_bytes = std::max<std::int64_t>(0, store::IntegerOf(row[5]).value_or(0));
    } else {
      act.kind = kind == "write" ? FileAct::Kind::kWrite : FileAct::Kind::kRead;
      if (const auto* data = std::get_if<store::Bytes>(&row[8])) act.data = data->bytes;
      // Of several calls that were taken together only the sum is known, which goes on from the
      // first.
    }
    bytes += act.data.size();
    if (acts.size() >= kActsMax || bytes > kVersionBytesMax) {
      return Fail(ErrorCode::kUnavailable,
                  "the file was touched too often to be put together here");
    }
    acts.push_back(std::move(act));
  }
}

std::string WholeSha256(const FileVersion& version) {
  if (!version.has_known_end || version.known_bytes() != version.size_bytes) return {};
  std::string all;
  for (const auto& [offset, bytes] : version.pieces) all += bytes;
  std::string hex;
  for (const std::uint8_t byte : evidence::TreeHasher().Plain(AsBytes(all))) {
    hex += fmt::format("{:02x}", byte);
  }
  return hex;
}

Result<http::Answer> File(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const std::int64_t object_id, call.parameters.Id("object_id"));
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kPageTimeMax));
  ASSIGN_OR_RETURN(Json file,
                   ReadObject(*store,
                              "SELECT o.object_id, o.host_id, h.name AS host, o.type, o.path FROM "
                              "object AS o JOIN host AS h ON h.host_id = o.host_id WHERE "
                              "o.object_id = $1",
                              {object_id}));
  ASSIGN_OR_RETURN(file["names"],
                   ReadObjects(*store,
                               "SELECT n.path, n.from_wall_ns, n.cause FROM object_name AS n WHERE "
                               "n.object_id = $1 ORDER BY n.from_boot_ns LIMIT 1000",
                               {object_id}));
  ASSIGN_OR_RETURN(
      file["touches"],
      ReadObjects(*store,
                  "SELECT e.process_id, p.pid, coalesce(p.name, '') AS name, "
                  "coalesce(p.euid = 0, FALSE) AS is_root, e.kind, "
                  "CAST(sum(e.count) AS BIGINT) AS count, "
                  "CAST(coalesce(sum(e.size_bytes), 0) AS BIGINT) AS size_bytes, "
                  "count(*) FILTER (WHERE e.result < 0) AS failed, "
                  "min(e.wall_ns) AS first_wall_ns, max(e.wall_ns) AS last_wall_ns "
                  "FROM event AS e JOIN process AS p ON p.process_id = e.process_id "
                  "WHERE e.object_id = $1 GROUP BY ALL ORDER BY first_wall_ns LIMIT 2000",
                  {object_id}));
  file["versions"] = Json::array();
  ASSIGN_OR_RETURN(const std::vector<FileAct> acts, ActsOn(*store, object_id));
  for (const FileVersion& version : VersionsOf(acts)) {
    if (version.pieces.empty() && version.size_bytes == 0 && !version.process_id) continue;
    Json process;
    for (const Json& touch : file["touches"]) {
      if (version.process_id && touch["process_id"] == std::to_string(*version.process_id)) {
        process = fmt::format("{}[{}]", touch["name"].get<std::string>(),
                              touch["pid"].get<std::int64_t>());
      }
    }
    file["versions"].push_back({{"version", version.version},
                                {"from_wall_ns", Exact(version.from_wall_ns)},
                                {"until_wall_ns", Exact(version.until_wall_ns)},
                                {"process_id", Exact(version.process_id)},
                                {"process", process},
                                {"size_bytes", version.size_bytes},
                                {"known_bytes", version.known_bytes()},
                                {"sha256", TextOrNull(WholeSha256(version))}});
  }
  return JsonAnswer(Dump(file));
}

Result<FileVersion> VersionAsked(const Context& context, const Call& call) {
  ASSIGN_OR_RETURN(const std::int64_t object_id, call.parameters.Id("object_id"));
  ASSIGN_OR_RETURN(const std::int64_t number, call.parameters.Id("version"));
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kPageTimeMax));
  ASSIGN_OR_RETURN(const std::vector<FileAct> acts, ActsOn(*store, object_id));
  std::vector<FileVersion> versions = VersionsOf(acts, number);
  if (versions.empty() || versions.back().version != number) {
    return Fail(ErrorCode::kNotFound, "the file has no version {}", number);
  }
  return std::move(versions.back());
}

Result<http::Answer> FileBytes(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const std::int64_t offset,
                   call.parameters.Within("offset_bytes", 0, 0, INT64_MAX - kBytesMax));
  ASSIGN_OR_RETURN(const std::int64_t length,
                   call.parameters.Within("length_bytes", kBytesUsual, 1, kBytesMax));
  ASSIGN_OR_RETURN(const FileVersion version, VersionAsked(context, call));
  Json pieces = Json::array();
  for (const auto& [begin, bytes] : version.pieces) {
    const std::int64_t end = begin + static_cast<std::int64_t>(bytes.size());
    const std::int64_t from = std::max(begin, offset), until = std::min(end, offset + length);
    if (from >= until) continue;
    pieces.push_back(
        {{"offset_bytes", from},
         {"data_base64", ToBase64(bytes.substr(static_cast<std::size_t>(from - begin),
                                               static_cast<std::size_t>(until - from)))}});
  }
  return JsonAnswer(Dump({{"size_bytes", version.size_bytes}, {"pieces", std::move(pieces)}}));
}

Result<http::Answer> Download(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(FileVersion version, VersionAsked(context, call));
  if (version.size_bytes > kDownloadBytesMax) {
    return Fail(ErrorCode::kInvalidArgument, "the file is longer than {} bytes", kDownloadBytesMax);
  }
  http::Answer answer{
      .content_type = "application/octet-stream",
      .headers = {{"Cache-Control", "no-store"},
                  {"X-Content-Type-Options", "nosniff"},
                  // The name is ours: that of the file was chosen by the intruder.
                  {"Content-Disposition",
                   fmt::format("attachment; filename=\"captured-{}-v{}.bin\"",
                               call.request.Parameter("object_id"), version.version)}}};
  answer.stream_bytes = static_cast<std::uint64_t>(version.size_bytes);
  answer.stream = [version = std::move(version)](const http::Sink& sink) {
    const std::string zeros(64 << 10, '\0');
    std::int64_t at = 0;
    const auto fill = [&](std::int64_t until) {
      while (at < until) {
        const auto size = static_cast<std::size_t>(
            std::min<std::int64_t>(until - at, static_cast<std::int64_t>(zeros.size())));
        if (!sink(std::string_view(zeros).substr(0, size))) return false;
        at += static_cast<std::int64_t>(size);
      }
      return true;
    };
    for (const auto& [offset, bytes] : version.pieces) {
      if (!fill(offset) || !sink(bytes)) return false;
      at = offset + static_cast<std::int64_t>(bytes.size());
    }
    return fill(version.size_bytes);
  };
  return answer;
}

}  // namespace

std::vector<Endpoint> FileEndpoints() {
  return {{.method = "GET",
           .path = "/files",
           .needs = Role::kViewer,
           .parameters = {"tree", "host_id", "from_wall_ns", "until_wall_ns", "where", "cursor",
                          "limit"},
           .answer = Files,
           .kept = true},
          {.method = "GET",
           .path = "/files/{object_id}",
           .needs = Role::kViewer,
           .parameters = {},
           .answer = File,
           .kept = true},
          {.method = "GET",
           .path = "/files/{object_id}/versions/{version}",
           .needs = Role::kViewer,
           .parameters = {"offset_bytes", "length_bytes"},
           .answer = FileBytes},
          {.method = "GET",
           .path = "/files/{object_id}/versions/{version}/download",
           .needs = Role::kAnalyst,
           .parameters = {},
           .answer = Download}};
}

}  // namespace spoor::api
