// SPDX-License-Identifier: Apache-2.0
// One flat object of texts for what the collector joined: fields of the call beside those of the
// arguments ("cmdline") and of the paths ("name" of the first, "path_name" and the like of all,
// lists in a text).
#include <charconv>
#include <limits>

#include "importers/audit/audit_json.hpp"
#include "importers/text/fields.hpp"
#include "importers/text/log_time.hpp"

namespace spoor::importers {
namespace {

std::optional<std::uint32_t> IdAt(JsonObject object, std::string_view key) {
  const auto number = NumberAt(object, key);
  if (!number || *number > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

/// Words of a command line in the quoting of a shell.
std::vector<std::string> WordsOf(std::string_view text) {
  std::vector<std::string> words;
  bool open = false;
  char quote = '\0';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char letter = text[i];
    if (quote == '\0' && letter == ' ') {
      open = false;
      continue;
    }
    if (!open) words.emplace_back();
    open = true;
    if (letter == quote) {
      quote = '\0';
    } else if (quote == '\0' && (letter == '"' || letter == '\'')) {
      quote = letter;
    } else if (letter == '\\' && quote != '\'' && i + 1 < text.size()) {
      words.back() += text[++i];
    } else {
      words.back() += letter;
    }
  }
  return words;
}

/// The texts of "[\"a\",\"b\"]".
std::vector<std::string> ListOf(std::string_view text) {
  std::vector<std::string> texts;
  simdjson::dom::parser parser;
  JsonElement element;
  simdjson::dom::array list;
  if (text.empty() ||  // simdjson copies from where it is, also nothing
      parser.parse(text.data(), text.size(), true).get(element) != simdjson::SUCCESS ||
      element.get(list) != simdjson::SUCCESS) {
    return texts;
  }
  for (const JsonElement member : list) texts.push_back(PlainText(member));
  return texts;
}

void FillPaths(JsonObject record, AuditEvent& event) {
  const std::vector<std::string> names = ListOf(TextAt(record, "path_name"));
  const std::vector<std::string> types = ListOf(TextAt(record, "path_nametype"));
  const std::vector<std::string> modes = ListOf(TextAt(record, "path_mode"));
  for (std::size_t i = 0; i < names.size(); ++i) {
    AuditPath& path = event.paths.emplace_back();
    path.name = names[i];
    if (i < types.size()) path.nametype = types[i];
    if (i < modes.size()) {
      std::from_chars(modes[i].data(), modes[i].data() + modes[i].size(), path.mode, 8);
    }
  }
  // The first is told in full.
  const std::string_view name = TextAt(record, "name");
  if (event.paths.empty() && !name.empty()) {
    event.paths.emplace_back().name = name;
    event.paths.back().nametype = TextAt(record, "nametype");
  }
  if (event.paths.empty() || event.paths.front().name != name) return;
  AuditPath& first = event.paths.front();
  first.inode = NumberAt(record, "inode").value_or(0);
  first.device = ParseAuditDevice(TextAt(record, "dev"));
  first.uid = IdAt(record, "ouid").value_or(0);
  first.gid = IdAt(record, "ogid").value_or(0);
}

void FillCall(JsonObject record, AuditEvent& event) {
  event.syscall = TextAt(record, "syscall");
  event.success = TextAt(record, "success") != "no";
  const std::string_view exit = TextAt(record, "exit");
  std::int64_t result = 0;
  const auto [end, error] = std::from_chars(exit.data(), exit.data() + exit.size(), result);
  if (error == std::errc{} && end == exit.data() + exit.size()) event.exit = result;
  for (std::size_t i = 0; i < event.arguments.size(); ++i) {
    const char key[] = {'a', static_cast<char>('0' + i), '\0'};
    event.arguments[i] = ParseHexNumber(TextAt(record, key));
  }
}

void FillRecord(JsonObject record, AuditEvent& event) {
  if (!TextAt(record, "syscall").empty()) FillCall(record, event);
  if (!event.pid) event.pid = IdAt(record, "pid");
  if (!event.ppid) event.ppid = IdAt(record, "ppid");
  if (!event.uid) event.uid = IdAt(record, "uid");
  event.euid = IdAt(record, "euid");
  event.suid = IdAt(record, "suid");
  event.fsuid = IdAt(record, "fsuid");
  event.gid = IdAt(record, "gid");
  event.egid = IdAt(record, "egid");
  event.sgid = IdAt(record, "sgid");
  event.fsgid = IdAt(record, "fsgid");
  event.login_uid = IdAt(record, "auid");
  event.command = TextAt(record, "comm");
  event.executable = TextAt(record, "exe");
  event.key = TextAt(record, "key");
  event.working_directory = TextAt(record, "cwd");
  if (event.node.empty()) event.node = TextAt(record, "node");
  event.argv = WordsOf(TextAt(record, "cmdline"));
  FillPaths(record, event);
}

}  // namespace

bool LooksLikeAuoms(JsonObject object) {
  JsonElement element;
  return object.at_key("SerialNumber").get(element) == simdjson::SUCCESS &&
         object.at_key("Timestamp").get(element) == simdjson::SUCCESS;
}

std::optional<AuditEvent> AuditEventOfAuoms(JsonObject object) {
  const std::string_view time = TextAt(object, "Timestamp");
  auto wall_ns = ParseEpochTime(time);
  if (!wall_ns) wall_ns = ParseIsoTime(time, {});
  const auto serial = NumberAt(object, "SerialNumber");
  if (!wall_ns || *wall_ns <= 0 || !serial) return std::nullopt;
  AuditEvent event;
  event.wall_ns = *wall_ns;
  event.serial = *serial;
  std::vector<JsonObject> records;
  simdjson::dom::array list;
  if (object.at_key("records").get(list) == simdjson::SUCCESS) {
    for (const JsonElement member : list) {
      JsonObject record;
      if (member.get(record) == simdjson::SUCCESS) records.push_back(record);
    }
  } else {
    records.push_back(object);
  }
  for (const JsonObject record : records) {
    const std::string_view type = TextAt(record, "RecordType");
    // A call of which records are missing is told as what it is: a part.
    const bool call = !TextAt(record, "syscall").empty();
    FillRecord(record, event);
    if (!call) event.messages.emplace_back(std::string(type), simdjson::minify(record));
  }
  return event;
}

}  // namespace spoor::importers
