// SPDX-License-Identifier: Apache-2.0
#include "importers/audit/audit_record.hpp"

#include <algorithm>
#include <array>

#include "importers/audit/audit_interpreted.hpp"
#include "importers/text/fields.hpp"

namespace spoor::importers {
namespace {

constexpr std::size_t kFieldsMax = 1 << 16;

// Types that syslog lines of the kernel have as numbers. Source: linux/audit.h.
struct TypeNumber {
  std::string_view number, name;
};
constexpr std::array kTypeNumbers{
    TypeNumber{"1006", "LOGIN"},      TypeNumber{"1300", "SYSCALL"},
    TypeNumber{"1302", "PATH"},       TypeNumber{"1303", "IPC"},
    TypeNumber{"1304", "SOCKETCALL"}, TypeNumber{"1305", "CONFIG_CHANGE"},
    TypeNumber{"1306", "SOCKADDR"},   TypeNumber{"1307", "CWD"},
    TypeNumber{"1309", "EXECVE"},     TypeNumber{"1318", "OBJ_PID"},
    TypeNumber{"1319", "TTY"},        TypeNumber{"1320", "EOE"},
    TypeNumber{"1321", "BPRM_FCAPS"}, TypeNumber{"1326", "SECCOMP"},
    TypeNumber{"1327", "PROCTITLE"},  TypeNumber{"1400", "AVC"},
    TypeNumber{"1701", "ANOM_ABEND"}};

/// Fields that are text of others: quoted, or hexadecimal where they hold odd bytes.
bool IsEncoded(std::string_view type, std::string_view name) {
  constexpr std::array<std::string_view, 18> kNames{
      "comm", "exe",  "cwd",  "name",  "proctitle", "key", "acct", "cmd",      "data",
      "dir",  "file", "path", "ocomm", "watch",     "op",  "unit", "terminal", "hostname"};
  if (type == "EXECVE") return name.starts_with('a') && name != "argc";
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

bool IsHexLetter(char letter) {
  return (letter >= '0' && letter <= '9') || (letter >= 'A' && letter <= 'F');
}

std::string Decoded(std::string_view type, std::string_view name, std::string_view value) {
  // Of words that happen to be hexadecimal, only fields are decoded that the kernel encodes.
  const bool encoded = IsEncoded(type, name) && value.size() >= 2 && value.size() % 2 == 0 &&
                       std::all_of(value.begin(), value.end(), IsHexLetter);
  // "op" and the like are plain words of the audit daemon unless they are long.
  const bool word = (name == "op" || name == "unit" || name == "terminal" || name == "hostname") &&
                    value.size() < 8;
  if (encoded && !word) {
    if (auto bytes = HexBytes(value)) return *std::move(bytes);
  }
  return std::string(value);
}

/// "name=value name="value" msg='name=value …'", with words between that are none.
void ParseFields(std::string_view text, AuditRecord& record) {
  while (!text.empty() && record.fields.size() < kFieldsMax) {
    const std::size_t begin = text.find_first_not_of(" ,\t");
    if (begin == std::string_view::npos) return;
    text.remove_prefix(begin);
    const std::size_t equals = text.find_first_of("= ");
    if (equals == std::string_view::npos) return;
    if (text[equals] == ' ') {
      text.remove_prefix(equals);
      continue;
    }
    std::string_view name = text.substr(0, equals);
    text.remove_prefix(equals + 1);
    while (name.starts_with('(') || name.starts_with('\'')) name.remove_prefix(1);
    if (!text.empty() && text.front() == '\'') {
      // What a program said of itself: its fields are the record's.
      text.remove_prefix(1);
      const std::size_t end = text.rfind('\'');
      const std::string_view inner = text.substr(0, end);
      text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
      ParseFields(inner, record);
      continue;
    }
    if (!text.empty() && text.front() == '"') {
      const std::size_t end = text.find('"', 1);
      const std::string_view value = text.substr(1, end == std::string_view::npos ? end : end - 1);
      record.fields.emplace_back(name, value);
      text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
      continue;
    }
    const std::size_t end = std::min(text.find(' '), text.size());
    std::string_view value = text.substr(0, end);
    while (value.ends_with(',') || value.ends_with(')')) {
      if (value == "(null)" || value == "(none)") break;
      value.remove_suffix(1);
    }
    if (value != "(null)" && value != "(none)" && value != "?") {
      record.fields.emplace_back(name, Decoded(record.type, name, value));
    }
    text.remove_prefix(end);
  }
}

}  // namespace

const std::string* AuditRecord::Find(std::string_view name) const {
  for (const auto& [key, value] : fields) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::optional<std::uint64_t> AuditRecord::Number(std::string_view name) const {
  const std::string* const value = Find(name);
  return value == nullptr ? std::nullopt : ParseNumber(*value);
}

std::optional<std::uint64_t> AuditRecord::Hex(std::string_view name) const {
  const std::string* const value = Find(name);
  return value == nullptr ? std::nullopt : ParseHexNumber(*value);
}

std::optional<AuditRecord> ParseAuditRecord(std::string_view line, const TimeReading& reading) {
  constexpr std::string_view kType = "type=";
  constexpr std::string_view kMark = "audit(";
  const std::size_t mark = line.find(kMark);
  const std::size_t type_at = line.substr(0, mark).rfind(kType);
  if (mark == std::string_view::npos || type_at == std::string_view::npos) return std::nullopt;
  AuditRecord record;
  if (const auto node = Between(line.substr(0, type_at), "node=", " ")) record.node = *node;
  std::string_view rest = line.substr(type_at + kType.size());
  record.type = rest.substr(0, rest.find(' '));
  for (const TypeNumber& known : kTypeNumbers) {
    if (known.number == record.type) record.type = known.name;
  }
  if (record.type.starts_with("UNKNOWN[") && record.type.ends_with(']')) {
    record.type = record.type.substr(8, record.type.size() - 9);
  }

  rest = line.substr(mark + kMark.size());
  const std::size_t close = rest.find(')');
  if (close == std::string_view::npos) return std::nullopt;
  const std::string_view stamp = rest.substr(0, close);
  const std::size_t colon = std::min(stamp.rfind(':'), stamp.size());
  auto wall_ns = ParseEpochTime(stamp.substr(0, colon));
  const bool interpreted = !wall_ns;
  if (interpreted) wall_ns = ParseInterpretedTime(stamp.substr(0, colon), reading);
  const auto serial = ParseNumber(stamp.substr(std::min(colon + 1, stamp.size())));
  if (!wall_ns || *wall_ns <= 0 || !serial) return std::nullopt;
  record.wall_ns = *wall_ns;
  record.serial = *serial;
  rest.remove_prefix(close + 1);
  rest = Trim(rest);
  if (rest.starts_with(':')) rest.remove_prefix(1);
  rest = Trim(rest);
  // Behind the group separator the daemon wrote what numbers mean on the host that logged.
  constexpr char kEnriched = '\x1d';
  const std::size_t enriched = rest.find(kEnriched);
  std::string_view meanings;
  if (enriched != std::string_view::npos) {
    meanings = rest.substr(enriched + 1);
    rest = Trim(rest.substr(0, enriched));
  }
  record.text = rest;
  if (interpreted) {
    ParseInterpretedFields(rest, record);
    return record;
  }
  ParseFields(rest, record);
  if (!meanings.empty()) ParseFields(meanings, record);
  return record;
}

}  // namespace spoor::importers
