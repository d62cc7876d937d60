// SPDX-License-Identifier: Apache-2.0
#include "importers/sysdig/sysdig_line.hpp"

#include <algorithm>
#include <charconv>

#include "importers/text/fields.hpp"

namespace spoor::importers {
namespace {

bool IsNameLetter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '_' ||
         letter == '.';
}

bool IsDate(std::string_view text) {
  return text.size() == 10 && text[4] == '-' && text[7] == '-';
}

std::optional<std::uint32_t> Id(std::string_view text) {
  const auto number = ParseNumber(text);
  if (!number || *number > INT32_MAX) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

}  // namespace

std::optional<SysdigLine> ParseSysdigLine(std::string_view text) {
  SysdigLine line;
  text = Trim(text);
  if (text.starts_with('*')) text.remove_prefix(1);
  if (!ParseNumber(TakeUntil(text, " "))) return std::nullopt;
  const std::size_t first = std::min(text.find(' '), text.size());
  std::size_t end = first;
  if (IsDate(text.substr(0, first))) end = std::min(text.find(' ', first + 1), text.size());
  line.time = text.substr(0, end);
  text.remove_prefix(end);
  text = Trim(text);
  if (!ParseNumber(TakeUntil(text, " "))) return std::nullopt;  // the processor
  // The direction stands behind "PROGRAM (THREAD)", and a program may be called anything.
  std::size_t close = std::min(text.find(") > "), text.find(") < "));
  if (close == text.npos) return std::nullopt;
  const std::size_t open = text.substr(0, close).rfind('(');
  if (open == text.npos) return std::nullopt;
  line.program = Trim(text.substr(0, open));
  std::string_view ids = text.substr(open + 1, close - open - 1);
  const std::string_view first_id = ids.substr(0, ids.find_first_of(".:"));
  const auto id = Id(first_id);
  if (!id) return std::nullopt;
  line.pid = line.tid = *id;
  if (ids.size() > first_id.size() && ids[first_id.size()] == '.') {
    const auto thread = Id(ids.substr(first_id.size() + 1));
    if (!thread) return std::nullopt;
    line.tid = *thread;
  }
  line.entry = text[close + 2] == '>';
  text.remove_prefix(close + 4);
  line.call = TakeUntil(text, " ");
  line.arguments = text;
  if (line.call.empty()) return std::nullopt;
  return line;
}

std::string_view SysdigArgument(std::string_view arguments, std::string_view name) {
  for (std::size_t at = arguments.find(name); at != arguments.npos;
       at = arguments.find(name, at + 1)) {
    const bool begins = at == 0 || arguments[at - 1] == ' ';
    const std::size_t equals = at + name.size();
    if (!begins || equals >= arguments.size() || arguments[equals] != '=') continue;
    const std::string_view value = arguments.substr(equals + 1);
    for (std::size_t space = value.find(' '); space != value.npos;
         space = value.find(' ', space + 1)) {
      std::size_t end = space + 1;
      while (end < value.size() && IsNameLetter(value[end])) ++end;
      if (end > space + 1 && end < value.size() && value[end] == '=') return value.substr(0, space);
    }
    return Trim(value);
  }
  return {};
}

std::optional<SysdigDescriptor> ParseSysdigDescriptor(std::string_view text) {
  SysdigDescriptor descriptor;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, descriptor.number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  if (const auto type = Between(text, "(<", ">")) {
    descriptor.type = *type;
    descriptor.name = text.substr(type->size() + 3);
    if (descriptor.name.ends_with(')')) descriptor.name.remove_suffix(1);
  }
  return descriptor;
}

std::optional<event::SocketInfo> ParseSysdigTuple(std::string_view tuple, std::string_view type,
                                                  bool accepted) {
  // Of an address of either family the type may be missing.
  const auto source = ParseAddressAndPort(TakeUntil(tuple, "->"));
  const auto destination = ParseAddressAndPort(tuple);
  if (!source || !destination || !destination->port) return std::nullopt;
  const bool datagrams = type.ends_with('u');
  event::SocketInfo socket;
  socket.family = source->ip.find(':') == std::string::npos ? "inet" : "inet6";
  socket.type = datagrams ? "dgram" : "stream";
  socket.protocol = datagrams ? 17 : 6;
  const AddressAndPort& local = accepted ? *destination : *source;
  const AddressAndPort& remote = accepted ? *source : *destination;
  socket.local_ip = local.ip;
  socket.local_port = local.port.value_or(0);
  socket.remote_ip = remote.ip;
  socket.remote_port = remote.port.value_or(0);
  return socket;
}

}  // namespace spoor::importers
