// SPDX-License-Identifier: Apache-2.0
#include "importers/zeek/zeek_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/time.hpp"
#include "importers/text/fields.hpp"
#include "importers/text/log_time.hpp"

namespace spoor::importers {
namespace {

constexpr std::size_t kColumnsMax = 4096;

struct KnownField {
  std::string_view name;
  ZeekField field;
};
// Sorted by name.
constexpr std::array kKnownFields{
    KnownField{"community_id", ZeekField::kCommunityId},
    KnownField{"conn_state", ZeekField::kConnState},
    KnownField{"dst", ZeekField::kDestination},
    KnownField{"duration", ZeekField::kDuration},
    KnownField{"gaps", ZeekField::kGaps},
    KnownField{"history", ZeekField::kHistory},
    KnownField{"id.orig_h", ZeekField::kOrigHost},
    KnownField{"id.orig_p", ZeekField::kOrigPort},
    KnownField{"id.resp_h", ZeekField::kRespHost},
    KnownField{"id.resp_p", ZeekField::kRespPort},
    KnownField{"missed_bytes", ZeekField::kMissedBytes},
    KnownField{"msg", ZeekField::kMessage},
    KnownField{"note", ZeekField::kNote},
    KnownField{"orig_bytes", ZeekField::kOrigBytes},
    KnownField{"orig_pkts", ZeekField::kOrigPackets},
    KnownField{"peer", ZeekField::kPeer},
    KnownField{"proto", ZeekField::kProto},
    KnownField{"resp_bytes", ZeekField::kRespBytes},
    KnownField{"resp_pkts", ZeekField::kRespPackets},
    KnownField{"service", ZeekField::kService},
    KnownField{"src", ZeekField::kSource},
    KnownField{"sub", ZeekField::kSub},
    KnownField{"transport_proto", ZeekField::kTransportProto},
    KnownField{"ts", ZeekField::kTs},
    KnownField{"uid", ZeekField::kUid},
};
static_assert(std::is_sorted(kKnownFields.begin(), kKnownFields.end(),
                             [](const auto& a, const auto& b) { return a.name < b.name; }));

/// \xHH as the byte, and in TSV \\ as one backslash, which the JSON writer does not double.
std::string Unescape(std::string_view text, bool doubled) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && text[i + 1] == 'x') {
      if (const auto byte = HexBytes(text.substr(i + 2, 2))) {
        plain += *byte;
        i += 3;
        continue;
      }
    }
    if (doubled && text.substr(i, 2) == "\\\\") ++i;
    plain += text[i];
  }
  return plain;
}

/// What both writers make of one number: six places behind the point, and no zeros at the end.
std::string Decimal(double number) {
  constexpr double kSmallest = 1e-6, kLargest = 1e15;
  const double size = std::fabs(number);
  if (!(size < kLargest) || (size < kSmallest && size > 0)) return fmt::format("{:.6g}", number);
  std::string text = fmt::format("{:.6f}", number);
  text.resize(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

std::string Decimal(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? Decimal(number)
                                                                  : std::string(text);
}

std::string TimeText(std::string_view text) {
  const auto wall_ns = ParseEpochTime(text);
  return wall_ns ? FormatWallTime(*wall_ns) : std::string(text);
}

std::string JsonValue(JsonElement element) {
  std::string_view text;
  if (element.get(text) == simdjson::SUCCESS) {
    const bool date = text.size() > 20 && text[4] == '-' && text[10] == 'T' && text.back() == 'Z';
    if (date) {
      if (const auto wall_ns = ParseIsoTime(text, {})) return FormatWallTime(*wall_ns);
    }
    // The writer spells bytes that are not UTF-8 with \x.
    return text.find('\\') == std::string_view::npos ? std::string(text) : Unescape(text, false);
  }
  double number = 0;
  if (element.is_double() && element.get(number) == simdjson::SUCCESS) return Decimal(number);
  simdjson::dom::array array;
  if (element.get(array) == simdjson::SUCCESS) {
    std::string list;
    bool first = true;
    for (const JsonElement member : array) {
      if (!first) list += ',';
      first = false;
      list += member.is_null() ? std::string("-") : JsonValue(member);
    }
    return list;
  }
  return PlainText(element);
}

void Put(std::string_view name, ZeekField field, std::string value, ZeekRecord& record) {
  if (field != ZeekField::kTs) record.members.emplace_back(name, value);
  if (field != ZeekField::kNone) {
    record.fields[static_cast<std::size_t>(field)] = std::move(value);
  }
}

/// Some who pass logs on have no points in their names: "id_orig_h".
std::string FieldName(std::string_view key) {
  std::string name(key);
  if (name.starts_with("id_orig_") || name.starts_with("id_resp_")) name[2] = '.';
  return name;
}

void FillObject(JsonObject object, std::string_view prefix, ZeekRecord& record) {
  for (const simdjson::dom::key_value_pair member : object) {
    if (member.value.is_null() || record.members.size() >= kColumnsMax) continue;
    if (prefix.empty() && (member.key == "_path" || member.key == "@stream")) {
      record.path = PlainText(member.value);
      continue;
    }
    // What the JSON streaming writer puts before the fields of the log.
    if (prefix.empty() && (member.key.starts_with("_write_") || member.key == "_system_name" ||
                           member.key.starts_with('@'))) {
      continue;
    }
    const std::string name = prefix.empty() ? FieldName(member.key)
                                            : std::string(prefix) + "." + std::string(member.key);
    JsonObject inner;
    if (prefix.empty() && member.value.get(inner) == simdjson::SUCCESS) {
      FillObject(inner, name, record);
      continue;
    }
    Put(name, ZeekFieldOf(name), JsonValue(member.value), record);
  }
}

}  // namespace

ZeekField ZeekFieldOf(std::string_view name) {
  const auto* const found = std::lower_bound(
      kKnownFields.begin(), kKnownFields.end(), name,
      [](const KnownField& known, std::string_view wanted) { return known.name < wanted; });
  return found != kKnownFields.end() && found->name == name ? found->field : ZeekField::kNone;
}

void ZeekRecord::Clear() {
  path.clear();
  members.clear();
  for (std::string& field : fields) field.clear();
}

std::string ZeekRecord::Text() const {
  std::string text;
  for (const auto& [name, value] : members) {
    if (!text.empty()) text += ' ';
    text += name;
    text += '=';
    const bool plain = !value.empty() && value.find_first_of(" \"") == std::string::npos;
    if (plain) {
      text += value;
      continue;
    }
    text += '"';
    for (const char letter : value) {
      if (letter == '"' || letter == '\\') text += '\\';
      text += letter;
    }
    text += '"';
  }
  return text;
}

ZeekTsv::Line ZeekTsv::Take(std::string_view line, ZeekRecord& record) {
  if (line.starts_with('#')) return TakeHeader(line);
  if (columns_.empty()) return Line::kMalformed;
  record.Clear();
  record.path = path_;
  std::size_t column = 0;
  for (bool more = true; more; ++column) {
    const std::size_t end = line.find(separator_);
    const std::string_view text = line.substr(0, end);
    more = end != std::string_view::npos;
    if (more) line.remove_prefix(end + separator_.size());
    if (column >= columns_.size()) return Line::kMalformed;
    if (text == unset_) continue;
    Put(columns_[column].name, columns_[column].field, ValueOf(columns_[column], text), record);
  }
  return column == columns_.size() ? Line::kRecord : Line::kMalformed;
}

std::string ZeekTsv::ValueOf(const Column& column, std::string_view text) const {
  if (text == empty_) return {};
  if (column.is_time && column.field != ZeekField::kTs) return TimeText(text);
  if (column.is_bool) return text == "T" ? "true" : text == "F" ? "false" : std::string(text);
  if (column.is_decimal && !column.is_list) return Decimal(text);
  if (column.is_decimal) {
    std::string list;
    for (bool more = true; more;) {
      const std::size_t end = text.find(set_separator_);
      more = end != std::string_view::npos;
      list += Decimal(text.substr(0, end));
      if (more) {
        list += ',';
        text.remove_prefix(end + set_separator_.size());
      }
    }
    return list;
  }
  return text.find('\\') == std::string_view::npos ? std::string(text) : Unescape(text, true);
}

ZeekTsv::Line ZeekTsv::TakeHeader(std::string_view line) {
  // "#separator \x09" comes before there is a separator; all others are separated by it.
  constexpr std::string_view kSeparator = "#separator ";
  if (line.starts_with(kSeparator)) {
    separator_ = Unescape(line.substr(kSeparator.size()), true);
    if (separator_.empty()) return Line::kMalformed;
    columns_.clear();
    path_.clear();
    return Line::kHeader;
  }
  std::string_view rest = line.substr(1);
  const std::string_view name = TakeUntil(rest, separator_);
  if (name == "set_separator" && !rest.empty()) set_separator_ = Unescape(rest, true);
  if (name == "empty_field") empty_ = rest;
  if (name == "unset_field") unset_ = rest;
  if (name == "path") path_ = rest;
  if (name == "fields") {
    columns_.clear();
    while (!rest.empty()) {
      if (columns_.size() == kColumnsMax) return Line::kMalformed;
      Column& column = columns_.emplace_back();
      column.name = TakeUntil(rest, separator_);
      column.field = ZeekFieldOf(column.name);
    }
  }
  if (name == "types") {
    for (Column& column : columns_) {
      const std::string_view type = TakeUntil(rest, separator_);
      column.is_time = type == "time";
      column.is_bool = type == "bool";
      column.is_list = type.starts_with("set[") || type.starts_with("vector[");
      column.is_decimal = type.find("double") != std::string_view::npos ||
                          type.find("interval") != std::string_view::npos;
    }
  }
  return Line::kHeader;
}

void FillFromJson(JsonObject object, ZeekRecord& record) {
  record.Clear();
  FillObject(object, {}, record);
}

}  // namespace spoor::importers
