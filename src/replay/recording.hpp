// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace spoor::store {
class Store;
}

/// What went over a terminal, in order: for playback, as asciicast and as text.
namespace spoor::replay {

enum class EventType : std::uint8_t { kOutput, kInput, kResize, kMarker };

/// One thing at one moment. Bytes are as recorded: anything may be in them.
struct TerminalEvent {
  EventType type = EventType::kOutput;
  std::int64_t boot_ns = 0;
  std::int64_t event_id = 0;
  std::int64_t process_id = 0;         ///< who printed, who was to read, who did it; 0: not known
  std::string bytes;                   ///< output, input; marker: its text
  std::uint64_t missing_bytes = 0;     ///< moved behind `bytes`, but not captured
  bool echo_off = false;               ///< input: the terminal was told not to show it (a password)
  std::int64_t rows = 0, columns = 0;  ///< resize
};

struct Process {
  std::int64_t pid = 0;
  std::string name;
};

/// A stretch of time in which not everything was recorded.
struct Gap {
  std::int64_t from_boot_ns = 0, until_boot_ns = 0;
  std::string loss_class, reason;
  std::optional<std::int64_t> count;  ///< empty: not known
};

struct Recording {
  std::string host;
  std::string title;                    ///< name of the terminal, or "descriptors 0, 1, 2 of …"
  std::string output_side, input_side;  ///< which end the bytes were taken from, as a phrase
  /// The output was taken before the terminal added a carriage return to each line feed.
  bool line_feeds_only = false;
  std::int64_t wall_shift_ns = 0;        ///< wall time = boot_ns + this, as of the first event
  std::int64_t rows = 24, columns = 80;  ///< at the beginning
  bool size_known = false;
  std::vector<TerminalEvent> events;  ///< by boot_ns
  std::map<std::int64_t, Process> processes;
  std::vector<Gap> gaps;
  std::uint64_t missing_bytes = 0;  ///< of all events
};

/// Who to replay.
struct Subject {
  std::string who;  ///< PROCESS, SESSION (= its first process) or the object_id of a terminal
  bool descriptors = false;  ///< what went over descriptors 0, 1, 2 even if there is a terminal
};

/// The terminal of a process, or of its descendants if it has none itself, or else what it and its
/// descendants moved over its descriptors 0, 1 and 2. Of the two ends of a pty one is taken for
/// each direction, so that no byte comes twice: the one that more bytes went over; of equals the
/// master, where what was typed is not edited yet and what was printed includes the echo. Fails:
/// kNotFound (nothing of that kind recorded), kInvalidArgument (several terminals: the message
/// lists them, or no such process).
Result<Recording> Load(store::Store& store, const Subject& subject);

}  // namespace spoor::replay
