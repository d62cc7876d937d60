// SPDX-License-Identifier: Apache-2.0
#include "schema/documents.hpp"

#include <fmt/format.h>

#include <cstdint>

#include "schema/loss_class.hpp"
#include "schema/tables.hpp"
#include "schema/version.hpp"

namespace spoor::schema {
namespace {

struct MeasureWords {
  std::string_view unit, clock;
};
MeasureWords WordsOf(Measure measure) {
  switch (measure) {
    case Measure::kNone:
      return {};
    case Measure::kId:
      return {.unit = "id", .clock = ""};
    case Measure::kBootNs:
      return {.unit = "ns", .clock = "boot"};
    case Measure::kWallNs:
      return {.unit = "ns", .clock = "wall"};
    case Measure::kNs:
      return {.unit = "ns", .clock = ""};
    case Measure::kBytes:
      return {.unit = "bytes", .clock = ""};
    case Measure::kCount:
      return {.unit = "count", .clock = ""};
  }
  return {};
}

std::string_view NameOf(Merge merge) {
  switch (merge) {
    case Merge::kRow:
      return "";
    case Merge::kKey:
      return "key";
    case Merge::kAny:
      return "any";
    case Merge::kMin:
      return "min";
    case Merge::kMax:
      return "max";
    case Merge::kFirst:
      return "first";
    case Merge::kLatest:
      return "latest";
    case Merge::kTotal:
      return "total";
    case Merge::kAnd:
      return "and";
    case Merge::kRevision:
      return "revision";
  }
  return "";
}

/// `text` inside a cell of a Markdown table.
std::string Cell(std::string_view text) {
  std::string cell;
  for (const char c : text) {
    if (c == '|') cell += '\\';
    cell += c;
  }
  return cell;
}

/// `text` as a JSON string.
std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string ColumnJson(const ColumnDescription& column) {
  const MeasureWords words = WordsOf(column.measure);
  return fmt::format(
      R"({{"name": {}, "type": {}, "nullable": {}, "unit": {}, "clock": {}, "merge": {}, "meaning": {}}})",
      Quoted(column.name), Quoted(column.sql_type), column.nullable, Quoted(words.unit),
      Quoted(words.clock), Quoted(NameOf(column.merge)), Quoted(column.meaning));
}

}  // namespace

std::string TablesMarkdown() {
  std::string text;
  for (const TableDescription& table : Tables()) {
    text += fmt::format("### {}\n\n{}", table.name, table.meaning);
    for (const SortOrder& order : table.sort_orders) {
      text += fmt::format(" Segments in `{}/` are sorted by `{}`.", order.table, order.columns);
    }
    const bool merged = table.is_merged();
    text += merged ? "\n\n| column | type | unit | merge | meaning |\n|---|---|---|---|---|\n"
                   : "\n\n| column | type | unit | meaning |\n|---|---|---|---|\n";
    for (const ColumnDescription& column : table.columns) {
      const MeasureWords words = WordsOf(column.measure);
      text += fmt::format("| `{}` | {}{} | {}{}{} |", column.name, column.sql_type,
                          column.nullable ? ", NULL" : "", words.unit,
                          words.clock.empty() ? "" : ", ", words.clock);
      if (merged) text += fmt::format(" {} |", NameOf(column.merge));
      text += fmt::format(" {} |\n", Cell(column.meaning));
    }
    text += "\n";
  }
  text += "### Values of gap.loss_class\n\n| class | what is missing |\n|---|---|\n";
  for (const LossClassTraits& traits : kLossClasses) {
    text += fmt::format("| `{}` | {} |\n", traits.name, Cell(traits.meaning));
  }
  return text;
}

std::string TablesJson() {
  std::string text = fmt::format("{{\n\"schema_version\": {},\n\"tables\": [", kSchemaVersion);
  std::string_view between = "\n";
  for (const TableDescription& table : Tables()) {
    text += fmt::format("{}{{\"name\": {}, \"meaning\": {}, \"sort_orders\": [", between,
                        Quoted(table.name), Quoted(table.meaning));
    std::string_view comma;
    for (const SortOrder& order : table.sort_orders) {
      text += fmt::format("{}{{\"table\": {}, \"columns\": {}}}", comma, Quoted(order.table),
                          Quoted(order.columns));
      comma = ", ";
    }
    text += "], \"columns\": [";
    comma = "\n";
    for (const ColumnDescription& column : table.columns) {
      text.append(comma).append("  ").append(ColumnJson(column));
      comma = ",\n";
    }
    text += "]}";
    between = ",\n";
  }
  text += "],\n\"loss_classes\": [";
  between = "\n";
  for (const LossClassTraits& traits : kLossClasses) {
    text += fmt::format("{}  {{\"name\": {}, \"meaning\": {}}}", between, Quoted(traits.name),
                        Quoted(traits.meaning));
    between = ",\n";
  }
  return text + "]\n}\n";
}

std::string Fingerprint() {
  // FNV-1a: no secret, and no collision that anybody would look for.
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    hash = (hash ^ 0xff) * 0x100000001b3;
  };
  for (const TableDescription& table : Tables()) {
    add(table.name);
    add(table.split == Split::kHostAndDay ? "host and day" : "flush");
    for (const SortOrder& order : table.sort_orders) {
      add(order.table);
      add(order.columns);
    }
    for (const ColumnDescription& column : table.columns) {
      add(column.name);
      add(column.sql_type);
      add(column.nullable ? "NULL" : "NOT NULL");
      add(NameOf(column.merge));
    }
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace spoor::schema
