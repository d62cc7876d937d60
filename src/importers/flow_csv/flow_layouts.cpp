// SPDX-License-Identifier: Apache-2.0
#include "importers/flow_csv/flow_layouts.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/saturating.hpp"
#include "importers/text/fields.hpp"

namespace spoor::importers {
namespace {

constexpr std::size_t kWordsMax = 128;

std::vector<std::string_view> WordsOf(std::string_view line) {
  std::vector<std::string_view> words;
  while (words.size() < kWordsMax) {
    const std::size_t begin = line.find_first_not_of(" \t");
    if (begin == line.npos) break;
    line.remove_prefix(begin);
    const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return words;
}

bool IsArrow(std::string_view word) {
  return word.find_first_not_of("<>-?|") == word.npos && word.find_first_of("<>") != word.npos;
}

/// "10.0.0.1:80", "10.0.0.1.80", "fe80::1.80", "10.0.0.1"; of ICMP the port is "8.0".
std::optional<AddressAndPort> EndOf(std::string_view word) {
  AddressAndPort end;
  end.ip = ParseAddress(word);
  if (!end.ip.empty()) return end;
  for (const std::string_view separator : {":", "."}) {
    const std::size_t at = separator == ":" ? word.find(':') : word.rfind('.');
    if (at == word.npos) continue;
    end.ip = ParseAddress(word.substr(0, at));
    if (end.ip.empty()) continue;
    end.port = ParsePort(word.substr(at + 1));
    return end;
  }
  // "fe80::1.135.0": type and code.
  const std::size_t last = word.rfind('.');
  const std::size_t before = last == word.npos || last == 0 ? word.npos : word.rfind('.', last - 1);
  if (before == word.npos) return std::nullopt;
  end.ip = ParseAddress(word.substr(0, before));
  return end.ip.empty() ? std::nullopt : std::optional(end);
}

/// "00:00:09.000" or "9.000".
std::optional<std::int64_t> DurationOf(std::string_view text) {
  if (text.find(':') == text.npos) return ParseSeconds(text);
  const auto hours = ParseNumber(TakeUntil(text, ":"));
  const auto minutes = ParseNumber(TakeUntil(text, ":"));
  const auto seconds_ns = ParseSeconds(text);
  constexpr std::int64_t kMinuteNs = 60'000'000'000;
  if (!hours || !minutes || !seconds_ns || *hours > 100'000 || *minutes > 59) return std::nullopt;
  return *seconds_ns + static_cast<std::int64_t>(*hours * 60 + *minutes) * kMinuteNs;
}

void SetEnds(std::string_view transport, const AddressAndPort& source,
             const AddressAndPort& destination, event::FlowEnds& ends) {
  ends.transport = TransportOf(transport);
  if (ends.transport == "icmp" && source.ip.find(':') != std::string::npos)
    ends.transport = "icmp6";
  ends.source_ip = source.ip;
  ends.destination_ip = destination.ip;
  if (!HasPorts(ends.transport)) return;
  ends.source_port = source.port;
  ends.destination_port = destination.port;
}

}  // namespace

NamedValues SplitRaLine(std::string_view header, std::string_view line) {
  std::vector<std::string> names;
  for (const std::string_view name : WordsOf(header)) names.push_back(LowerCase(name));
  const std::vector<std::string_view> words = WordsOf(line);
  const auto arrow = std::find_if(words.begin(), words.end(), IsArrow);
  const auto dir_name = std::find(names.begin(), names.end(), "dir");
  if (arrow == words.end() || dir_name == names.end()) return {};
  NamedValues values{{"dir", std::string(*arrow)}};
  const auto add = [&](std::string_view name, std::string_view value) {
    values.emplace_back(name, value);
  };

  // Before the arrow: times, flags, the transport, the source with or without its port.
  const auto before = static_cast<std::size_t>(arrow - words.begin());
  if (before < 2) return {};
  std::size_t address = before - 1;
  auto source = EndOf(words[address]);
  if (!source && before >= 3) {
    source = EndOf(words[--address]);
    if (source) source->port = ParsePort(words[address + 1]);
  }
  if (!source || address == 0) return {};
  add("srcaddr", source->ip);
  if (source->port) add("sport", fmt::format("{}", *source->port));
  add("proto", words[address - 1]);
  std::size_t word = 0;
  for (auto name = names.begin(); name != dir_name && word + 1 < address; ++name) {
    if (*name == "flgs" || *name == "proto") break;
    std::string value(words[word++]);
    // "2011/08/10 09:46:53.04": a date is a word of its own.
    const bool has_date = value.find(':') == value.npos && value.find_first_of("/-") != value.npos;
    if (has_date && word + 1 < address) value += fmt::format(" {}", words[word++]);
    values.emplace_back(*name, std::move(value));
  }

  // Behind it: the destination, and what was counted.
  std::size_t after = before + 1;
  if (after >= words.size()) return {};
  auto destination = EndOf(words[after++]);
  if (!destination) return {};
  auto name = dir_name + 1;
  while (name != names.end() && (*name == "dstaddr" || *name == "dport")) ++name;
  const auto left = static_cast<std::size_t>(names.end() - name);
  if (!destination->port && words.size() - after > left)
    destination->port = ParsePort(words[after++]);
  add("dstaddr", destination->ip);
  if (destination->port) add("dport", fmt::format("{}", *destination->port));
  for (; name != names.end() && after < words.size(); ++name) add(*name, words[after++]);
  return values;
}

std::optional<event::FlowSighting> ParseNfdumpLine(std::string_view header, std::string_view line,
                                                   const TimeReading& reading) {
  const std::vector<std::string_view> words = WordsOf(line);
  constexpr std::size_t kDate = 0, kClock = 1, kDuration = 2, kProtocol = 3, kSource = 4,
                        kArrow = 5, kDestination = 6, kRest = 7;
  if (words.size() <= kRest || !IsArrow(words[kArrow])) return std::nullopt;
  const auto begin_wall_ns =
      ParseIsoTime(fmt::format("{}T{}", words[kDate], words[kClock]), reading);
  const auto duration_ns = DurationOf(words[kDuration]);
  const auto source = EndOf(words[kSource]), destination = EndOf(words[kDestination]);
  if (!begin_wall_ns || !source || !destination) return std::nullopt;
  event::FlowSighting flow;
  flow.observer = "netflow";
  SetEnds(words[kProtocol], *source, *destination, flow.ends);
  if (flow.ends.transport.empty()) return std::nullopt;
  flow.begin_wall_ns = *begin_wall_ns;
  flow.end_wall_ns =
      SaturatingAdd(*begin_wall_ns, std::max(duration_ns.value_or(0), std::int64_t{0}));
  std::size_t at = kRest;
  if (words[at].size() >= 6 &&
      words[at].find_first_not_of(".UAPRSFCE0x") == std::string_view::npos &&
      words[at].find_first_of(".UAPRSF") != std::string_view::npos) {
    flow.state = words[at];
    at += 2;  // and the type of service
  }
  // A number and what it was rounded to ("1.2 M").
  const auto next = [&]() -> std::optional<std::uint64_t> {
    if (at >= words.size()) return std::nullopt;
    const auto number = ParseNumber(words[at++]);
    const bool rounded = at < words.size() && words[at].size() == 1 &&
                         words[at].find_first_of("KMGT") != std::string_view::npos;
    if (rounded) ++at;
    return rounded ? std::nullopt : number;
  };
  if (header.find("In Pkt") != header.npos) {
    // The source is whose packets came in.
    const auto back = next();
    flow.source_packets = next();
    if (back && *back > 0) flow.destination_packets = back;
  } else {
    flow.source_packets = next();
  }
  return flow;
}

std::optional<event::FlowSighting> NfdumpFlowOf(JsonObject object, const TimeReading& reading) {
  const auto address = [&](std::string_view v4, std::string_view v6) {
    const std::string_view text = TextAt(object, v4);
    return ParseAddress(text.empty() ? TextAt(object, v6) : text);
  };
  const auto begin_wall_ns = ParseIsoTime(TextAt(object, "first"), reading);
  const auto end_wall_ns = ParseIsoTime(TextAt(object, "last"), reading);
  const AddressAndPort source{address("src4_addr", "src6_addr"), PortAt(object, "src_port")};
  const AddressAndPort destination{address("dst4_addr", "dst6_addr"), PortAt(object, "dst_port")};
  const auto protocol = NumberAt(object, "proto");
  if (!begin_wall_ns || source.ip.empty() || destination.ip.empty() || !protocol) {
    return std::nullopt;
  }
  event::FlowSighting flow;
  flow.observer = "netflow";
  SetEnds(fmt::format("{}", *protocol), source, destination, flow.ends);
  flow.begin_wall_ns = *begin_wall_ns;
  flow.end_wall_ns = std::max(end_wall_ns.value_or(*begin_wall_ns), *begin_wall_ns);
  flow.source_packets = NumberAt(object, "in_packets");
  const auto back = NumberAt(object, "out_packets");
  if (back && *back > 0) flow.destination_packets = back;
  flow.state = TextAt(object, "tcp_flags");
  return flow;
}

}  // namespace spoor::importers
