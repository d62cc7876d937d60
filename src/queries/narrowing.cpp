// SPDX-License-Identifier: Apache-2.0
#include "queries/narrowing.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "store/lookup.hpp"
#include "store/row.hpp"

namespace spoor::queries {
namespace {

using Ids = std::set<std::int64_t>;

/// Beyond it nearly every row group holds one of them, and the list itself costs.
constexpr std::size_t kIdsMax = 5000;

std::vector<store::Value> ValuesOf(const Ids& ids) {
  return {ids.begin(), ids.end()};
}

std::optional<std::int64_t> IdIn(const std::map<std::string, std::string>& values,
                                 const std::string& name) {
  const auto found = values.find(name);
  if (found == values.end()) return std::nullopt;
  std::int64_t id = 0;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return id;
}

std::string ListOf(const Ids& ids) {
  return fmt::format("{}", fmt::join(ids, ", "));
}

/// The look-ups of one question.
class Narrowing {
 public:
  Narrowing(store::Store& store, const std::set<std::string>& reach)
      : store_(store), reach_(reach) {}

  /// What `path`, an SQL literal, was the name of.
  Result<> ToFile(const std::string& path) {
    ASSIGN_OR_RETURN(const bool names_move, NamesMove());
    const bool one_name = path.find('*') == std::string::npos;
    if (!names_move && one_name && path.size() > 2) {
      std::string text = path.substr(1, path.size() - 2);
      for (std::size_t i = text.find("''"); i != text.npos; i = text.find("''", i + 1)) {
        text.erase(i, 1);
      }
      RETURN_IF_ERROR(store_.Narrow("object_name", "path", {std::move(text)}));
    }
    ASSIGN_OR_RETURN(const Ids objects,
                     Ask(fmt::format("SELECT DISTINCT object_id FROM _objects_called({}) LIMIT {}",
                                     path, kIdsMax + 1)));
    RETURN_IF_ERROR(store_.Widen());
    if (objects.size() > kIdsMax) return {};
    if (!names_move) RETURN_IF_ERROR(By("object_name", "object_id", objects));
    RETURN_IF_ERROR(By("object", "object_id", objects));
    RETURN_IF_ERROR(By("event_by_object", "object_id", objects));
    ASSIGN_OR_RETURN(
        const Ids processes,
        Ask(fmt::format("SELECT DISTINCT process_id FROM event_by_object WHERE kind IN ('write', "
                        "'send', 'truncate') OR (kind = 'open' AND flags & 512 <> 0) LIMIT {}",
                        kIdsMax + 1)));
    return By("process", "process_id", processes);
  }

  Result<> ToProcess(std::int64_t process_id) {
    processes_ = {process_id};
    return ToProcesses("TRUE");
  }

  Result<> ToLine(std::int64_t process_id) {
    ASSIGN_OR_RETURN(const bool known, AddLine(process_id));
    return known ? ToProcesses("TRUE") : store_.Widen();
  }

  /// `sessions`: which session a process is of may be asked, which those above it tell.
  Result<> ToTrees(const std::vector<std::int64_t>& tops, bool sessions) {
    for (const std::int64_t top : tops) {
      if (!sessions) continue;
      ASSIGN_OR_RETURN(const bool known, AddLine(top));
      if (!known) return store_.Widen();
    }
    Ids above = processes_;
    for (const std::int64_t top : tops) above.erase(top);
    for (const std::int64_t top : tops) {
      ASSIGN_OR_RETURN(const bool known, AddDescendants(top));
      if (!known) return store_.Widen();
    }
    if (above.empty()) return ToProcesses("TRUE");
    // Of those above only whether they listened is asked (_session_walk.sql).
    return ToProcesses(OnlyDescriptorsOf(above));
  }

  Result<> ToKin(const std::vector<std::int64_t>& process_ids) {
    const Ids asked(process_ids.begin(), process_ids.end());
    ASSIGN_OR_RETURN(Ids above, Closure(asked, "process_id", "parent_process_id"));
    ASSIGN_OR_RETURN(const Ids below, Closure(asked, "parent_process_id", "process_id"));
    if (above.size() > kIdsMax || below.size() > kIdsMax) return store_.Widen();
    processes_ = above;
    processes_.insert(below.begin(), below.end());
    for (const std::int64_t id : below) above.erase(id);
    if (above.empty()) return ToProcesses("TRUE");
    // Of those above only whether they listened is asked, but for those of the same sessions.
    RETURN_IF_ERROR(ToProcesses(OnlyDescriptorsOf(above)));
    ASSIGN_OR_RETURN(
        const Ids own,
        Ask(fmt::format(
            "SELECT DISTINCT l.process_id FROM _line_before((SELECT list({{'key': a.id, "
            "'process_id': a.id, 'boot_ns': 0}}) FROM (SELECT unnest([{}]) AS id) AS "
            "a)) AS l",
            ListOf(asked))));
    for (const std::int64_t id : own) above.erase(id);
    return ToProcesses(above.empty() ? "TRUE" : OnlyDescriptorsOf(above));
  }

 private:
  Result<Ids> Ask(const std::string& sql) {
    ASSIGN_OR_RETURN(const std::vector<std::int64_t> found, store::ReadIntegers(store_, sql, {}));
    return Ids(found.begin(), found.end());
  }

  /// `ids`, and all that `next_of` of rows of process leads to whose `column` is among them.
  Result<Ids> Closure(const Ids& ids, const char* column, const char* next_of) {
    Ids seen = ids;
    for (Ids next = ids; !next.empty() && seen.size() <= kIdsMax;) {
      RETURN_IF_ERROR(store_.Narrow("process", column, ValuesOf(next)));
      ASSIGN_OR_RETURN(const Ids found, Ask(fmt::format("SELECT DISTINCT {} FROM process LIMIT {}",
                                                        next_of, kIdsMax + 1)));
      next.clear();
      for (const std::int64_t id : found) {
        if (seen.insert(id).second) next.insert(id);
      }
    }
    RETURN_IF_ERROR(store_.Widen());
    return seen;
  }

  static std::string OnlyDescriptorsOf(const Ids& above) {
    return fmt::format("(process_id NOT IN ({}) OR kind = 'descriptor')", ListOf(above));
  }

  /// Narrows `table`, if the question reads it and few rows are meant.
  Result<> By(const char* table, std::string_view column, const Ids& ids) {
    if (!reach_.contains(table) || ids.size() > kIdsMax) return {};
    return store_.Narrow(table, column, ValuesOf(ids));
  }

  /// Whether the names of some objects follow from those of others (store/lookups.sql).
  Result<bool> NamesMove() {
    ASSIGN_OR_RETURN(const Ids found, Ask("SELECT 1 FROM gap WHERE loss_class = 'name' LIMIT 1"));
    return !found.empty();
  }

  /// Adds a process and its ancestors. False: they have no end.
  Result<bool> AddLine(std::int64_t process_id) {
    for (Ids next{process_id}; !next.empty();) {
      RETURN_IF_ERROR(store_.Narrow("process", "process_id", ValuesOf(next)));
      ASSIGN_OR_RETURN(Ids parents, Ask("SELECT parent_process_id FROM process"));
      processes_.insert(next.begin(), next.end());
      for (const std::int64_t parent : parents) {
        if (processes_.contains(parent)) return false;
      }
      next = std::move(parents);
    }
    return true;
  }

  /// Adds all that may descend from a process. False: they are too many, or have no end.
  Result<bool> AddDescendants(std::int64_t process_id) {
    processes_.insert(process_id);
    for (Ids next{process_id}; !next.empty();) {
      // Whatever row said so: the question itself asks which of them is right.
      RETURN_IF_ERROR(store_.Narrow("process", "parent_process_id", ValuesOf(next)));
      ASSIGN_OR_RETURN(Ids children,
                       Ask(fmt::format("SELECT process_id FROM process LIMIT {}", kIdsMax + 1)));
      for (const std::int64_t child : children) {
        if (!processes_.insert(child).second) return false;
      }
      if (processes_.size() > kIdsMax) return false;
      next = std::move(children);
    }
    return true;
  }

  /// `of_objects`: the condition on events whose objects are looked at.
  Result<> ToProcesses(const std::string& of_objects) {
    RETURN_IF_ERROR(store_.Widen());
    if (processes_.size() > kIdsMax) return {};
    for (const char* const table : {"process", "io", "credential_change"}) {
      RETURN_IF_ERROR(By(table, "process_id", processes_));
    }
    const bool of_all =
        reach_.contains("object") || reach_.contains("object_name") || reach_.contains("socket");
    for (const char* const table : {"event", "exec"}) {
      if (!of_all && !reach_.contains(table)) continue;
      RETURN_IF_ERROR(store_.Narrow(table, "process_id", ValuesOf(processes_)));
    }
    if (of_all) RETURN_IF_ERROR(ToObjects(of_objects));
    if (reach_.contains("event_by_object")) RETURN_IF_ERROR(ToNamesMade());
    return reach_.contains("_flow_seen") ? ToFlows() : Result<>();
  }

  /// To the objects that the rows name which are left.
  Result<> ToObjects(const std::string& of_objects) {
    ASSIGN_OR_RETURN(
        const Ids objects,
        Ask(fmt::format("FROM (SELECT object_id FROM event WHERE {0} UNION SELECT other_object_id "
                        "FROM event WHERE {0} UNION SELECT object_id FROM exec) AS named LIMIT {1}",
                        of_objects, kIdsMax + 2)));  // NULL may be among them
    RETURN_IF_ERROR(By("object", "object_id", objects));
    RETURN_IF_ERROR(By("socket", "object_id", objects));
    if (!reach_.contains("object_name") || objects.size() > kIdsMax) return {};
    ASSIGN_OR_RETURN(const bool names_move, NamesMove());
    return names_move ? Result<>() : By("object_name", "object_id", objects);
  }

  /// To the events of whoever under the names that they opened to make, which tell whether there
  /// was a file (files_touched.sql).
  Result<> ToNamesMade() {
    std::vector<store::Value> names;
    RETURN_IF_ERROR(store::ForEachRow(
        store_,
        fmt::format("SELECT DISTINCT coalesce(e.path, o.path) AS path FROM event AS e LEFT JOIN "
                    "object AS o ON o.object_id = e.object_id WHERE e.kind = 'open' AND (e.flags & "
                    "64) <> 0 AND coalesce(e.path, o.path) IS NOT NULL LIMIT {}",
                    kIdsMax + 1),
        {}, [&names](const std::vector<store::Value>& row) { names.push_back(row[0]); }));
    if (names.size() > kIdsMax) return {};
    return store_.Narrow("event_by_object", "path", names);
  }

  /// To the flows that they took part in, with all who did.
  Result<> ToFlows() {
    ASSIGN_OR_RETURN(const Ids flows,
                     Ask(fmt::format("SELECT DISTINCT flow_id FROM _flow_process_seen WHERE "
                                     "process_id IN ({}) LIMIT {}",
                                     ListOf(processes_), kIdsMax + 1)));
    if (flows.size() > kIdsMax) return {};
    RETURN_IF_ERROR(store_.Narrow("flow_process", "flow_id", ValuesOf(flows)));
    return store_.Narrow("flow", "flow_id", ValuesOf(flows));
  }

  store::Store& store_;
  const std::set<std::string>& reach_;
  Ids processes_;
};

}  // namespace

bool IsNarrowing(std::string_view word) {
  return word == "file" || word == "process" || word == "line" || word == "tree";
}

Result<> NarrowToKin(store::Store& store, const std::vector<std::int64_t>& process_ids,
                     const std::set<std::string>& reach) {
  return Narrowing(store, reach).ToKin(process_ids);
}

Result<> NarrowTo(store::Store& store, std::string_view word,
                  const std::map<std::string, std::string>& values,
                  const std::set<std::string>& reach, bool sessions) {
  Narrowing narrowing(store, reach);
  if (word == "file") {
    const auto path = values.find("path");
    return path == values.end() ? Result<>() : narrowing.ToFile(path->second);
  }
  const std::optional<std::int64_t> process_id = IdIn(values, "process");
  if (word == "process" && process_id) return narrowing.ToProcess(*process_id);
  if (word == "line" && process_id) return narrowing.ToLine(*process_id);
  if (word != "tree") return {};
  std::vector<std::int64_t> tops;
  if (process_id) tops.push_back(*process_id);
  if (const auto session_id = IdIn(values, "session")) {
    tops.push_back(*session_id);
    sessions = true;
  }
  return tops.empty() ? Result<>() : narrowing.ToTrees(tops, sessions);
}

}  // namespace spoor::queries
