// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What would have to be done so that a host is as it was before some processes changed it. A plan
/// is for a person to read: nothing here does anything. Text comes from the record: not to be
/// trusted.
namespace spoor::undo {

/// A process whose changes are meant.
struct Actor {
  std::int64_t process_id = 0;
  /// False: the causal graph comes to it, so what it did may have been caused, or may not.
  bool own = true;
  std::int64_t from_event_id = 0;  ///< what it did before is not meant
};

/// A call that is in the evidence.
struct Evidence {
  std::int64_t event_id = 0;
  std::optional<std::int64_t> entry_index = {};  ///< of the evidence log
  std::int64_t wall_ns = 0;                      ///< its end
  std::string process;                           ///< "name[pid]"
  std::int64_t process_id = 0;
  std::int64_t uid = 0;  ///< real user of the thread
};

/// What undoes a change.
enum class Remedy : std::uint8_t {
  kNothing,       ///< nothing that a script could do
  kMoveAway,      ///< the file goes to the folder of the script
  kRemoveFolder,  ///< if it is empty then
  kMoveBack,      ///< from `path` to `other_path`
  kRestore,       ///< `path` holds again what it held before
  kTruncate,      ///< what was appended goes
  kSetMode,
  kSetOwner,
  kStop,  ///< the process ends
};
/// One word, for JSON.
std::string_view NameOf(Remedy remedy);

/// What is known of the bytes of a file at one moment.
struct Held {
  enum class Kind : std::uint8_t {
    kNothing,  ///< there was no file
    kBytes,    ///< all of them are recorded
    kPart,     ///< what comes behind `size_bytes` is what was appended
    kNotRecorded,
  };
  Kind kind = Kind::kNothing;
  std::optional<std::int64_t> size_bytes = {};
  std::string sha256;         ///< kBytes: of all; kPart: of what was appended; empty: not known
  std::string why;            ///< kNotRecorded: a clause
  std::int64_t at_wall_ns{};  ///< kBytes: `spoor recover OBJECT --at` gives them
};

/// What tells that a file is still as it was left.
struct Mark {
  std::optional<std::int64_t> inode = {};
  std::int64_t until_wall_ns = 0;  ///< nobody of the plan wrote to it later
  std::string link_target;         ///< of a symbolic link
};

/// One persistent change.
struct Change {
  /// "created", "linked", "renamed", "replaced", "changed", "emptied", "deleted", "mode", "owner",
  /// "attribute", "mounted", "setting", "module", "process", "listener".
  std::string what;
  std::string host, path;
  std::string other_path;  ///< renamed: the old name; mounted: what; attribute: which; and so on
  std::string means;       ///< as query persistence: "key", "scheduled job"; empty: nothing known
  std::int64_t object_id = 0;
  std::string type;  ///< "file", "directory", "symlink" …
  bool own = true;   ///< made by a process of the subject itself
  Evidence first, last;
  std::int64_t call_count = 0;
  Held before, left;
  // Whose bytes `before` are, as they were before this event.
  std::int64_t before_object_id = 0, before_event_id = 0;
  Mark mark;
  std::optional<std::int64_t> value_before = {}, value_left = {};  ///< modes and owners
  // Of "process".
  std::int64_t pid = 0, start_boot_ns = 0;
  std::string boot_id;
  std::vector<Evidence> later;  ///< changes by others that this must not undo
  std::int64_t later_count = 0;
  Remedy remedy = Remedy::kNothing;
  std::vector<std::string> doubts;  ///< why it is not certain, a clause each
  bool IsCertain() const { return doubts.empty() && remedy != Remedy::kNothing; }
};

struct Plan {
  std::string subject;              ///< as its user named it
  std::vector<Change> changes;      ///< in the order in which they are undone: the last first
  std::int64_t passing_count = 0;   ///< names that were made and removed again
  std::int64_t unhashed_count = 0;  ///< files that were too many to be looked into
  std::optional<std::int64_t> from_wall_ns = {}, until_wall_ns = {};  ///< of the changes
};

}  // namespace spoor::undo
