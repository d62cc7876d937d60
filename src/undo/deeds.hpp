// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "event/kinds.hpp"
#include "store/store.hpp"
#include "undo/plan.hpp"

/// Calls that changed something, as the store has them. Internal to this folder.
namespace spoor::undo {

struct Deed {
  std::int64_t event_id = 0;
  std::optional<std::int64_t> entry_index = {};
  std::int64_t host_id = 0, process_id = 0, uid = 0;
  event::EventKind kind = event::EventKind::kOpen;
  std::int64_t object_id = 0, other_object_id = 0;  ///< 0: not known
  std::string path, other_path;                     ///< empty: not known
  std::int64_t size_bytes = 0, count = 1, flags = 0, value = 0;
  std::optional<std::int64_t> offset_bytes = {};
  std::int64_t wall_ns = 0, boot_ns = 0;  ///< end of the call

  // open(2), as recorded: the numbers of x86-64 and arm64.
  bool IsWritable() const { return (flags & 03) != 0; }
  bool Appends() const { return (flags & 02000) != 0; }
  bool Empties() const {
    return (kind == event::EventKind::kOpen && (flags & 01000) != 0) ||
           (kind == event::EventKind::kTruncate && value == 0);
  }
  /// Changes the bytes of its object.
  bool ChangesBytes() const {
    return kind == event::EventKind::kWrite || kind == event::EventKind::kSend ||
           kind == event::EventKind::kTruncate || Empties();
  }
};

struct ObjectFacts {
  std::string type, path;  ///< path: the last known name
  std::optional<std::int64_t> inode = {};
};

struct ProcessFacts {
  std::string host, name, command_line, boot_id;
  std::int64_t pid = 0, start_boot_ns = 0;
  std::optional<std::int64_t> start_wall_ns = {};
  bool ended = false;
};

/// All deeds of the actors, in the order of recording, with the names of their objects filled in
/// as far as the store knows them. Fails: kUnavailable (more than this machine should hold).
struct Deeds {
  std::vector<Deed> deeds;
  std::map<std::int64_t, ObjectFacts> objects;
  std::map<std::int64_t, ProcessFacts> processes;  ///< of actors, and of others when they are read
  std::map<std::int64_t, std::string> hosts;
};
Result<Deeds> ReadDeeds(store::Store& store, std::span<const Actor> actors);

/// What others than the actors did, at any time, to these objects (mode and owner too) or under
/// these names. `deeds.processes` gets who they are.
Result<std::vector<Deed>> ReadOthersDeeds(store::Store& store, std::span<const Actor> actors,
                                          const std::vector<std::int64_t>& object_ids,
                                          const std::vector<std::string>& paths, Deeds& deeds);

/// By program file: its mode at each execution, by event_id.
Result<std::map<std::int64_t, std::map<std::int64_t, std::int64_t>>> ReadProgramModes(
    store::Store& store, const std::vector<std::int64_t>& object_ids);

/// Programs that load or remove modules of the kernel, as the actors executed them: of each the
/// event of exec, `path` its command line.
Result<std::vector<Deed>> ReadModuleCommands(store::Store& store, std::span<const Actor> actors);

/// What a well-known place means (query _way_back), by path; nothing for others.
Result<std::map<std::string, std::string>> ReadMeanings(store::Store& store,
                                                        const std::vector<std::string>& paths);

/// "address:port" of listening sockets.
Result<std::map<std::int64_t, std::string>> ReadAddresses(
    store::Store& store, const std::vector<std::int64_t>& object_ids);

}  // namespace spoor::undo
