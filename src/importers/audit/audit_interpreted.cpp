// SPDX-License-Identifier: Apache-2.0
#include "importers/audit/audit_interpreted.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "importers/text/call_names.hpp"
#include "importers/text/fields.hpp"

namespace spoor::importers {
namespace {

constexpr std::size_t kFieldsMax = 1 << 12;

bool IsOneOf(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsNameLetter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '_' ||
         letter == '-';
}

/// Where " name=" begins, at or behind `from`; the size of `text` when there is none.
std::size_t NextField(std::string_view text, std::size_t from) {
  for (std::size_t space = text.find(' ', from); space != text.npos;
       space = text.find(' ', space + 1)) {
    std::size_t end = space + 1;
    while (end < text.size() && IsNameLetter(text[end])) ++end;
    if (end > space + 1 && end < text.size() && text[end] == '=') return space;
  }
  return text.size();
}

/// "root", "unset", "unknown(1234)", "1234".
std::optional<std::string> UserNumber(std::string_view value) {
  if (value == "root") return "0";
  if (value == "unset" || value == "-1") return "4294967295";
  if (const auto number = Between(value, "unknown(", ")")) value = *number;
  return ParseNumber(value) ? std::optional<std::string>(value) : std::nullopt;
}

/// "file,suid,755" as the octal number that the kernel writes.
std::string ModeNumber(std::string_view value) {
  struct Word {
    std::string_view name;
    unsigned bits;
  };
  constexpr std::array kWords{Word{"file", 0100000},   Word{"dir", 0040000},
                              Word{"socket", 0140000}, Word{"link", 0120000},
                              Word{"block", 0060000},  Word{"character", 0020000},
                              Word{"fifo", 0010000},   Word{"suid", 04000},
                              Word{"sgid", 02000},     Word{"sticky", 01000}};
  unsigned mode = 0;
  while (!value.empty()) {
    const std::string_view word = TakeUntil(value, ",");
    for (const Word& known : kWords) {
      if (known.name == word) mode |= known.bits;
    }
    unsigned digits = 0;
    bool octal = !word.empty();
    for (const char letter : word) {
      octal = octal && letter >= '0' && letter <= '7';
      digits = digits * 8 + static_cast<unsigned>(letter - '0');
    }
    if (octal && word.size() <= 7) mode |= digits;
  }
  return fmt::format("{:o}", mode);
}

/// An argument of a call as the kernel writes it, hexadecimal.
std::optional<std::string> ArgumentNumber(std::string_view value) {
  if (value.starts_with("0x")) return std::string(value.substr(2));
  if (const auto flags = OpenFlagsOf(value)) return fmt::format("{:x}", *flags);
  if (const auto signal = SignalOf(value)) return fmt::format("{:x}", *signal);
  if (value == "EXIT_SUCCESS") return "0";
  if (value == "EXIT_FAILURE") return "1";
  if (const auto number = ParseNumber(value)) return fmt::format("{:x}", *number);
  return std::nullopt;
}

/// "{ saddr_fam=inet laddr=10.0.0.2 lport=80 }", "{ saddr_fam=local path=/dev/log }".
std::string SocketAddress(std::string_view value) {
  const auto word = [&](std::string_view name) {
    const std::size_t at = value.find(name);
    if (at == value.npos) return std::string_view();
    const std::string_view rest = value.substr(at + name.size());
    return rest.substr(0, rest.find(' '));
  };
  std::string bytes;
  const auto add16 = [&](unsigned number, bool network_order) {
    const char low = static_cast<char>(number & 0xff), high = static_cast<char>(number >> 8);
    bytes += network_order ? high : low;
    bytes += network_order ? low : high;
  };
  const std::string address = AddressBytes(ParseAddress(word("laddr=")));
  const unsigned port = ParsePort(word("lport=")).value_or(0);
  constexpr unsigned kLocal = 1, kInet = 2, kInet6 = 10;
  if (address.size() == 4) {
    add16(kInet, false);
    add16(port, true);
    bytes += address + std::string(8, '\0');
  } else if (address.size() == 16) {
    add16(kInet6, false);
    add16(port, true);
    bytes += std::string(4, '\0') + address + std::string(4, '\0');
  } else if (const std::string_view path = word("path="); !path.empty()) {
    add16(kLocal, false);
    bytes += std::string(path) + '\0';
  }
  std::string hex;
  for (const char byte : bytes) hex += fmt::format("{:02X}", static_cast<unsigned char>(byte));
  return hex;
}

void AddField(std::string_view name, std::string_view value, AuditRecord& record) {
  value = Trim(value);
  if (value == "(null)" || value == "(none)" || value == "?") return;
  std::optional<std::string> number(value);
  if (IsOneOf(name, {"uid", "euid", "suid", "fsuid", "auid", "gid", "egid", "sgid", "fsgid", "ouid",
                     "ogid", "oauid", "ses"})) {
    number = UserNumber(value);
  } else if (name == "exit") {
    if (const auto error = ErrnoOf(value)) number = fmt::format("-{}", *error);
  } else if (name == "mode" && record.type == "PATH") {
    number = ModeNumber(value);
  } else if (record.type == "SYSCALL" && name.size() == 2 && name[0] == 'a') {
    number = ArgumentNumber(value);
  }
  if (number) record.fields.emplace_back(name, *std::move(number));
}

void ParseNamed(std::string_view text, AuditRecord& record) {
  while (!text.empty() && record.fields.size() < kFieldsMax) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    const std::size_t equals = text.find('=');
    const std::size_t space = text.find(' ');
    if (equals == text.npos) return;
    if (space < equals) {  // a word that names nothing
      text.remove_prefix(space);
      continue;
    }
    const std::string_view name = text.substr(0, equals);
    text.remove_prefix(equals + 1);
    if (text.starts_with('\'')) {
      const std::size_t end = text.rfind('\'');
      if (end == 0) return;
      ParseNamed(text.substr(1, end - 1), record);
      text.remove_prefix(end + 1);
      continue;
    }
    // A name of a file may hold anything; what follows it is known.
    std::size_t end = record.type == "PATH" && name == "name" ? text.find(" inode=") : text.npos;
    if (end == text.npos && name == "name") end = text.find(" nametype=");
    if (end == text.npos) end = NextField(text, 0);
    AddField(name, text.substr(0, end), record);
    text.remove_prefix(end);
  }
}

/// "argc=3 a0=sh a1=-c a2=echo a1=b": each argument goes on to the number that follows its own.
void ParseArguments(std::string_view text, AuditRecord& record) {
  std::string_view count = text.substr(0, text.find(' '));
  TakeUntil(count, "argc=");
  record.fields.emplace_back("argc", count);
  for (std::size_t index = 0; record.fields.size() < kFieldsMax; ++index) {
    const std::string name = fmt::format(" a{}=", index);
    const std::size_t at = text.find(name);
    if (at == text.npos) return;
    text.remove_prefix(at + name.size());
    const std::size_t end = text.find(fmt::format(" a{}=", index + 1));
    record.fields.emplace_back(fmt::format("a{}", index), text.substr(0, end));
  }
}

}  // namespace

std::optional<std::int64_t> ParseInterpretedTime(std::string_view text,
                                                 const TimeReading& reading) {
  if (const auto iso = ParseIsoTime(text, reading)) return iso;
  const std::size_t space = text.find(' ');
  if (space == text.npos) return std::nullopt;
  std::string_view date = text.substr(0, space);
  const std::string_view separator = date.find('.') != date.npos ? "." : "/";
  auto month = ParseNumber(TakeUntil(date, separator));
  auto day = ParseNumber(TakeUntil(date, separator));
  auto year = ParseNumber(date);
  if (!month || !day || !year) return std::nullopt;
  // Points are of languages that write the day first.
  if (separator == "." || *month > 12) std::swap(month, day);
  if (*year < 100) *year += *year < 70 ? 2000 : 1900;
  return ParseIsoTime(
      fmt::format("{:04}-{:02}-{:02}T{}", *year, *month, *day, Trim(text.substr(space))), reading);
}

void ParseInterpretedFields(std::string_view text, AuditRecord& record) {
  text = Trim(text);
  const auto all_of = [&](std::string_view name) {
    if (!text.starts_with(name)) return false;
    record.fields.emplace_back(name.substr(0, name.size() - 1), text.substr(name.size()));
    return true;
  };
  if (record.type == "PROCTITLE" && all_of("proctitle=")) return;
  if (record.type == "CWD" && all_of("cwd=")) return;
  if (record.type == "EXECVE") return ParseArguments(text, record);
  if (record.type == "SOCKADDR" && text.starts_with("saddr=")) {
    record.fields.emplace_back("saddr", SocketAddress(text));
    return;
  }
  ParseNamed(text, record);
}

}  // namespace spoor::importers
