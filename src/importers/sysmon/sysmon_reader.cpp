// SPDX-License-Identifier: Apache-2.0
#include "importers/sysmon/sysmon_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "event/unknown_user.hpp"
#include "importers/host_processes.hpp"
#include "importers/text/fields.hpp"
#include "importers/text/json_line.hpp"
#include "importers/text/line_source.hpp"

namespace spoor::importers {
namespace {

using event::EventKind;
using event::ObjectType;

constexpr std::string_view kBegin = "<Event>";
constexpr std::string_view kEnd = "</Event>";

/// The five entities of XML and characters by number (as UTF-8 below 128, else left as they are).
std::string Unescape(std::string_view text) {
  struct Entity {
    std::string_view name;
    char letter;
  };
  constexpr std::array kEntities{Entity{"&lt;", '<'}, Entity{"&gt;", '>'}, Entity{"&quot;", '"'},
                                 Entity{"&apos;", '\''}, Entity{"&amp;", '&'}};
  std::string plain;
  plain.reserve(text.size());
  while (!text.empty()) {
    if (text.front() == '&') {
      const auto* const entity =
          std::find_if(kEntities.begin(), kEntities.end(),
                       [&](const Entity& known) { return text.starts_with(known.name); });
      if (entity != kEntities.end()) {
        plain += entity->letter;
        text.remove_prefix(entity->name.size());
        continue;
      }
      if (text.starts_with("&#")) {
        const std::size_t end = text.find(';');
        const std::string_view digits = text.substr(2, end == std::string_view::npos ? 0 : end - 2);
        const auto number = digits.starts_with('x') || digits.starts_with('X')
                                ? ParseHexNumber(digits.substr(1))
                                : ParseNumber(digits);
        if (number && *number > 0 && *number < 128) {
          plain += static_cast<char>(*number);
          text.remove_prefix(end + 1);
          continue;
        }
      }
    }
    plain += text.front();
    text.remove_prefix(1);
  }
  return plain;
}

/// <Data Name="KEY">value</Data>; empty: there is none, or "-".
std::string DataOf(std::string_view xml, std::string_view key) {
  const auto value = Between(xml, fmt::format("<Data Name=\"{}\">", key), "</Data>");
  if (!value || *value == "-") return {};
  return Unescape(*value);
}

std::string ElementOf(std::string_view xml, std::string_view name) {
  const auto value = Between(xml, fmt::format("<{}>", name), fmt::format("</{}>", name));
  return value ? Unescape(*value) : std::string();
}

std::optional<std::uint32_t> PidOf(const std::string& text) {
  const auto number = ParseNumber(text);
  if (!number || *number == 0 || *number > UINT32_MAX) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

class SysmonReader : public LineSource {
 public:
  explicit SysmonReader(const ImportOptions& options) : options_(options) {}

 protected:
  Line TakeLine(std::string_view line, event::Findings& findings) override {
    if (line.starts_with('{')) {
      const std::optional<JsonObject> object = parser_.Parse(line);
      if (!object) return Line::kMalformed;
      for (const simdjson::dom::key_value_pair member : *object) {
        std::string_view text;
        if (member.value.get(text) == simdjson::SUCCESS &&
            text.find(kBegin) != std::string_view::npos) {
          return TakeXml(text, findings);
        }
      }
      return Line::kNotDecoded;
    }
    if (line.find(kBegin) != std::string_view::npos) return TakeXml(line, findings);
    // A carrier that escaped it once more.
    if (line.find("&lt;Event&gt;") != std::string_view::npos) {
      return TakeXml(Unescape(line), findings);
    }
    return Line::kMalformed;
  }

 private:
  Line TakeXml(std::string_view text, event::Findings& findings) {
    const std::size_t begin = text.find(kBegin);
    const std::size_t end = text.find(kEnd, begin);
    if (end == std::string_view::npos) return Line::kMalformed;
    const std::string_view xml = text.substr(begin, end - begin);
    const auto id = ParseNumber(ElementOf(xml, "EventID"));
    std::string time = DataOf(xml, "UtcTime");
    if (time.empty()) {
      if (const auto system = Between(xml, "<TimeCreated SystemTime=\"", "\"")) time = *system;
    }
    const auto wall_ns = ParseIsoTime(time, {});
    if (!id || !wall_ns || *wall_ns <= 0) return Line::kMalformed;
    const std::string host = ElementOf(xml, "Computer");
    if (TakeEvent(*id, xml, host.empty() ? options_.host : host, *wall_ns, findings)) {
      return Line::kRead;
    }
    event::LogLine& entry = findings.log_lines.emplace_back();
    entry.source = fmt::format("sysmon {}", *id);
    entry.host = host;
    entry.program = "sysmon";
    entry.wall_ns = wall_ns;
    entry.message = xml;
    return Line::kRead;
  }

  bool TakeEvent(std::uint64_t id, std::string_view xml, const std::string& host,
                 std::int64_t wall_ns, event::Findings& findings) {
    const auto pid = PidOf(DataOf(xml, "ProcessId"));
    if (!pid) return false;
    event::Event event;
    event.host = host;
    event.wall_ns = wall_ns;
    event.end_boot_ns = static_cast<std::uint64_t>(wall_ns);
    event.tid = *pid;
    event.uid = event.euid = DataOf(xml, "User") == "root" ? 0 : event::kUnknownUser;
    switch (id) {
      case 1:
        FillExec(xml, event);
        break;
      case 3:
        FillConnection(xml, event);
        break;
      case 5:
        event.kind = EventKind::kExit;
        break;
      case 11:
        event.kind = EventKind::kOpen;
        event.flags = O_CREAT | O_WRONLY;
        FillFile(xml, event);
        break;
      case 23:
        event.kind = EventKind::kUnlink;
        FillFile(xml, event);
        break;
      default:
        return false;
    }
    const HostProcesses::Found found = processes_.Find(host, *pid, wall_ns);
    event.process = found.process;
    if (found.first) TellProcess(id, xml, event, findings);
    if (event.kind == EventKind::kExit) processes_.End(host, *pid);
    findings.events.push_back(std::move(event));
    return true;
  }

  void TellProcess(std::uint64_t id, std::string_view xml, const event::Event& told,
                   event::Findings& findings) {
    event::Event event;
    event.kind = EventKind::kProcess;
    event.baseline = true;
    event.host = told.host;
    event.wall_ns = told.wall_ns;
    event.end_boot_ns = told.end_boot_ns;
    event.process = told.process;
    event.tid = told.tid;
    event.uid = told.uid;
    event.euid = told.euid;
    if (const auto parent = PidOf(DataOf(xml, "ParentProcessId"))) {
      event.parent_process = processes_.Mention(told.host, *parent, told.wall_ns);
    }
    const std::string image = DataOf(xml, "Image");
    if (id != 1 && image.starts_with('/')) {
      event.path = image;
      event.object = {.type = ObjectType::kPath, .path = image};
      event.command = image.substr(image.rfind('/') + 1);
    }
    findings.events.push_back(std::move(event));
  }

  static void FillExec(std::string_view xml, event::Event& event) {
    event.kind = EventKind::kExec;
    event.path = DataOf(xml, "Image");
    if (event.path.starts_with('/')) {
      event.object = {.type = ObjectType::kPath, .path = event.path};
    }
    event.command = event.path.substr(event.path.rfind('/') + 1);
    event.working_directory = DataOf(xml, "CurrentDirectory");
    const std::string command_line = DataOf(xml, "CommandLine");
    for (std::string_view rest = command_line; !rest.empty();) {
      event.arguments.emplace_back(TakeUntil(rest, " "));
    }
  }

  static void FillConnection(std::string_view xml, event::Event& event) {
    const bool initiated = DataOf(xml, "Initiated") == "true";
    event.kind = initiated ? EventKind::kConnect : EventKind::kAccept;
    const std::string protocol = DataOf(xml, "Protocol");
    event::SocketInfo socket;
    std::string source = ParseAddress(DataOf(xml, "SourceIp"));
    std::string destination = ParseAddress(DataOf(xml, "DestinationIp"));
    std::uint16_t source_port = ParsePort(DataOf(xml, "SourcePort")).value_or(0);
    std::uint16_t destination_port = ParsePort(DataOf(xml, "DestinationPort")).value_or(0);
    // The source is who began, wherever it is.
    if (!initiated) {
      std::swap(source, destination);
      std::swap(source_port, destination_port);
    }
    socket.family = source.find(':') == std::string::npos ? "inet" : "inet6";
    socket.type = protocol == "tcp" ? "stream" : "dgram";
    socket.protocol = protocol == "tcp" ? 6 : 17;
    socket.local_ip = source;
    socket.local_port = source_port;
    socket.remote_ip = destination;
    socket.remote_port = destination_port;
    event.socket = std::move(socket);
  }

  static void FillFile(std::string_view xml, event::Event& event) {
    event.path = DataOf(xml, "TargetFilename");
    if (event.path.starts_with('/')) {
      event.object = {.type = ObjectType::kPath, .path = event.path};
    }
  }

  const ImportOptions options_;
  JsonLineParser parser_;
  HostProcesses processes_;
};

}  // namespace

std::unique_ptr<event::EventSource> MakeSysmonReader(const ImportOptions& options) {
  return std::make_unique<SysmonReader>(options);
}

bool LooksLikeSysmon(std::string_view first_bytes) {
  return (first_bytes.find(kBegin) != std::string_view::npos ||
          first_bytes.find("&lt;Event&gt;") != std::string_view::npos) &&
         first_bytes.find("Sysmon") != std::string_view::npos;
}

}  // namespace spoor::importers
