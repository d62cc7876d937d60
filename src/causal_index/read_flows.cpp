// SPDX-License-Identifier: Apache-2.0
// One scan of the events that carry a dependence. Kinds and boots become numbers inside SQL, so
// that whole columns of numbers are handed over.
#include <fmt/format.h>

#include <array>

#include "causal_index/read_store.hpp"
#include "store/row.hpp"
#include "store/store.hpp"

namespace spoor::causal_index {
namespace {

using event::Dependence;
using event::EventKind;
using store::IntegerOf;
using store::Value;

constexpr std::size_t kTerminalsNamedMax = 4096;

/// An event at boot time 0, or at the ends of wall time, had a time that could not be
/// (event/number_range.hpp) and says nothing about the clocks. Of events that end at once it is the
/// one with the lowest id, so that equal segments give equal bytes.
constexpr std::string_view kBootQuery =
    "SELECT host_id, boot_id, min(end_boot_ns) FILTER (WHERE sound), "
    "  arg_min(difference, (end_boot_ns, event_id)) FILTER (WHERE sound), min(end_boot_ns), "
    "  arg_min(difference, (end_boot_ns, event_id)) "
    "FROM (SELECT host_id, boot_id, end_boot_ns, event_id, "
    "    _minus(wall_ns, end_boot_ns) AS difference, end_boot_ns > 0 "
    "    AND wall_ns BETWEEN -4611686018427387903 AND 4611686018427387902 AS sound FROM event) "
    "GROUP BY host_id, boot_id ORDER BY host_id, boot_id";

Result<std::vector<SegmentBoot>> ReadBoots(store::Store& events) {
  std::vector<SegmentBoot> boots;
  const auto sample = [](const Value& end, const Value& difference) -> std::optional<ClockSample> {
    const std::optional<std::int64_t> end_ns = IntegerOf(end);
    if (!end_ns) return std::nullopt;
    return ClockSample{*end_ns, IntegerOf(difference).value_or(0)};
  };
  RETURN_IF_ERROR(store::ForEachRow(events, kBootQuery, {}, [&](const std::vector<Value>& row) {
    boots.push_back({.host_id = IntegerOf(row[0]).value_or(0),
                     .boot_id = store::TextOf(row[1]),
                     .sound = sample(row[2], row[3]),
                     .any = sample(row[4], row[5])});
  }));
  return boots;
}

enum Column : std::size_t {
  kProcess,
  kOtherId,
  kBootNumber,
  kBeginNs,
  kEndNs,
  kEvent,
  kThread,
  kKind,
  kSide,
  kNothing,
  kColumns
};

std::string EventQuery(const std::vector<SegmentBoot>& boots,
                       const std::optional<std::vector<std::int64_t>>& terminals) {
  std::string code = "CASE kind";
  std::string kinds;
  std::string other = "CASE kind";  // what is at the end of the flow where `process_id` is not
  for (const event::KindTraits& traits : event::kKinds) {
    if (traits.dependence == Dependence::kNone) continue;
    code += fmt::format(" WHEN '{}' THEN {}", traits.name, static_cast<unsigned>(traits.kind));
    kinds += fmt::format("{}'{}'", kinds.empty() ? "" : ", ", traits.name);
    if (traits.dependence == Dependence::kProcessToProcess) {
      other += fmt::format(" WHEN '{}' THEN other_process_id", traits.name);
    }
  }
  code += " END";
  other += " ELSE event.object_id END";

  std::string with, joins, boot = "0", side = "0";
  if (boots.size() > 1) {
    std::string rows;
    for (std::size_t i = 0; i < boots.size(); ++i) {
      rows += fmt::format("{}({}::BIGINT, {}, {})", i == 0 ? "" : ", ", boots[i].host_id,
                          store::Quoted(boots[i].boot_id), i);
    }
    with = fmt::format("WITH boot(host_id, boot_id, number) AS (VALUES {})", rows);
    joins = " JOIN boot USING (host_id, boot_id)";
    boot = "boot.number";
  }
  if (!terminals || !terminals->empty()) {
    std::string only;
    for (const std::int64_t id : terminals.value_or(std::vector<std::int64_t>())) {
      only += fmt::format("{}{}", only.empty() ? " WHERE object_id IN (" : ", ", id);
    }
    if (!only.empty()) only += ")";
    with += fmt::format(
        "{} side AS (SELECT event_id, bool_or(pty_master) AS master FROM io{} GROUP BY event_id)",
        with.empty() ? "WITH" : ",", only);
    joins += " LEFT JOIN side USING (event_id)";
    side = "CASE WHEN master IS NULL THEN 0 WHEN master THEN 2 ELSE 1 END";
  }
  // Failed calls moved nothing; a connect in progress (-EINPROGRESS) has begun. O_CREAT is 0x40 and
  // O_TRUNC 0x200 on every machine we run on.
  return fmt::format(
      "{} SELECT process_id, {} AS other_id, {}::BIGINT, event.boot_ns, end_boot_ns, "
      "  event.event_id, tid, ({})::BIGINT, ({})::BIGINT, "
      "  (kind <> 'accept' AND coalesce(size_bytes = 0, false))::BIGINT "
      "FROM event{} WHERE kind IN ({}) AND NOT baseline AND coalesce(other_id, 0) <> 0 "
      "  AND (result >= 0 OR (kind = 'connect' AND result = -115)) "
      "  AND (kind <> 'open' OR (coalesce(flags, 0) & 576) <> 0)",
      with, other, boot, code, side, joins, kinds);
}

}  // namespace

Result<std::optional<std::vector<std::int64_t>>> FindTerminals(store::Store& store) {
  std::vector<std::int64_t> terminals;
  RETURN_IF_ERROR(store::ForEachRow(
      store,
      fmt::format("SELECT object_id FROM object WHERE type = 'pty' ORDER BY object_id LIMIT {}",
                  kTerminalsNamedMax + 1),
      {},
      [&](const std::vector<Value>& row) { terminals.push_back(IntegerOf(row[0]).value_or(0)); }));
  if (terminals.size() > kTerminalsNamedMax) return std::nullopt;
  return terminals;
}

Result<std::vector<std::byte>> ReadFlows(store::Store& events,
                                         const std::optional<std::vector<std::int64_t>>& terminals,
                                         const SourceDigest& source) {
  ASSIGN_OR_RETURN(std::vector<SegmentBoot> boots, ReadBoots(events));
  const std::string query = EventQuery(boots, terminals);
  FlowsPartBuilder builder(std::move(boots));
  ASSIGN_OR_RETURN(const std::unique_ptr<store::RowReader> reader, events.Sql(query));
  std::vector<std::vector<std::int64_t>> columns;
  for (;;) {
    ASSIGN_OR_RETURN(const std::size_t count, reader->NextIntegers(columns));
    if (count == 0) break;
    for (std::size_t row = 0; row < count; ++row) {
      builder.Add({.process_id = columns[kProcess][row],
                   .other_id = columns[kOtherId][row],
                   .boot = static_cast<std::uint32_t>(columns[kBootNumber][row]),
                   .begin_boot_ns = columns[kBeginNs][row],
                   .end_boot_ns = columns[kEndNs][row],
                   .event_id = columns[kEvent][row],
                   .tid = static_cast<std::uint32_t>(columns[kThread][row]),
                   .kind = static_cast<EventKind>(columns[kKind][row]),
                   .side = static_cast<PtySide>(columns[kSide][row]),
                   .moved_nothing = columns[kNothing][row] != 0});
    }
  }
  return builder.Finish(source);
}

}  // namespace spoor::causal_index
