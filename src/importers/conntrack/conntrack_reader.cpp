// SPDX-License-Identifier: Apache-2.0
#include "importers/conntrack/conntrack_reader.hpp"

#include <fmt/format.h>

#include <array>
#include <string>

#include "importers/text/fields.hpp"
#include "importers/text/line_source.hpp"
#include "importers/text/log_time.hpp"

namespace spoor::importers {
namespace {

/// What one direction says of itself.
struct Direction {
  std::string source_ip, destination_ip;
  std::optional<std::uint16_t> source_port, destination_port;
  std::optional<std::uint64_t> packets;

  bool known() const { return !source_ip.empty() && !destination_ip.empty(); }
};

/// "src=10.0.0.1", in the words of conntrack and of ulogd.
void TakeField(std::string_view key, std::string_view value, Direction& direction) {
  const std::string name = LowerCase(key);
  if (name == "src") direction.source_ip = ParseAddress(value);
  if (name == "dst") direction.destination_ip = ParseAddress(value);
  if (name == "sport" || name == "spt") direction.source_port = ParsePort(value);
  if (name == "dport" || name == "dpt") direction.destination_port = ParsePort(value);
  if (name == "packets" || name == "pkts") direction.packets = ParseNumber(value);
}

bool IsState(std::string_view word) {
  constexpr std::array<std::string_view, 11> kStates{
      "NONE",     "SYN_SENT",  "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT",
      "LAST_ACK", "TIME_WAIT", "CLOSE",    "LISTEN",      "SYN_SENT2"};
  for (const std::string_view state : kStates) {
    if (state == word) return true;
  }
  return false;
}

bool IsTransport(std::string_view word) {
  return word == "tcp" || word == "udp" || word == "sctp" || word == "dccp" || word == "icmp" ||
         word == "icmpv6" || word == "udplite" || word == "gre";
}

/// "[1700000000.123456]", which is taken from `line`.
std::optional<std::int64_t> TakeTime(std::string_view& line) {
  if (!line.starts_with('[')) return std::nullopt;
  const std::size_t close = line.find(']');
  if (close == std::string_view::npos) return std::nullopt;
  const auto wall_ns = ParseEpochTime(Trim(line.substr(1, close - 1)));
  if (wall_ns) line = Trim(line.substr(close + 1));
  return wall_ns;
}

class ConntrackReader : public LineSource {
 protected:
  Line TakeLine(std::string_view line, event::Findings& findings) override {
    // What the tool says at its end: "conntrack v1.4.7 (conntrack-tools): 2 flow entries …".
    if (line.starts_with("conntrack v")) return Line::kRead;
    std::string_view rest = Trim(line);
    const std::optional<std::int64_t> wall_ns = TakeTime(rest);
    std::optional<event::FlowSighting> flow = ParseConntrack(rest);
    if (!flow) return Line::kMalformed;
    if (wall_ns) {
      flow->begin_wall_ns = flow->end_wall_ns = *wall_ns;
      findings.flows.push_back(*std::move(flow));
      return Line::kRead;
    }
    event::LogLine& entry = findings.log_lines.emplace_back();
    entry.source = "conntrack";
    entry.message = rest;
    return Line::kRead;
  }
};

}  // namespace

std::optional<event::FlowSighting> ParseConntrack(std::string_view text) {
  Direction asked, answered;
  Direction* direction = &asked;
  std::string_view transport, state;
  while (!text.empty()) {
    const std::string_view word = TakeUntil(text, " ");
    const std::size_t equals = word.find('=');
    if (equals == std::string_view::npos) {
      if (transport.empty() && IsTransport(word)) transport = word;
      if (state.empty() && IsState(word)) state = word;
      if (word == "REPLY:") direction = &answered;
      continue;
    }
    const std::string_view key = word.substr(0, equals), value = word.substr(equals + 1);
    if (key == "src" && asked.known()) direction = &answered;
    if (key == "PROTO") transport = value;
    TakeField(key, value, *direction);
  }
  if (transport.empty() || !asked.known() || !answered.known()) return std::nullopt;
  event::FlowSighting flow;
  flow.observer = "conntrack";
  flow.ends.source_ip = asked.source_ip;
  flow.ends.destination_ip = asked.destination_ip;
  flow.ends.transport = TransportOf(LowerCase(transport));
  if (HasPorts(flow.ends.transport)) {
    flow.ends.source_port = asked.source_port;
    flow.ends.destination_port = asked.destination_port;
  }
  flow.source_packets = asked.packets;
  flow.destination_packets = answered.packets;
  flow.state = state;
  const bool translated = answered.source_ip != asked.destination_ip ||
                          answered.destination_ip != asked.source_ip ||
                          answered.source_port != asked.destination_port ||
                          answered.destination_port != asked.source_port;
  if (translated && HasPorts(flow.ends.transport) && answered.source_port &&
      answered.destination_port) {
    flow.state +=
        fmt::format(" as {} {} > {} {}", answered.destination_ip, *answered.destination_port,
                    answered.source_ip, *answered.source_port);
  }
  return flow;
}

std::unique_ptr<event::EventSource> MakeConntrackReader(const ImportOptions& /*options*/) {
  return std::make_unique<ConntrackReader>();
}

bool LooksLikeConntrack(std::string_view first_bytes) {
  std::string_view line = Trim(first_bytes.substr(0, first_bytes.find('\n')));
  TakeTime(line);
  const bool begins = line.starts_with("[NEW]") || line.starts_with("[UPDATE]") ||
                      line.starts_with("[DESTROY]") || line.starts_with("ipv4 ") ||
                      line.starts_with("ipv6 ") || IsTransport(line.substr(0, line.find(' ')));
  return begins && line.find(" src=") != std::string_view::npos && ParseConntrack(line).has_value();
}

}  // namespace spoor::importers
