// SPDX-License-Identifier: Apache-2.0
#include "importers/p0f/p0f_reader.hpp"

#include <fmt/format.h>

#include "importers/text/fields.hpp"
#include "importers/text/line_source.hpp"

namespace spoor::importers {
namespace {

constexpr std::string_view kObserver = "p0f";

/// "1.2.3.4/80".
std::optional<AddressAndPort> ParseEnd(std::string_view text) {
  const std::size_t slash = text.rfind('/');
  AddressAndPort end;
  end.ip = ParseAddress(text.substr(0, slash));
  if (slash != std::string_view::npos) end.port = ParsePort(text.substr(slash + 1));
  if (end.ip.empty()) return std::nullopt;
  return end;
}

class P0fReader : public LineSource {
 public:
  explicit P0fReader(const ImportOptions& options) : options_(options) {}

 protected:
  Line TakeLine(std::string_view line, event::Findings& findings) override {
    return line.starts_with('<') ? TakeOld(line, findings) : TakeNew(line, findings);
  }

 private:
  /// "[2011/09/27 18:07:20] mod=syn|cli=…/…|srv=…/…|subj=cli|os=Linux 3.x|…"
  Line TakeNew(std::string_view line, event::Findings& findings) const {
    const auto time = Between(line, "[", "]");
    const auto wall_ns = time ? ParseSlashedTime(*time, options_.time) : std::nullopt;
    if (!wall_ns || !line.starts_with('[')) return Line::kMalformed;
    const std::string_view message = Trim(line.substr(time->size() + 2));
    std::string_view module, client_text, server_text, subject, os;
    for (std::string_view rest = message; !rest.empty();) {
      std::string_view value = TakeUntil(rest, "|");
      const std::string_view key = TakeUntil(value, "=");
      if (key == "mod") module = value;
      if (key == "cli") client_text = value;
      if (key == "srv") server_text = value;
      if (key == "subj") subject = value;
      if (key == "os") os = value;
    }
    const auto client = ParseEnd(client_text), server = ParseEnd(server_text);
    if (module.empty() || !client || !server) return Line::kMalformed;
    if (os.empty() || os == "???") {
      AddLine(*wall_ns, message, findings);
      return Line::kRead;
    }
    event::FingerprintSighting& fingerprint = findings.fingerprints.emplace_back();
    fingerprint.ip = subject == "srv" ? server->ip : client->ip;
    fingerprint.os = os;
    fingerprint.method = fmt::format("p0f {}", module);
    fingerprint.wall_ns = *wall_ns;
    SetFlow(*client, *server, *wall_ns, fingerprint.flow);
    return Line::kRead;
  }

  /// "<1139566210> 1.2.3.4:4000 - Linux 2.6 (newer, 3) (up: 10 hrs) -> 5.6.7.8:80 (distance 0, …)"
  Line TakeOld(std::string_view line, event::Findings& findings) const {
    const auto time = Between(line, "<", ">");
    if (!time) return Line::kMalformed;
    const auto wall_ns = OldTime(*time);
    std::string_view rest = Trim(line.substr(time->size() + 2));
    const std::string_view message = rest;
    const auto client = ParseAddressAndPort(TakeUntil(rest, " - "));
    const std::size_t arrow = rest.rfind(" -> ");
    if (!wall_ns || !client || arrow == std::string_view::npos) return Line::kMalformed;
    const std::string_view server_text = rest.substr(arrow + 4);
    const auto server = ParseAddressAndPort(server_text.substr(0, server_text.find(' ')));
    if (!server) return Line::kMalformed;
    std::string_view os = rest.substr(0, arrow);
    os = Trim(os.substr(0, os.find(" (up:")));
    if (os.starts_with("UNKNOWN") || os.empty()) {
      AddLine(*wall_ns, message, findings);
      return Line::kRead;
    }
    event::FingerprintSighting& fingerprint = findings.fingerprints.emplace_back();
    fingerprint.ip = client->ip;
    fingerprint.os = os;
    fingerprint.method = "p0f syn";
    fingerprint.wall_ns = *wall_ns;
    SetFlow(*client, *server, *wall_ns, fingerprint.flow);
    return Line::kRead;
  }

  /// "1139566210", "Fri Feb 10 10:10:10 2006".
  std::optional<std::int64_t> OldTime(std::string_view text) const {
    if (const auto wall_ns = ParseEpochTime(text)) return wall_ns;
    const std::size_t space = text.rfind(' ');
    if (space == std::string_view::npos || space < 5) return std::nullopt;
    const auto year = ParseNumber(text.substr(space + 1));
    if (!year || *year > 9999) return std::nullopt;
    TimeReading reading = options_.time;
    reading.year = static_cast<int>(*year);
    std::string_view rest;
    return YearKeeper(reading).ParseSyslogTime(text.substr(4, space - 4), rest);
  }

  static void SetFlow(const AddressAndPort& client, const AddressAndPort& server,
                      std::int64_t wall_ns, event::FlowSighting& flow) {
    flow.observer = kObserver;
    flow.ends = {.source_ip = client.ip,
                 .destination_ip = server.ip,
                 .source_port = client.port,
                 .destination_port = server.port,
                 .transport = "tcp"};
    flow.begin_wall_ns = flow.end_wall_ns = wall_ns;
  }

  static void AddLine(std::int64_t wall_ns, std::string_view message, event::Findings& findings) {
    event::LogLine& entry = findings.log_lines.emplace_back();
    entry.source = kObserver;
    entry.program = kObserver;
    entry.wall_ns = wall_ns;
    entry.message = message;
  }

  const ImportOptions options_;
};

}  // namespace

std::unique_ptr<event::EventSource> MakeP0fReader(const ImportOptions& options) {
  return std::make_unique<P0fReader>(options);
}

bool LooksLikeP0f(std::string_view first_bytes) {
  const std::string_view line = first_bytes.substr(0, first_bytes.find('\n'));
  return (line.starts_with('[') && line.find("] mod=") != std::string_view::npos) ||
         (line.starts_with('<') && line.find("> ") != std::string_view::npos &&
          line.find(" - ") != std::string_view::npos &&
          line.find(" -> ") != std::string_view::npos);
}

}  // namespace spoor::importers
