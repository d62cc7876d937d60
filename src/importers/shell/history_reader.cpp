// SPDX-License-Identifier: Apache-2.0
#include "importers/shell/history_reader.hpp"

#include <fmt/format.h>

#include "importers/text/fields.hpp"
#include "importers/text/line_source.hpp"

namespace spoor::importers {
namespace {

/// Seconds since 1970 that stand for themselves: ten digits.
std::optional<std::int64_t> Moment(std::string_view text) {
  constexpr std::size_t kDigits = 10;
  if (text.size() != kDigits) return std::nullopt;
  const auto seconds = ParseNumber(text);
  constexpr std::uint64_t kSecondsMax = 4'000'000'000;
  if (!seconds || *seconds > kSecondsMax) return std::nullopt;
  return static_cast<std::int64_t>(*seconds) * 1'000'000'000;
}

std::optional<std::int64_t> BashMoment(std::string_view line) {
  return line.starts_with('#') ? Moment(line.substr(1)) : std::nullopt;
}

/// ": 1700000000:0;command"; sets `command`.
std::optional<std::int64_t> ZshMoment(std::string_view line, std::string_view& command) {
  if (!line.starts_with(": ")) return std::nullopt;
  std::string_view rest = line.substr(2);
  const auto wall_ns = Moment(TakeUntil(rest, ":"));
  if (!wall_ns || !ParseNumber(TakeUntil(rest, ";"))) return std::nullopt;
  command = rest;
  return wall_ns;
}

/// "/home/alice/.bash_history" is alice's, "/root/.bash_history" root's.
std::string UserOf(std::string_view file) {
  if (file.find("/root/") != file.npos) return "root";
  const auto user = Between(file, "/home/", "/");
  return user ? std::string(*user) : std::string();
}

class HistoryReader : public LineSource {
 public:
  explicit HistoryReader(const ImportOptions& options) : source_("shell_history") {
    if (const std::string user = UserOf(options.file); !user.empty()) source_ += " " + user;
  }

 protected:
  Line TakeLine(std::string_view line, event::Findings& findings) override {
    if (const auto wall_ns = BashMoment(line)) {
      wall_ns_ = wall_ns;
      return Line::kRead;
    }
    std::string_view command = line;
    bool zsh = false;
    if (const auto wall_ns = ZshMoment(line, command)) {
      wall_ns_ = wall_ns;
      zsh = true;
    }
    zsh_ = zsh_ || zsh;
    event::LogLine& entry = findings.log_lines.emplace_back();
    entry.source = source_;
    entry.program = zsh_ ? "zsh" : "bash";
    // The lines of a command of several have its time.
    entry.wall_ns = wall_ns_;
    entry.message = command;
    return Line::kRead;
  }

 private:
  std::string source_;
  std::optional<std::int64_t> wall_ns_;
  bool zsh_ = false;
};

}  // namespace

std::unique_ptr<event::EventSource> MakeHistoryReader(const ImportOptions& options) {
  return std::make_unique<HistoryReader>(options);
}

bool LooksLikeHistory(std::string_view first_bytes) {
  const std::string_view line = Trim(first_bytes.substr(0, first_bytes.find('\n')));
  std::string_view command;
  return BashMoment(line).has_value() || ZshMoment(line, command).has_value();
}

bool IsHistoryName(std::string_view file_name) {
  return file_name.find("bash_history") != file_name.npos ||
         file_name.find("zsh_history") != file_name.npos;
}

}  // namespace spoor::importers
