// SPDX-License-Identifier: Apache-2.0
#include "api/graph_processes.hpp"

#include <fmt/format.h>

#include <set>
#include <string_view>

#include "api/flows.hpp"
#include "api/processes.hpp"
#include "store/row.hpp"

namespace spoor::api {
namespace {

constexpr int kAncestorsMax = 64;
constexpr std::size_t kExecsShown = 16;

std::string_view BaseName(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

std::int64_t In(const std::unordered_map<std::int64_t, std::int64_t>& counts, std::int64_t id) {
  const auto found = counts.find(id);
  return found == counts.end() ? 0 : found->second;
}

}  // namespace

void GraphProcesses::Add(std::int64_t id) {
  if (known_.insert(id).second) ids_.push_back(id);
}

Result<> GraphProcesses::AddAncestors() {
  std::vector<std::int64_t> below = ids_;
  for (int i = 0; i < kAncestorsMax && !below.empty(); ++i) {
    ASSIGN_OR_RETURN(
        const Json parents,
        ReadObjects(store_,
                    "SELECT DISTINCT p.parent_process_id FROM process AS p JOIN process AS a ON "
                    "a.process_id = p.parent_process_id WHERE p.process_id IN " +
                        IdsSql(below)));
    below.clear();
    for (const Json& parent : parents) {
      const std::int64_t id = NumberIn(parent["parent_process_id"]);
      if (known_.contains(id)) continue;
      Add(id);
      below.push_back(id);
    }
  }
  return {};
}

Result<std::size_t> GraphProcesses::AddTrees() {
  std::size_t left_out = 0;
  std::set<std::int64_t> sessions;
  for (const std::int64_t id : ids_) {
    if (const auto session_id = sessions_.Of(id)) sessions.insert(*session_id);
  }
  std::string hosts = "SELECT p.host_id FROM process AS p WHERE p.process_id IN " + IdsSql(ids_);
  if (seed_.host_id) hosts = fmt::format("SELECT {}", *seed_.host_id);
  ASSIGN_OR_RETURN(
      const Json rows,
      ReadObjects(store_, "SELECT p.process_id FROM process AS p WHERE p.host_id IN (" + hosts +
                              ") ORDER BY p.start_wall_ns NULLS FIRST, p.process_id"));
  for (const bool of_session : {true, false}) {
    for (const Json& row : rows) {
      const std::int64_t id = NumberIn(row["process_id"]);
      const auto session_id = sessions_.Of(id);
      if (known_.contains(id) || (session_id && sessions.contains(*session_id)) != of_session) {
        continue;
      }
      if (ids_.size() >= limit_) {
        ++left_out;
      } else {
        Add(id);
      }
    }
  }
  return left_out;
}

Result<> GraphProcesses::ReadRows() {
  const std::string ids = IdsSql(ids_);
  ASSIGN_OR_RETURN(Json rows,
                   ReadObjects(store_, fmt::format("SELECT {} FROM process AS p JOIN host AS h "
                                                   "ON h.host_id = p.host_id WHERE "
                                                   "p.process_id IN {}",
                                                   kProcessColumns, ids)));
  for (Json& row : rows) {
    const std::int64_t id = NumberIn(row["process_id"]);
    rows_[id] = std::move(row);
  }
  ASSIGN_OR_RETURN(rows, ReadObjects(store_,
                                     "SELECT x.process_id, x.wall_ns, x.executable, x.command_line "
                                     "FROM exec AS x WHERE x.result = 0 AND x.process_id IN " +
                                         ids +
                                         " QUALIFY row_number() OVER (PARTITION BY "
                                         "x.process_id ORDER BY x.event_id) <= 64 "
                                         "ORDER BY x.event_id"));
  for (Json& row : rows) {
    const std::int64_t id = NumberIn(row["process_id"]);
    row.erase("process_id");
    execs_[id].push_back(std::move(row));
  }
  RETURN_IF_ERROR(Count(files_read_,
                        "SELECT e.process_id, count(DISTINCT e.object_id) FROM event AS e JOIN "
                        "object AS o ON o.object_id = e.object_id WHERE e.kind = 'read' AND "
                        "o.type = 'file' AND e.size_bytes > 0 AND e.process_id IN " +
                            ids + " GROUP BY 1"));
  RETURN_IF_ERROR(Count(files_written_,
                        "SELECT e.process_id, count(DISTINCT e.object_id) FROM event AS e JOIN "
                        "object AS o ON o.object_id = e.object_id WHERE ((e.kind = 'write' AND "
                        "e.size_bytes > 0) OR (e.kind = 'truncate' AND e.result >= 0)) AND "
                        "o.type = 'file' AND e.process_id IN " +
                            ids + " GROUP BY 1"));
  RETURN_IF_ERROR(Count(flows_,
                        "SELECT o.process_id, count(DISTINCT o.flow_id) FROM flow_process AS o "
                        "WHERE o.process_id IN " +
                            ids + " GROUP BY 1"));
  RETURN_IF_ERROR(Count(children_,
                        "SELECT p.parent_process_id, count(*) FROM process AS p WHERE "
                        "p.parent_process_id IN " +
                            ids + " GROUP BY 1"));
  // Who drives a terminal reads from it what was printed.
  RETURN_IF_ERROR(Count(typed_,
                        "SELECT e.process_id, count(*) FROM event AS e JOIN object AS o ON "
                        "o.object_id = e.object_id WHERE e.kind = 'read' AND o.type = 'pty' AND "
                        "e.size_bytes > 0 AND e.process_id IN " +
                            ids +
                            " AND e.event_id NOT IN (SELECT i.event_id FROM io AS i WHERE "
                            "i.pty_master) GROUP BY 1"));
  return Count(rises_,
               "SELECT c.process_id, count(*) FROM credential_change AS c WHERE c.euid = 0 AND "
               "c.before_euid <> 0 AND NOT (c.cause = 'call' AND c.before_uid = 0) AND "
               "c.process_id IN " +
                   ids + " GROUP BY 1");
}

Result<> GraphProcesses::Count(Counts& counts, const std::string& sql) {
  return store::ForEachRow(store_, sql, {}, [&counts](const std::vector<store::Value>& row) {
    counts[store::IntegerOf(row[0]).value_or(0)] = store::IntegerOf(row[1]).value_or(0);
  });
}
// What it had executed last at the moment of the seed; else what it executed first after.
const Json* GraphProcesses::ExecAt(std::int64_t id) const {
  const auto execs = execs_.find(id);
  if (execs == execs_.end() || execs->second.empty()) return nullptr;
  const Json* last = nullptr;
  for (const Json& exec : execs->second) {
    const bool before = !seed_.wall_ns || NumberIn(exec["wall_ns"]) <= *seed_.wall_ns;
    if (before || last == nullptr) last = &exec;
    if (!before) break;
  }
  return last;
}

Json GraphProcesses::ToJson(std::int64_t id, const causality::SubgraphNode* node) const {
  const Json& row = rows_.at(id);
  const Json* const exec = ExecAt(id);
  const std::string name = exec != nullptr
                               ? std::string(BaseName((*exec)["executable"].get<std::string>()))
                           : row["name"].is_string() ? row["name"].get<std::string>()
                                                     : "?";
  std::string label = exec != nullptr ? (*exec)["command_line"].get<std::string>() : "";
  if (label.empty() && row["command_line"].is_string()) {
    label = row["command_line"].get<std::string>();
  }
  Json execs = Json::array();
  if (const auto own = execs_.find(id); own != execs_.end()) {
    for (const Json& one : own->second) {
      if (execs.size() < kExecsShown) execs.push_back(one);
    }
  }
  return {{"process_id", row["process_id"]},
          {"host_id", row["host_id"]},
          {"parent_process_id", row["parent_process_id"]},
          {"pid", row["pid"]},
          {"name", Utf8(name)},
          {"label", Utf8(label.empty() ? name : label)},
          {"executable", exec != nullptr ? (*exec)["executable"] : row["executable"]},
          {"uid", row["uid"]},
          {"euid", row["euid"]},
          {"user", row["user"]},
          {"is_root", row["is_root"]},
          {"rose_to_root", In(rises_, id) > 0},
          {"start_wall_ns", row["start_wall_ns"]},
          {"end_wall_ns", row["end_wall_ns"]},
          {"baseline", row["baseline"]},
          {"is_seed", node != nullptr ? node->is_start : seed_.process_id == id},
          {"is_cause", node != nullptr && node->is_cause},
          {"is_effect", node != nullptr && node->is_effect},
          {"session_id", Exact(sessions_.Of(id))},
          {"typed", In(typed_, id) > 0},
          {"execs", std::move(execs)},
          {"files_read", In(files_read_, id)},
          {"files_written", In(files_written_, id)},
          {"flows", In(flows_, id)},
          {"children", In(children_, id)}};
}

const Json* GraphProcesses::Row(std::int64_t id) const {
  const auto row = rows_.find(id);
  return row == rows_.end() ? nullptr : &row->second;
}

}  // namespace spoor::api
