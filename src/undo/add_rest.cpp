// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "base/wall_time_text.hpp"
#include "store/row.hpp"
#include "undo/bytes.hpp"
#include "undo/planner.hpp"
#include "undo/shell.hpp"

namespace spoor::undo {
namespace {

using event::EventKind;

constexpr std::int64_t kModeBits = 07777;

/// The value of the last call before `event_id` that set what `kind` sets.
std::optional<std::int64_t> ValueBefore(const Scene& scene, std::int64_t object_id, EventKind kind,
                                        std::int64_t event_id) {
  std::optional<std::int64_t> value;
  std::int64_t last = 0;
  for (const Deed& deed : scene.others) {
    if (deed.object_id != object_id || deed.kind != kind) continue;
    if (deed.event_id < event_id && deed.event_id >= last) {
      last = deed.event_id;
      value = deed.value;
    }
  }
  return value;
}

bool IsLog(const std::string& path) {
  return path.starts_with("/var/log/") || path.starts_with("/run/utmp") ||
         path.starts_with("/var/run/utmp") || path.ends_with("_history");
}

/// The table has names that are not UTF-8 with \xHH for a byte: such a name may be either.
bool IsAmbiguous(const std::string& path) {
  return path.find("\\x") != std::string::npos;
}

void DoubtFile(Change& change) {
  const bool acts = change.remedy != Remedy::kNothing;
  if (change.remedy == Remedy::kTruncate || change.what == "changed") {
    if (IsLog(change.path) && change.before.kind == Held::Kind::kPart) {
      change.remedy = Remedy::kNothing;
      change.doubts.push_back("it is a log: what it says of this time is evidence");
      return;
    }
  }
  if (!acts || change.remedy == Remedy::kStop) return;
  for (const std::string& path : {change.path, change.other_path}) {
    if (path.empty()) continue;
    if (!path.starts_with('/')) change.doubts.push_back("its full name is not recorded");
    if (IsAmbiguous(path)) {
      change.doubts.push_back("its name may hold bytes that the record spells out");
    }
  }
  if (change.remedy == Remedy::kRestore && change.before.kind != Held::Kind::kBytes) {
    change.doubts.push_back(
        fmt::format("what it held before is not recorded ({})",
                    change.before.why.empty() ? "nobody looked" : change.before.why));
  }
  const bool nothing_there = change.remedy == Remedy::kRestore && change.object_id == 0;
  const bool is_link = change.type == "symlink" && !change.mark.link_target.empty();
  if (!nothing_there && !change.mark.inode && change.left.sha256.empty() && !is_link) {
    change.doubts.push_back("nothing is recorded by which it is known again");
  }
}

}  // namespace

Result<> AddAttributes(store::Store& store, const Scene& scene, Plan& plan) {
  std::vector<std::int64_t> programs;
  for (const auto& [object_id, object] : scene.effect.objects) {
    if (!object.made && !object.attributes.empty()) programs.push_back(object_id);
  }
  ASSIGN_OR_RETURN(const auto modes, ReadProgramModes(store, programs));
  for (const std::int64_t object_id : programs) {
    const ObjectHistory& object = scene.effect.objects.at(object_id);
    const auto home = scene.effect.homes.find(object_id);
    const Place place =
        home != scene.effect.homes.end() ? home->second : Place(object.host_id, object.path);
    if (place.second.starts_with("/proc/") || place.second.starts_with("/sys/")) continue;
    const auto known = scene.effect.places.find(place);
    if (known != scene.effect.places.end() && known->second.after.object_id != object_id) continue;
    std::map<std::pair<EventKind, std::string>, std::vector<std::size_t>> by_kind;
    for (const std::size_t index : object.attributes) {
      const Deed& deed = scene.deeds.deeds[index];
      by_kind[{deed.kind, deed.kind == EventKind::kSetAttribute ? deed.other_path : ""}].push_back(
          index);
    }
    for (const auto& [kind, indexes] : by_kind) {
      const Deed& last = scene.deeds.deeds[indexes.back()];
      const bool is_mode = kind.first == EventKind::kChmod;
      const bool is_owner = kind.first == EventKind::kChown;
      Change change = scene.Begin(is_mode    ? "mode"
                                  : is_owner ? "owner"
                                             : "attribute",
                                  place, object_id);
      change.other_path = kind.second;
      scene.Touch(change, indexes);
      change.mark.until_wall_ns = INT64_MAX;
      change.value_left = last.value;
      change.value_before = ValueBefore(scene, object_id, kind.first, change.first.event_id);
      if (is_mode) {
        change.value_left = last.value & kModeBits;
        if (const auto program = modes.find(object_id);
            !change.value_before && program != modes.end()) {
          const auto after = program->second.lower_bound(change.first.event_id);
          if (after != program->second.begin()) change.value_before = std::prev(after)->second;
        }
        if (change.value_before) change.value_before = *change.value_before & kModeBits;
        change.remedy = Remedy::kSetMode;
      } else if (is_owner) {
        change.remedy = Remedy::kSetOwner;
      }
      if (!change.value_before) {
        change.doubts.push_back(
            fmt::format("which {} it had before is not recorded", is_mode    ? "mode"
                                                                  : is_owner ? "owner"
                                                                             : "value"));
      }
      plan.changes.push_back(std::move(change));
    }
  }
  return {};
}

Result<> AddRunning(store::Store& store, const Scene& scene, Plan& plan) {
  std::string running;
  for (const std::int64_t process_id : scene.own) {
    const auto facts = scene.deeds.processes.find(process_id);
    if (facts == scene.deeds.processes.end() || facts->second.ended) continue;
    running += fmt::format("{}{}", running.empty() ? "" : ", ", process_id);
  }
  if (!running.empty()) {
    RETURN_IF_ERROR(store::ForEachRow(
        store,
        fmt::format("SELECT e.process_id, min(e.event_id), arg_min(e.entry_index, e.event_id), "
                    "arg_min(e.wall_ns, e.event_id), max(e.event_id), arg_max(e.entry_index, "
                    "e.event_id), max(e.wall_ns), arg_max(e.uid, e.event_id), count(*), "
                    "any_value(e.host_id) FROM event AS e WHERE e.process_id IN ({}) "
                    "GROUP BY e.process_id ORDER BY 2",
                    running),
        {}, [&](const std::vector<store::Value>& row) {
          const auto number = [&row](std::size_t at) {
            return store::IntegerOf(row[at]).value_or(0);
          };
          const ProcessFacts& facts = scene.deeds.processes.at(number(0));
          Change change = scene.Begin("process", {number(9), facts.command_line}, 0);
          change.first = scene.EvidenceOf({.event_id = number(1),
                                           .entry_index = store::IntegerOf(row[2]),
                                           .process_id = number(0),
                                           .uid = number(7),
                                           .path = {},
                                           .other_path = {},
                                           .wall_ns = number(3)});
          change.last = change.first;
          change.last.event_id = number(4);
          change.last.entry_index = store::IntegerOf(row[5]);
          change.last.wall_ns = number(6);
          change.call_count = number(8);
          change.pid = facts.pid;
          change.start_boot_ns = facts.start_boot_ns;
          change.boot_id = facts.boot_id;
          change.remedy = Remedy::kStop;
          if (facts.boot_id.empty() || facts.start_boot_ns == 0) {
            change.doubts.push_back("when it started is not recorded: the number may be another's");
          }
          plan.changes.push_back(std::move(change));
        }));
  }
  std::vector<std::int64_t> sockets;
  for (const Deed& deed : scene.deeds.deeds) {
    if (deed.kind == EventKind::kListen && deed.object_id != 0) sockets.push_back(deed.object_id);
  }
  ASSIGN_OR_RETURN(const auto addresses, ReadAddresses(store, sockets));
  for (std::size_t index = 0; index < scene.deeds.deeds.size(); ++index) {
    const Deed& deed = scene.deeds.deeds[index];
    if (deed.kind == EventKind::kListen) {
      const auto process = scene.deeds.processes.find(deed.process_id);
      if (process != scene.deeds.processes.end() && process->second.ended) continue;
      const auto address = addresses.find(deed.object_id);
      Change change = scene.Begin(
          "listener",
          {deed.host_id, address == addresses.end() ? std::string("?") : address->second},
          deed.object_id);
      scene.Touch(change, std::span(&index, 1));
      change.doubts.push_back("it ends with its process");
      plan.changes.push_back(std::move(change));
    } else if (deed.kind == EventKind::kMount) {
      Change change = scene.Begin("mounted", {deed.host_id, deed.path}, deed.object_id);
      change.other_path = deed.other_path;
      scene.Touch(change, std::span(&index, 1));
      change.doubts.push_back("look at what is mounted now before anything is unmounted");
      plan.changes.push_back(std::move(change));
    } else if (deed.path.starts_with("/proc/sys/") && deed.ChangesBytes() && !deed.Empties()) {
      Change change = scene.Begin("setting", {deed.host_id, deed.path}, deed.object_id);
      scene.Touch(change, std::span(&index, 1));
      change.doubts.push_back("a setting of the running kernel: it is gone with the next boot");
      plan.changes.push_back(std::move(change));
    }
  }
  ASSIGN_OR_RETURN(const std::vector<Deed> commands, ReadModuleCommands(store, scene.actors));
  for (const Deed& command : commands) {
    Change change = scene.Begin("module", {command.host_id, command.path}, 0);
    change.first = change.last = scene.EvidenceOf(command);
    change.call_count = 1;
    change.own = scene.own.contains(command.process_id);
    change.doubts.push_back(
        "a module may hide itself: start the host from another disk rather than remove it");
    plan.changes.push_back(std::move(change));
  }
  return {};
}

Result<> AddBytes(store::Store& store, const Scene& scene, const PlanOptions& options, Plan& plan) {
  const auto is_actor = [&scene](std::int64_t process_id) {
    return scene.all.contains(process_id);
  };
  std::vector<Change*> files;
  for (Change& change : plan.changes) {
    const bool has_bytes = change.remedy == Remedy::kMoveAway ||
                           change.remedy == Remedy::kMoveBack || change.remedy == Remedy::kRestore;
    if (has_bytes && change.type == "file") files.push_back(&change);
  }
  if (files.size() > options.looked_into_max) {
    plan.unhashed_count = static_cast<std::int64_t>(files.size() - options.looked_into_max);
    // Where something must be put back it is needed; a new file is known by its number, too.
    std::ranges::stable_sort(
        files, {}, [](const Change* change) { return change->remedy != Remedy::kRestore; });
    files.resize(options.looked_into_max);
  }
  std::uint64_t done = 0;
  for (Change* change : files) {
    if (options.progress) options.progress(done++, files.size());
    if (change->remedy == Remedy::kRestore) {
      const bool appended = change->before.kind == Held::Kind::kPart;
      ASSIGN_OR_RETURN(
          const BytesAnswer answer,
          BytesOf(store,
                  {.object_id = change->before_object_id,
                   .first_event_id = change->before_event_id,
                   .first_wall_ns = change->before.at_wall_ns,
                   .appended_at_bytes = appended ? change->before.size_bytes : std::nullopt},
                  is_actor));
      change->before = answer.before;
      if (change->object_id == change->before_object_id) change->left = answer.left;
      if (change->before.kind == Held::Kind::kPart) change->remedy = Remedy::kTruncate;
    }
    if (change->object_id == 0 || change->object_id == change->before_object_id) continue;
    ASSIGN_OR_RETURN(const BytesAnswer answer, BytesOf(store,
                                                       {.object_id = change->object_id,
                                                        .first_event_id = change->first.event_id,
                                                        .first_wall_ns = change->first.wall_ns,
                                                        .was_there = false},
                                                       is_actor));
    change->left = answer.left;
  }
  return {};
}

void AddDoubts(Plan& plan) {
  for (Change& change : plan.changes) {
    DoubtFile(change);
    if (!change.own) {
      change.doubts.push_back(
          "not all of it was done by what was asked for: it may have been caused, or may not");
    }
    if (change.later_count > 0) {
      change.doubts.push_back(fmt::format(
          "{} changed it later, at {}{}", change.later.front().process,
          WallTimeText(change.later.front().wall_ns),
          change.later_count > 1 ? fmt::format(", and {} changes more", change.later_count - 1)
                                 : ""));
    }
  }
}

}  // namespace spoor::undo
