// SPDX-License-Identifier: Apache-2.0
#include "importers/audit/audit_json.hpp"

#include <fmt/format.h>

#include <charconv>
#include <limits>

#include "importers/text/call_names.hpp"
#include "importers/text/fields.hpp"
#include "importers/text/log_time.hpp"

namespace spoor::importers {
namespace {

std::optional<std::uint32_t> IdAt(JsonObject object, std::string_view key) {
  const auto number = NumberAt(object, key);
  if (!number || *number > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

/// A number as either writer has it: 5, "5", "0x5", and in `hex` places "5" means 0x5.
std::optional<std::uint64_t> ArgumentAt(JsonElement element) {
  std::uint64_t number = 0;
  if (element.get(number) == simdjson::SUCCESS) return number;
  std::string_view text;
  if (element.get(text) != simdjson::SUCCESS) return std::nullopt;
  if (text.starts_with("0x")) text.remove_prefix(2);
  return ParseHexNumber(text);
}

std::optional<std::uint64_t> ArgumentAt(JsonObject object, std::string_view key) {
  JsonElement element;
  if (object.at_key(key).get(element) != simdjson::SUCCESS) return std::nullopt;
  return ArgumentAt(element);
}

/// "0", "-13", "ENOENT": what calls return.
std::optional<std::int64_t> ExitOf(JsonElement element) {
  std::int64_t number = 0;
  if (element.get(number) == simdjson::SUCCESS) return number;
  std::string_view text;
  if (element.get(text) != simdjson::SUCCESS) return std::nullopt;
  if (const auto error = ErrnoOf(text)) return -*error;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(number)
                                                                  : std::nullopt;
}

std::optional<std::int64_t> ExitAt(JsonObject object) {
  JsonElement element;
  if (object.at_key("exit").get(element) != simdjson::SUCCESS) return std::nullopt;
  return ExitOf(element);
}

std::uint32_t ModeOf(std::string_view text) {
  if (text.starts_with("0o")) text.remove_prefix(2);
  std::uint32_t mode = 0;
  std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  return mode;
}

void FillPaths(simdjson::dom::array list, AuditEvent& event) {
  constexpr std::size_t kPathsMax = 64;
  for (const JsonElement element : list) {
    JsonObject object;
    if (element.get(object) != simdjson::SUCCESS) continue;
    AuditPath path;
    path.name = TextAt(object, "name");
    path.nametype = TextAt(object, "nametype");
    path.inode = NumberAt(object, "inode").value_or(0);
    path.device = ParseAuditDevice(TextAt(object, "dev"));
    path.mode = ModeOf(TextAt(object, "mode"));
    path.uid = IdAt(object, "ouid").value_or(0);
    path.gid = IdAt(object, "ogid").value_or(0);
    const std::size_t item = NumberAt(object, "item").value_or(event.paths.size());
    if (item >= kPathsMax) continue;
    if (event.paths.size() <= item) event.paths.resize(item + 1);
    event.paths[item] = std::move(path);
  }
}

void FillTexts(JsonObject object, std::string_view key, std::vector<std::string>& texts) {
  simdjson::dom::array list;
  if (object.at_key(key).get(list) != simdjson::SUCCESS) return;
  for (const JsonElement element : list) texts.push_back(PlainText(element));
}

void FillUsers(JsonObject object, AuditEvent& event) {
  event.uid = IdAt(object, "uid");
  event.euid = IdAt(object, "euid");
  event.suid = IdAt(object, "suid");
  event.fsuid = IdAt(object, "fsuid");
  event.gid = IdAt(object, "gid");
  event.egid = IdAt(object, "egid");
  event.sgid = IdAt(object, "sgid");
  event.fsgid = IdAt(object, "fsgid");
  event.login_uid = IdAt(object, "auid");
}

/// `ip` and `port` as the bytes of a struct sockaddr, which is what raw records have.
std::string SocketBytes(const std::string& ip, std::uint16_t port) {
  if (ip.empty()) return {};
  std::string bytes;
  const bool v6 = ip.find(':') != std::string::npos;
  bytes += v6 ? '\x0a' : '\x02';
  bytes += '\0';
  bytes += static_cast<char>(port >> 8);
  bytes += static_cast<char>(port & 0xff);
  if (v6) bytes.append(4, '\0');
  bytes += AddressBytes(ip);
  return bytes;
}

/// The ids of newer versions: user.id, user.effective.id, user.group.id.
void FillNestedUsers(JsonObject user, AuditEvent& event) {
  const auto of = [&](std::string_view key) -> std::optional<std::uint32_t> {
    const auto inner = ObjectAt(user, key);
    return inner ? IdAt(*inner, "id") : std::nullopt;
  };
  if (!event.uid) event.uid = IdAt(user, "id");
  if (!event.euid) event.euid = of("effective");
  if (!event.suid) event.suid = of("saved");
  if (!event.fsuid) event.fsuid = of("filesystem");
  if (!event.gid) event.gid = of("group");
  if (!event.login_uid) event.login_uid = of("audit");
}

void FillProcess(JsonObject process, AuditEvent& event) {
  event.pid = IdAt(process, "pid");
  event.ppid = IdAt(process, "ppid");
  if (const auto parent = ObjectAt(process, "parent"); parent && !event.ppid) {
    event.ppid = IdAt(*parent, "pid");
  }
  event.command = TextAt(process, "name");
  event.executable = TextAt(process, "exe");
  if (event.executable.empty()) event.executable = TextAt(process, "executable");
  event.working_directory = TextAt(process, "cwd");
  if (event.working_directory.empty()) {
    event.working_directory = TextAt(process, "working_directory");
  }
}

}  // namespace

bool LooksLikeAuditbeat(JsonObject object) {
  return ObjectAt(object, "auditd").has_value() && !TextAt(object, "@timestamp").empty();
}

std::optional<AuditEvent> AuditEventOfAuditbeat(JsonObject object) {
  const auto auditd = ObjectAt(object, "auditd");
  const auto wall_ns = ParseIsoTime(TextAt(object, "@timestamp"), {});
  if (!auditd || !wall_ns || *wall_ns <= 0) return std::nullopt;
  AuditEvent event;
  event.wall_ns = *wall_ns;
  event.serial = NumberAt(*auditd, "sequence").value_or(0);
  if (const auto host = ObjectAt(object, "host")) event.node = TextAt(*host, "name");
  if (const auto process = ObjectAt(object, "process")) {
    FillProcess(*process, event);
    FillTexts(*process, "args", event.argv);
  }
  if (const auto user = ObjectAt(object, "user")) {
    FillUsers(*user, event);
    FillNestedUsers(*user, event);
  }
  const auto data = ObjectAt(*auditd, "data");
  if (data && !TextAt(*data, "syscall").empty()) {
    event.syscall = TextAt(*data, "syscall");
    event.exit = ExitAt(*data);
    event.arguments = {ArgumentAt(*data, "a0"), ArgumentAt(*data, "a1"), ArgumentAt(*data, "a2"),
                       ArgumentAt(*data, "a3")};
    event.success = TextAt(*auditd, "result") != "fail";
    event.key = TextAt(*data, "key");
    event.target_pid = IdAt(*data, "opid");
    event.target_command = TextAt(*data, "ocomm");
  } else {
    std::string type(TextAt(*auditd, "message_type"));
    for (char& letter : type) {
      if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
    }
    if (type.empty()) type = "event";
    event.messages.emplace_back(type, simdjson::minify(*auditd));
  }
  simdjson::dom::array paths;
  if (auditd->at_key("paths").get(paths) == simdjson::SUCCESS) FillPaths(paths, event);
  // Where a connection goes to, or where what was accepted comes from.
  const bool incoming = event.syscall.starts_with("accept") || event.syscall.starts_with("recv");
  if (const auto end = ObjectAt(object, incoming ? "source" : "destination")) {
    event.socket_address =
        SocketBytes(ParseAddress(TextAt(*end, "ip")), PortAt(*end, "port").value_or(0));
  }
  return event;
}

bool LooksLikeLaurel(JsonObject object) {
  const std::string_view id = TextAt(object, "ID");
  return id.find(':') != std::string_view::npos && id.find('.') != std::string_view::npos;
}

std::optional<AuditEvent> AuditEventOfLaurel(JsonObject object) {
  std::string_view id = TextAt(object, "ID");
  AuditEvent event;
  const auto wall_ns = ParseEpochTime(TakeUntil(id, ":"));
  const auto serial = ParseNumber(id);
  if (!wall_ns || *wall_ns <= 0 || !serial) return std::nullopt;
  event.wall_ns = *wall_ns;
  event.serial = *serial;
  event.node = TextAt(object, "NODE");
  for (const simdjson::dom::key_value_pair member : object) {
    JsonObject inner;
    simdjson::dom::array list;
    const bool is_object = member.value.get(inner) == simdjson::SUCCESS;
    if (member.key == "SYSCALL" && is_object) {
      event.syscall = TextAt(inner, "SYSCALL");
      if (event.syscall.empty()) event.syscall = TextAt(inner, "syscall");
      event.success = TextAt(inner, "success") != "no";
      event.exit = ExitAt(inner);
      event.pid = IdAt(inner, "pid");
      event.ppid = IdAt(inner, "ppid");
      FillUsers(inner, event);
      event.login_session = IdAt(inner, "ses");
      event.command = TextAt(inner, "comm");
      event.executable = TextAt(inner, "exe");
      event.key = TextAt(inner, "key");
      event.arguments = {ArgumentAt(inner, "a0"), ArgumentAt(inner, "a1"), ArgumentAt(inner, "a2"),
                         ArgumentAt(inner, "a3")};
      if (inner.at_key("ARGV").get(list) == simdjson::SUCCESS) {
        std::size_t place = 0;
        for (const JsonElement element : list) {
          if (place == event.arguments.size()) break;
          event.arguments[place++] = ArgumentAt(element);
        }
      }
    } else if (member.key == "EXECVE" && is_object) {
      FillTexts(inner, "ARGV", event.argv);
      if (event.argv.empty()) {
        const std::string_view text = TextAt(inner, "ARGV_STR");
        if (!text.empty()) event.argv.emplace_back(text);
      }
    } else if (member.key == "CWD" && is_object) {
      event.working_directory = TextAt(inner, "cwd");
    } else if (member.key == "PATH" && member.value.get(list) == simdjson::SUCCESS) {
      FillPaths(list, event);
    } else if (member.key == "SOCKADDR" && is_object) {
      std::string_view bytes = TextAt(inner, "saddr");
      if (bytes.starts_with("0x")) bytes.remove_prefix(2);
      event.socket_address = HexBytes(bytes).value_or(std::string());
      if (const auto address = ObjectAt(inner, "SADDR"); address && event.socket_address.empty()) {
        event.socket_address = SocketBytes(ParseAddress(TextAt(*address, "addr")),
                                           PortAt(*address, "port").value_or(0));
      }
    } else if (member.key == "OBJ_PID" && is_object) {
      event.target_pid = IdAt(inner, "opid");
      event.target_command = TextAt(inner, "ocomm");
    } else if (member.key == "PROCTITLE" && is_object) {
      std::vector<std::string> words;
      FillTexts(inner, "ARGV", words);
      for (const std::string& word : words) {
        if (!event.title.empty()) event.title += '\0';
        event.title += word;
      }
    } else if (member.key != "ID" && member.key != "NODE" && member.key != "PARENT_INFO" &&
               member.key != "CONTAINER_INFO" && member.key != "EOE") {
      event.messages.emplace_back(std::string(member.key), simdjson::minify(member.value));
    }
  }
  return event;
}

// {"sequence":1,"timestamp":"1521757638.392","messages":[{"type":1300,"data":"arch=…"}]}
std::vector<std::string> AuditLinesOfGoAudit(JsonObject object) {
  constexpr std::size_t kRecordsMax = 256;
  std::vector<std::string> lines;
  const std::optional<std::uint64_t> sequence = NumberAt(object, "sequence");
  const std::string_view time = TextAt(object, "timestamp");
  simdjson::dom::array messages;
  if (!sequence || time.empty() || object.at_key("messages").get(messages) != simdjson::SUCCESS) {
    return lines;
  }
  for (const JsonElement element : messages) {
    JsonObject message;
    if (lines.size() == kRecordsMax || element.get(message) != simdjson::SUCCESS) break;
    lines.push_back(fmt::format("type={} msg=audit({}:{}): {}",
                                NumberAt(message, "type").value_or(0), time, *sequence,
                                TextAt(message, "data")));
  }
  return lines;
}

}  // namespace spoor::importers
