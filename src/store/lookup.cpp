// SPDX-License-Identifier: Apache-2.0
#include "store/lookup.hpp"

#include <charconv>
#include <optional>

#include "base/visible_text.hpp"

namespace spoor::store {
namespace {

constexpr std::size_t kCandidatesShownMax = 10;
constexpr std::size_t kDescriptionCharactersMax = 120;

std::optional<std::int64_t> IntegerOf(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

struct Candidate {
  std::int64_t id;
  std::string description;
};

/// `query` answers with (id, description).
Result<std::vector<Candidate>> ReadCandidates(Store& store, std::string_view query,
                                              const std::vector<Value>& parameters) {
  ASSIGN_OR_RETURN(const std::unique_ptr<RowReader> reader, store.Sql(query, parameters));
  std::vector<Candidate> candidates;
  std::vector<Value> row;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, reader->Next(row));
    if (!more) return candidates;
    candidates.push_back({std::get<std::int64_t>(row[0]), std::get<std::string>(row[1])});
  }
}

/// The id of the only candidate, or an error that helps to choose.
Result<std::int64_t> OnlyOne(const std::vector<Candidate>& candidates, std::string_view what,
                             std::string_view text) {
  if (candidates.empty()) return Fail(ErrorCode::kNotFound, "no {} '{}' in the store", what, text);
  if (candidates.size() == 1) return candidates[0].id;
  std::string list;
  for (std::size_t i = 0; i < candidates.size() && i < kCandidatesShownMax; ++i) {
    list += fmt::format("{} {} ({})", i == 0 ? "" : ",", candidates[i].id,
                        VisibleText(candidates[i].description, kDescriptionCharactersMax));
  }
  if (candidates.size() > kCandidatesShownMax) list += ", …";
  return Fail(ErrorCode::kInvalidArgument, "{} '{}' matches {} in the store, give the id of one:{}",
              what, text, candidates.size(), list);
}

}  // namespace

Result<std::vector<std::int64_t>> ReadIntegers(Store& store, std::string_view query,
                                               const std::vector<Value>& parameters) {
  ASSIGN_OR_RETURN(const std::unique_ptr<RowReader> reader, store.Sql(query, parameters));
  std::vector<std::int64_t> integers;
  std::vector<Value> row;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, reader->Next(row));
    if (!more) return integers;
    if (const auto* integer = std::get_if<std::int64_t>(&row.at(0))) integers.push_back(*integer);
  }
}

Result<std::int64_t> FindProcess(Store& store, std::string_view text) {
  const std::size_t at = text.find('@');
  const std::optional<std::int64_t> number = IntegerOf(text.substr(0, at));
  std::optional<std::int64_t> start_boot_ns;
  if (at != std::string_view::npos) start_boot_ns = IntegerOf(text.substr(at + 1));
  if (!number || (at != std::string_view::npos && !start_boot_ns)) {
    return Fail(ErrorCode::kInvalidArgument,
                "'{}' is not a process: give a process_id, a pid or pid@start_boot_ns", text);
  }
  const Narrowed narrowed(store);
  if (at == std::string_view::npos) {
    RETURN_IF_ERROR(store.Narrow("process", "process_id", {*number}));
    ASSIGN_OR_RETURN(
        const std::vector<std::int64_t> ids,
        ReadIntegers(store, "SELECT process_id FROM process WHERE process_id = $1", {*number}));
    if (!ids.empty()) return ids[0];
  }
  // All rows of a process have its pid.
  RETURN_IF_ERROR(store.Narrow("process", "pid", {*number}));
  ASSIGN_OR_RETURN(const std::vector<Candidate> candidates,
                   ReadCandidates(store, R"(
        SELECT process_id, concat('on ', host.name, ' from ',
                 coalesce(strftime(make_timestamp_ns(start_wall_ns), '%Y-%m-%dT%H:%M:%SZ'),
                          start_boot_ns || ' ns after boot'),
                 ': ', coalesce(command_line, process.name, '?'))
        FROM process LEFT JOIN host USING (host_id)
        WHERE pid = $1 AND ($2 < 0 OR start_boot_ns = $2)
        ORDER BY start_boot_ns, process_id)",
                                  {*number, start_boot_ns.value_or(-1)}));
  return OnlyOne(candidates, "process", text);
}

Result<std::vector<std::int64_t>> FindFile(Store& store, std::string_view path) {
  std::vector<std::int64_t> ids;
  if (const std::optional<std::int64_t> number = IntegerOf(path)) {
    ASSIGN_OR_RETURN(
        ids, ReadIntegers(store, "SELECT object_id FROM object WHERE object_id = $1", {*number}));
  } else {
    ASSIGN_OR_RETURN(ids, ReadIntegers(store,
                                       "SELECT object_id FROM _called(CAST($1 AS VARCHAR)) "
                                       "GROUP BY object_id ORDER BY min(from_boot_ns), object_id",
                                       {std::string(path)}));
  }
  if (ids.empty()) return Fail(ErrorCode::kNotFound, "no file '{}' in the store", path);
  return ids;
}

Result<std::int64_t> FindFlow(Store& store, std::string_view text) {
  constexpr const char* kDescribed =
      "SELECT flow_id, concat(transport, ' ', source_ip, ':', source_port, ' -> ', "
      "destination_ip, ':', destination_port, ' from ', "
      "strftime(make_timestamp_ns(begin_wall_ns), '%Y-%m-%dT%H:%M:%SZ')) FROM flow WHERE ";
  if (const std::optional<std::int64_t> number = IntegerOf(text)) {
    ASSIGN_OR_RETURN(const std::vector<Candidate> candidates,
                     ReadCandidates(store, std::string(kDescribed) + "flow_id = $1", {*number}));
    return OnlyOne(candidates, "flow", text);
  }
  const std::size_t colon = text.rfind(':');
  std::optional<std::int64_t> port;
  if (colon != std::string_view::npos) port = IntegerOf(text.substr(colon + 1));
  if (!port) {
    return Fail(ErrorCode::kInvalidArgument, "'{}' is not a flow: give a flow_id or ADDRESS:PORT",
                text);
  }
  std::string_view address = text.substr(0, colon);
  if (address.starts_with('[') && address.ends_with(']')) {
    address = address.substr(1, address.size() - 2);
  }
  // What others saw of a connection is left out where a sensor saw it; else one of them stands for
  // it.
  ASSIGN_OR_RETURN(
      const std::vector<Candidate> candidates,
      ReadCandidates(store,
                     std::string(kDescribed) +
                         "((source_ip = $1 AND source_port = $2) OR (destination_ip = $1 AND "
                         "destination_port = $2)) QUALIFY observer = 'sensor' OR row_number() OVER "
                         "(PARTITION BY coalesce(connection_id, flow_id) ORDER BY observer = "
                         "'sensor' DESC, flow_id) = 1 ORDER BY begin_wall_ns, flow_id",
                     {std::string(address), *port}));
  return OnlyOne(candidates, "flow", text);
}

Result<std::vector<std::int64_t>> FindRecordedFlows(Store& store, std::int64_t flow_id) {
  ASSIGN_OR_RETURN(
      const std::vector<std::int64_t> ids,
      ReadIntegers(store,
                   "SELECT flow_id FROM _flow_seen WHERE observer = 'sensor' AND flow_id = $1",
                   {flow_id}));
  if (!ids.empty()) return ids;
  ASSIGN_OR_RETURN(
      std::vector<std::int64_t> ends,
      ReadIntegers(store,
                   "SELECT f.flow_id FROM flow AS f WHERE f.observer = 'sensor' AND "
                   "f.connection_id IN (SELECT o.connection_id FROM flow AS o WHERE o.flow_id = "
                   "$1) ORDER BY f.begin_wall_ns, f.flow_id",
                   {flow_id}));
  if (!ends.empty()) return ends;
  ASSIGN_OR_RETURN(const std::vector<Candidate> reasons,
                   ReadCandidates(store,
                                  "SELECT flow_id, reason FROM _flow_without_process WHERE "
                                  "flow_id = $1",
                                  {flow_id}));
  return Fail(ErrorCode::kNotFound, "flow {}: no process is known of it: {}", flow_id,
              reasons.empty() ? std::string("it is not in the store") : reasons[0].description);
}

Result<std::vector<std::int64_t>> FindAlert(Store& store, std::string_view text) {
  const std::optional<std::int64_t> number = IntegerOf(text);
  if (!number) return Fail(ErrorCode::kInvalidArgument, "'{}' is not an alert_id", text);
  ASSIGN_OR_RETURN(
      const std::vector<std::int64_t> alerts,
      ReadIntegers(store, "SELECT alert_id FROM _alert_seen WHERE alert_id = $1", {*number}));
  if (alerts.empty()) return Fail(ErrorCode::kNotFound, "no alert '{}' in the store", text);
  ASSIGN_OR_RETURN(
      const std::vector<std::int64_t> flows,
      ReadIntegers(store, "SELECT flow_id FROM _alert_seen WHERE alert_id = $1", {*number}));
  if (flows.empty()) {
    return Fail(ErrorCode::kNotFound, "alert {}: it is on no flow that is known", *number);
  }
  return FindRecordedFlows(store, flows[0]);
}

}  // namespace spoor::store
