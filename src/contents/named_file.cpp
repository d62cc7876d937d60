// SPDX-License-Identifier: Apache-2.0
#include "contents/named_file.hpp"

#include <algorithm>
#include <charconv>

#include "event/event_text.hpp"
#include "queries/narrowing.hpp"
#include "store/row.hpp"

namespace spoor::contents {
namespace {

// The end of a name is on the boot clock alone; the two clocks differ then by what they differed at
// its begin, but for a step between.
constexpr std::string_view kBySql = R"(
SELECT c.object_id, coalesce(h.name, '?') AS host, o.type, c.path, min(n.from_wall_ns) AS from_wall_ns,
       CASE WHEN bool_or(c.until_boot_ns IS NULL) THEN NULL
            ELSE max(_minus(c.until_boot_ns, _minus(c.from_boot_ns, n.from_wall_ns))) END AS until_wall_ns
FROM _called(CAST($1 AS VARCHAR)) AS c JOIN object AS o ON o.object_id = c.object_id
LEFT JOIN host AS h ON h.host_id = o.host_id
LEFT JOIN object_name AS n ON n.object_id = c.object_id AND n.from_boot_ns = c.from_boot_ns
WHERE ($2 = '' OR h.name = $2)
GROUP BY c.object_id, h.name, o.type, c.path, c.from_boot_ns ORDER BY from_wall_ns, c.object_id)";

constexpr std::string_view kByIdSql = R"(
SELECT o.object_id, coalesce(h.name, '?') AS host, o.type, coalesce(o.path, ''), NULL, NULL
FROM object AS o LEFT JOIN host AS h ON h.host_id = o.host_id
WHERE o.object_id = $1 AND ($2 = '' OR h.name = $2))";

std::string Literal(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

Result<std::vector<NamedFile>> FilesNamed(store::Store& store, std::string_view what,
                                          std::string_view host) {
  const store::Narrowed narrowed(store);
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(what.data(), what.data() + what.size(), id);
  const bool by_id = error == std::errc() && end == what.data() + what.size();
  const std::string path = event::MakeUtf8(what);
  if (by_id) {
    RETURN_IF_ERROR(store.Narrow("object", "object_id", {id}));
  } else {
    RETURN_IF_ERROR(queries::NarrowTo(store, "file", {{"path", Literal(path)}},
                                      {"object_name", "object"}, false));
  }
  std::vector<NamedFile> files;
  RETURN_IF_ERROR(
      store::ForEachRow(store, by_id ? kByIdSql : kBySql,
                        {by_id ? store::Value(id) : store::Value(path), std::string(host)},
                        [&files](const std::vector<store::Value>& row) {
                          files.push_back({.object_id = store::IntegerOf(row[0]).value_or(0),
                                           .host = store::TextOf(row[1]),
                                           .type = store::TextOf(row[2]),
                                           .path = store::TextOf(row[3]),
                                           .from_wall_ns = store::IntegerOf(row[4]),
                                           .until_wall_ns = store::IntegerOf(row[5])});
                        }));
  return files;
}

}  // namespace spoor::contents
