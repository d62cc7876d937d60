// SPDX-License-Identifier: Apache-2.0
// Nothing of the record reaches the shell but through ShellAssignment; comments are ShellComment's.
#include "undo/script.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/visible_text.hpp"
#include "base/wall_time_text.hpp"
#include "undo/script_head.hpp"
#include "undo/shell.hpp"

namespace spoor::undo {
namespace {

constexpr std::int64_t kNsPerS = 1'000'000'000;
constexpr std::int64_t kNsPerTick = 10'000'000;  // USER_HZ is 100

std::string Told(const Evidence& evidence) {
  std::string text = fmt::format("{} by {} uid {} (event {}", WallTimeText(evidence.wall_ns),
                                 ShellComment(evidence.process), evidence.uid, evidence.event_id);
  if (evidence.entry_index) text += fmt::format(", entry {}", *evidence.entry_index);
  return text + fmt::format(", process {})", evidence.process_id);
}

std::string Told(const Held& held) {
  const std::string size =
      held.size_bytes ? fmt::format("{} bytes", *held.size_bytes) : "of unknown size";
  switch (held.kind) {
    case Held::Kind::kNothing:
      return "nothing recorded";
    case Held::Kind::kBytes:
      return fmt::format("{}, sha256 {}", size, held.sha256);
    case Held::Kind::kPart:
      return fmt::format("{}, before what was appended{}", size,
                         held.sha256.empty() ? "" : " (sha256 of that " + held.sha256 + ")");
    case Held::Kind::kNotRecorded:
      return fmt::format("{}, not recorded: {}", size, ShellComment(held.why));
  }
  return {};
}

std::string Heading(const Change& change) {
  std::string text = fmt::format("{}: {}", change.what, ShellComment(change.path));
  if (!change.other_path.empty()) {
    const char* link = change.what == "renamed"   ? ", which was "
                       : change.what == "linked"  ? ", another name of "
                       : change.what == "mounted" ? ", on it "
                                                  : ": ";
    text += link + ShellComment(change.other_path);
  }
  if (!change.means.empty()) text += fmt::format(" ({})", change.means);
  return text;
}

std::string Owner(std::int64_t value) {
  return fmt::format("{}:{}", static_cast<std::uint64_t>(value) >> 32, value & 0xffffffff);
}

/// The arguments of is_left but the path, which is in $path.
std::string Mark(const Change& change, bool with_bytes) {
  const std::string& sha256 = change.left.sha256;
  const bool hashed = with_bytes && !sha256.empty();
  std::optional<std::int64_t> until;
  if (with_bytes && change.type == "file" && change.mark.until_wall_ns != INT64_MAX) {
    until = change.mark.until_wall_ns / kNsPerS + 1;
  }
  const auto number = [](const std::optional<std::int64_t>& value) {
    return value ? fmt::format("{}", *value) : std::string("-");
  };
  const std::string type =
      change.type == "file" || change.type == "directory" || change.type == "symlink" ? change.type
                                                                                      : "other";
  return fmt::format("\"$path\" {} {} {} {} {} \"$link\"", type, number(change.mark.inode),
                     with_bytes && change.type == "file" ? number(change.left.size_bytes) : "-",
                     hashed ? sha256 : "-", number(until));
}

/// The lines that do it, without their "#".
std::vector<std::string> Lines(const Change& change, std::size_t number) {
  std::vector<std::string> lines{ShellAssignment("of", change.host)};
  if (change.remedy != Remedy::kStop) {
    lines.push_back(ShellAssignment("path", change.path));
    lines.push_back(ShellAssignment("link", change.mark.link_target));
  }
  std::string call;
  switch (change.remedy) {
    case Remedy::kNothing:
      return {};
    case Remedy::kMoveAway:
      call = "move_away " + Mark(change, true);
      break;
    case Remedy::kRemoveFolder:
      call = "remove_folder " + Mark(change, false);
      break;
    case Remedy::kMoveBack:
      lines.push_back(ShellAssignment("to", change.other_path));
      call = "move_back \"$to\" " + Mark(change, change.type == "file");
      break;
    case Remedy::kRestore: {
      const std::string sha256 =
          change.before.sha256.empty() ? "SHA256" : change.before.sha256;  // commented out then
      call = change.object_id == 0 ? fmt::format("restore_new {} \"$path\"", sha256)
                                   : fmt::format("restore_over {} {}", sha256, Mark(change, true));
      break;
    }
    case Remedy::kTruncate:
      call = fmt::format("truncate_to {} {} {}", change.before.size_bytes.value_or(0),
                         change.before.sha256.empty() ? "-" : change.before.sha256,
                         Mark(change, true));
      break;
    case Remedy::kSetMode:
      call = fmt::format("set_mode {} {:o} {}",
                         change.value_before ? fmt::format("{:o}", *change.value_before) : "MODE",
                         change.value_left.value_or(0), Mark(change, false));
      break;
    case Remedy::kSetOwner:
      call = fmt::format("set_owner {} {} {}",
                         change.value_before ? Owner(*change.value_before) : "OWNER",
                         Owner(change.value_left.value_or(0)), Mark(change, false));
      break;
    case Remedy::kStop:
      lines.push_back(ShellAssignment("boot", change.boot_id));
      call = fmt::format("stop {} {} \"$boot\"", change.pid, change.start_boot_ns / kNsPerTick);
      break;
  }
  lines.push_back(fmt::format("if action {} \"$of\"; then {}; fi", number, call));
  return lines;
}

std::string Action(const Change& change, std::size_t number) {
  std::string text = fmt::format("\n# action {}: {}\n", number, Heading(change));
  const bool once = change.first.event_id == change.last.event_id;
  text += fmt::format("#   {}{}\n", once ? "at " : "from ", Told(change.first));
  if (!once) text += fmt::format("#   to {}, {} calls\n", Told(change.last), change.call_count);
  if (change.remedy == Remedy::kRestore || change.remedy == Remedy::kTruncate ||
      change.before.kind != Held::Kind::kNothing) {
    text += fmt::format("#   held before: {}\n", Told(change.before));
    if (change.before.kind == Held::Kind::kBytes) {
      text += fmt::format("#     (object {} before event {})\n", change.before_object_id,
                          change.before_event_id);
    }
  }
  if (change.left.kind == Held::Kind::kBytes || change.left.size_bytes) {
    text += fmt::format("#   left: {}\n", Told(change.left));
  }
  for (const Evidence& later : change.later) {
    text += fmt::format("#   later: {}\n", Told(later));
  }
  for (const std::string& doubt : change.doubts) {
    text += fmt::format("#   not done: {}\n", ShellComment(doubt));
  }
  for (const std::string& line : Lines(change, number)) {
    text += (change.IsCertain() ? "" : "# ") + line + "\n";
  }
  return text;
}

}  // namespace

std::string RenderScript(const Plan& plan, const std::vector<std::string>& notes) {
  std::set<std::string> hosts;
  for (const Change& change : plan.changes) hosts.insert(ShellComment(change.host));
  std::string text = fmt::format(
      "#!/bin/sh\n"
      "# Undoes what {} changed, as far as it was recorded. Made by Spoor, which ran nothing of "
      "it.\n"
      "# Read it. Without --apply it changes nothing. What is not certain is commented out, with\n"
      "# the reason. Nothing is deleted: what goes is moved to the folder of --kept.\n"
      "# Run it while nobody else is at work on the host, best with its disk mounted elsewhere\n"
      "# (--root): who is still there can exchange a file between its check and the action.\n"
      "# Names are the intruder's. Needs stat, sha256sum, readlink, truncate (coreutils, "
      "busybox).\n",
      ShellComment(plan.subject));
  const auto certain = std::ranges::count_if(plan.changes, &Change::IsCertain);
  text += fmt::format("# {} changes on {}, {} of them undone here.\n", plan.changes.size(),
                      fmt::join(hosts, ", "), certain);
  if (hosts.size() > 1) text += "# It is for several hosts: say which one by --host.\n";
  if (plan.passing_count > 0) {
    text += fmt::format("# {} names were made and removed again: nothing is left of them.\n",
                        plan.passing_count);
  }
  if (plan.unhashed_count > 0) {
    text += fmt::format("# {} files were not looked into.\n", plan.unhashed_count);
  }
  for (const std::string& note : notes) text += fmt::format("# {}\n", ShellComment(note));
  text += ScriptHead();
  if (hosts.size() > 1) {
    text +=
        "[ -n \"$host\" ] || { printf '%s\\n' 'it is for several hosts: --host' >&2; exit 2; }\n";
  }
  for (std::size_t i = 0; i < plan.changes.size(); ++i) text += Action(plan.changes[i], i + 1);
  text += ScriptEnd();
  return text;
}

std::string RenderList(const Plan& plan) {
  std::string text;
  for (std::size_t i = 0; i < plan.changes.size(); ++i) {
    const Change& change = plan.changes[i];
    std::string line = VisibleLine(Heading(change));
    text += fmt::format("{:>4} {} {} {}\n", i + 1, change.IsCertain() ? "undone  " : "left    ",
                        WallTimeText(change.first.wall_ns), line);
    for (const std::string& doubt : change.doubts) {
      text += fmt::format("              {}\n", VisibleLine(doubt));
    }
  }
  return text;
}

}  // namespace spoor::undo
