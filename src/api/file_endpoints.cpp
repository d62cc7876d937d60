// SPDX-License-Identifier: Apache-2.0
// Files that were touched, by whom, and what they held.
#include <fmt/format.h>

#include <memory>

#include "api/endpoint.hpp"
#include "api/filter.hpp"
#include "api/json.hpp"
#include "api/snapshot.hpp"
#include "base/base64.hpp"
#include "contents/copy.hpp"
#include "contents/history.hpp"
#include "contents/versions.hpp"
#include "queries/library.hpp"
#include "store/lookup.hpp"
#include "store/row.hpp"

namespace spoor::api {
namespace {

constexpr std::int64_t kBytesUsual = 64 << 10;
constexpr std::int64_t kBytesMax = 1 << 20;
constexpr std::size_t kActsMax = 200'000;
constexpr std::int64_t kCapturedBytesMax = 64 << 20;
constexpr std::int64_t kHashedBytesMax = std::int64_t{1} << 30;  // of all versions of one file
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

/// The calls on a file, as many as a page may put together.
Result<std::vector<contents::Act>> ActsOn(store::Store& store, std::int64_t object_id) {
  return contents::LoadActs(store, object_id,
                            {.acts_max = kActsMax, .captured_bytes_max = kCapturedBytesMax});
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
  ASSIGN_OR_RETURN(const std::vector<contents::Act> acts, ActsOn(*store, object_id));
  ASSIGN_OR_RETURN(const contents::Journal journal,
                   contents::Journal::Fetch(*store, object_id, acts));
  std::int64_t hashed_bytes = 0;
  for (contents::VersionWalk walk(acts); walk.Next();) {
    const contents::Version& version = walk.version();
    const contents::Image& image = walk.image();
    if (image.size_bytes() == 0 && !version.process_id) continue;
    std::string sha256;
    if (hashed_bytes + image.size_bytes() <= kHashedBytesMax) {
      hashed_bytes += image.size_bytes();
      ASSIGN_OR_RETURN(sha256, contents::Sha256Of(image, journal));
    }
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
                                {"size_bytes", image.size_bytes()},
                                {"known_bytes", image.known_bytes()},
                                {"sha256", TextOrNull(sha256)}});
  }
  return JsonAnswer(Dump(file));
}

/// A version and its bytes.
struct VersionAsked {
  std::int64_t version;
  contents::Image image;
  contents::Journal journal;
};

Result<VersionAsked> FindVersion(const Context& context, const Call& call) {
  ASSIGN_OR_RETURN(const std::int64_t object_id, call.parameters.Id("object_id"));
  ASSIGN_OR_RETURN(const std::int64_t number, call.parameters.Id("version"));
  ASSIGN_OR_RETURN(const StorePool::Lease store, context.stores->Take(kPageTimeMax));
  ASSIGN_OR_RETURN(const std::vector<contents::Act> acts, ActsOn(*store, object_id));
  contents::VersionWalk walk(acts);
  while (walk.Next()) {
    if (walk.version().version != number) continue;
    ASSIGN_OR_RETURN(contents::Journal journal,
                     contents::Journal::Fetch(*store, object_id, acts, &walk.image()));
    return VersionAsked{number, walk.image(), std::move(journal)};
  }
  return Fail(ErrorCode::kNotFound, "the file has no version {}", number);
}

Result<http::Answer> FileBytes(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(const std::int64_t offset,
                   call.parameters.Within("offset_bytes", 0, 0, INT64_MAX - kBytesMax));
  ASSIGN_OR_RETURN(const std::int64_t length,
                   call.parameters.Within("length_bytes", kBytesUsual, 1, kBytesMax));
  ASSIGN_OR_RETURN(const VersionAsked version, FindVersion(context, call));
  Json pieces = Json::array();
  RETURN_IF_ERROR(contents::ReadImage(
      version.image, version.journal, offset, offset + length,
      [&pieces](const contents::Extent& extent, std::string_view bytes) {
        if (contents::IsHole(extent.content)) return true;
        pieces.push_back({{"offset_bytes", extent.from_bytes},
                          {"data_base64",
                           bytes.empty() ? ToBase64(std::string(
                                               static_cast<std::size_t>(extent.size_bytes()), '\0'))
                                         : ToBase64(bytes)}});
        return true;
      }));
  return JsonAnswer(Dump({{"size_bytes", version.image.size_bytes()}, {"pieces", pieces}}));
}

Result<http::Answer> Download(const Context& context, Call& call) {
  ASSIGN_OR_RETURN(VersionAsked asked, FindVersion(context, call));
  const auto version =
      std::make_shared<const VersionAsked>(std::move(asked));  // streams are copied
  if (version->image.size_bytes() > kDownloadBytesMax) {
    return Fail(ErrorCode::kInvalidArgument, "the file is longer than {} bytes", kDownloadBytesMax);
  }
  http::Answer answer{
      .content_type = "application/octet-stream",
      .headers = {{"Cache-Control", "no-store"},
                  {"X-Content-Type-Options", "nosniff"},
                  // The name is ours: that of the file was chosen by the intruder.
                  {"Content-Disposition",
                   fmt::format("attachment; filename=\"captured-{}-v{}.bin\"",
                               call.request.Parameter("object_id"), version->version)}}};
  answer.stream_bytes = static_cast<std::uint64_t>(version->image.size_bytes());
  answer.stream = [version](const http::Sink& sink) {
    const std::string zeros(64 << 10, '\0');
    bool sent = true;
    const Result<> read = contents::ReadImage(
        version->image, version->journal, 0, version->image.size_bytes(),
        [&](const contents::Extent& extent, std::string_view bytes) {
          if (!bytes.empty()) return sent = sink(bytes);
          for (auto left = static_cast<std::size_t>(extent.size_bytes()); left > 0 && sent;) {
            const std::size_t size = std::min(left, zeros.size());
            sent = sink(std::string_view(zeros).substr(0, size));
            left -= size;
          }
          return sent;
        });
    return sent && read.has_value();
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
