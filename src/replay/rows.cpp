// SPDX-License-Identifier: Apache-2.0
#include "replay/rows.hpp"

#include <algorithm>
#include <tuple>

namespace spoor::replay {
namespace {

struct Sides {
  bool output_master = false;  // output: what the master end read, else what the slave end wrote
  bool input_master = false;   // input: what the master end wrote, else what the slave end read
};

// What a program prints last is often never read by the master end, which is then a little short.
Sides ChooseSides(const std::vector<IoRow>& rows) {
  std::uint64_t moved[2][2] = {};  // [pty_master][out]
  for (const IoRow& row : rows) moved[row.pty_master][row.out] += row.size_bytes;
  const std::uint64_t shown = moved[true][false];
  return {.output_master = shown > 0 && shown >= moved[false][true] / 4 * 3,
          .input_master = moved[true][true] > 0 && moved[true][true] >= moved[false][false]};
}

std::string SideText(bool master, bool any_master, std::string_view master_verb,
                     std::string_view slave_verb) {
  if (master) return "as the master end of the terminal " + std::string(master_verb) + " it";
  return any_master ? "as programs on the terminal " + std::string(slave_verb) + " it"
                    : "as programs " + std::string(slave_verb) + " it";
}

/// What the master end moves is told to be of the program at the other end.
class Attribution {
 public:
  explicit Attribution(const std::vector<IoRow>& rows) {
    for (const IoRow& row : rows) {
      if (!row.pty_master) (row.out ? writers_ : readers_).push_back({row.boot_ns, row.process_id});
    }
  }

  /// The last that had printed.
  std::int64_t PrinterBefore(std::int64_t boot_ns) const {
    const auto after = std::ranges::upper_bound(writers_, boot_ns, {}, &Use::boot_ns);
    return after == writers_.begin() ? 0 : std::prev(after)->process_id;
  }
  /// The first that then read.
  std::int64_t ReaderAfter(std::int64_t boot_ns) const {
    const auto at = std::ranges::lower_bound(readers_, boot_ns, {}, &Use::boot_ns);
    if (at != readers_.end()) return at->process_id;
    return readers_.empty() ? 0 : readers_.back().process_id;
  }

 private:
  struct Use {
    std::int64_t boot_ns;
    std::int64_t process_id;
  };
  std::vector<Use> writers_, readers_;
};

/// The terminal's state over time, from everything that says something about it.
class StateHistory {
 public:
  explicit StateHistory(const std::vector<IoRow>& rows, const std::vector<StateRow>& states) {
    for (const IoRow& row : rows) {
      // The master end has settings of its own that say nothing about the programs' end.
      if (!row.pty_master)
        changes_.push_back({row.event_id, row.process_id, row.boot_ns, row.state});
    }
    changes_.insert(changes_.end(), states.begin(), states.end());
    std::ranges::stable_sort(
        changes_, {}, [](const StateRow& row) { return std::tuple(row.boot_ns, row.event_id); });
  }

  /// A password is being asked for: whole lines are read and not shown. Asked for ascending
  /// moments.
  bool EchoOff(std::int64_t boot_ns) {
    for (; next_ < changes_.size() && changes_[next_].boot_ns <= boot_ns; ++next_) {
      if (changes_[next_].state.echo) echo_ = changes_[next_].state.echo;
      if (changes_[next_].state.canonical) canonical_ = changes_[next_].state.canonical;
    }
    return echo_ == false && canonical_ == true;
  }

  void AddResizes(Recording& recording) const {
    std::int64_t last_rows = 0;
    std::int64_t last_columns = 0;
    for (const StateRow& change : changes_) {
      const std::int64_t rows = change.state.rows.value_or(0);
      const std::int64_t columns = change.state.columns.value_or(0);
      if (rows <= 0 || columns <= 0) continue;  // 0 by 0 is what nobody has set yet
      if (!recording.size_known) {
        recording.size_known = true;
        recording.rows = rows;
        recording.columns = columns;
      } else if (rows != last_rows || columns != last_columns) {
        recording.events.push_back({.type = EventType::kResize,
                                    .boot_ns = change.boot_ns,
                                    .event_id = change.event_id,
                                    .process_id = change.process_id,
                                    .bytes = {},
                                    .rows = rows,
                                    .columns = columns});
      }
      last_rows = rows;
      last_columns = columns;
    }
  }

 private:
  std::vector<StateRow> changes_;
  std::size_t next_ = 0;
  std::optional<bool> echo_, canonical_;
};

}  // namespace

Recording Combine(const std::vector<IoRow>& rows, const std::vector<StateRow>& states) {
  Recording recording;
  const Sides sides = ChooseSides(rows);
  const bool any_master = std::ranges::any_of(rows, &IoRow::pty_master);
  recording.output_side = SideText(sides.output_master, any_master, "read", "wrote");
  recording.input_side = SideText(sides.input_master, any_master, "wrote", "read");
  recording.line_feeds_only = !sides.output_master;
  const Attribution attribution(rows);
  StateHistory history(rows, states);
  for (const IoRow& row : rows) {
    const bool is_input = row.pty_master == row.out;
    if (row.pty_master != (is_input ? sides.input_master : sides.output_master)) continue;
    if (row.size_bytes == 0) continue;
    TerminalEvent event{.type = is_input ? EventType::kInput : EventType::kOutput,
                        .boot_ns = row.boot_ns,
                        .event_id = row.event_id,
                        .process_id = row.process_id,
                        .bytes = row.data.value_or("")};
    if (row.pty_master) {
      event.process_id =
          is_input ? attribution.ReaderAfter(row.boot_ns) : attribution.PrinterBefore(row.boot_ns);
    }
    event.missing_bytes =
        row.size_bytes - std::min<std::uint64_t>(row.size_bytes, event.bytes.size());
    recording.missing_bytes += event.missing_bytes;
    event.echo_off = is_input && history.EchoOff(row.boot_ns);
    recording.events.push_back(std::move(event));
  }
  history.AddResizes(recording);
  std::ranges::stable_sort(recording.events, {}, [](const TerminalEvent& event) {
    return std::tuple(event.boot_ns, event.event_id);
  });
  return recording;
}

}  // namespace spoor::replay
