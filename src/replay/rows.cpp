// SPDX-License-Identifier: Apache-2.0
#include "replay/rows.hpp"

#include <algorithm>
#include <tuple>

#include "base/saturating.hpp"

namespace spoor::replay {
namespace {

struct Sides {
  bool output_master = false;  // output: what the master end read, else what the slave end wrote
  bool input_master = false;   // input: what the master end wrote, else what the slave end read
};

// What a program prints last is often never read by the master end, which is then a little short.
Sides ChooseSides(const std::vector<IoRow>& rows) {
  std::uint64_t moved[2][2] = {};  // [pty_master][out]
  for (const IoRow& row : rows) {
    std::uint64_t& sum = moved[row.pty_master][row.out];
    sum = SaturatingAdd(sum, row.size_bytes);
  }
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

/// Who at the other end typed input is for: the first that read after it was written.
class Readers {
 public:
  explicit Readers(const std::vector<IoRow>& rows) {
    for (const IoRow& row : rows) {
      if (!row.pty_master && !row.out) uses_.push_back({row.boot_ns, row.process_id});
    }
  }

  std::int64_t After(std::int64_t boot_ns) const {
    const auto at = std::ranges::lower_bound(uses_, boot_ns, {}, &Use::boot_ns);
    if (at != uses_.end()) return at->process_id;
    return uses_.empty() ? 0 : uses_.back().process_id;
  }

 private:
  struct Use {
    std::int64_t boot_ns;
    std::int64_t process_id;
  };
  std::vector<Use> uses_;
};

/// Which program printed what the master end read. The terminal passes on what programs wrote, in
/// order, with a carriage return before each line feed and the echo of typed characters in between:
/// byte by byte, what is the next written byte is the writer's, what is not is echo.
class Printers {
 public:
  struct Part {
    std::int64_t process_id;  ///< 0: nobody had printed yet
    std::string bytes;
  };

  explicit Printers(const std::vector<IoRow>& rows) {
    for (const IoRow& row : rows) {
      if (!row.pty_master && row.out) writes_.push_back(&row);
    }
  }

  /// Splits what the master end read at `boot_ns`, all of it, by who printed it. Asked for
  /// ascending moments.
  std::vector<Part> Split(std::int64_t boot_ns, const std::string& read) {
    std::vector<Part> parts;
    bool matched = false;
    for (std::size_t i = 0; i < read.size(); ++i) {
      if (Take(boot_ns, read, i)) matched = true;
      if (parts.empty() || parts.back().process_id != last_process_id_) {
        parts.push_back({last_process_id_, {}});
      }
      parts.back().bytes.push_back(read[i]);
    }
    // What was written is not known (shed, or before recording began): begin again behind it.
    if (!matched) {
      while (next_ < writes_.size() && writes_[next_]->boot_ns <= boot_ns) Advance();
    }
    return parts;
  }

 private:
  bool Take(std::int64_t boot_ns, const std::string& read, std::size_t at) {
    while (next_ < writes_.size() && offset_ >= Data().size()) Advance();
    if (next_ == writes_.size() || writes_[next_]->boot_ns > boot_ns) return false;
    const char written = Data()[offset_];
    const bool added_return = written == '\n' && read[at] == '\r';
    if (!added_return && written != read[at]) return false;
    last_process_id_ = writes_[next_]->process_id;
    if (!added_return) ++offset_;
    return true;
  }

  const std::string& Data() const {
    static const std::string kNone;
    return writes_[next_]->data ? *writes_[next_]->data : kNone;
  }
  void Advance() {
    last_process_id_ = writes_[next_]->process_id;
    ++next_;
    offset_ = 0;
  }

  std::vector<const IoRow*> writes_;
  std::size_t next_ = 0, offset_ = 0;
  std::int64_t last_process_id_ = 0;
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
  const Readers readers(rows);
  Printers printers(rows);
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
    event.missing_bytes =
        row.size_bytes - std::min<std::uint64_t>(row.size_bytes, event.bytes.size());
    if (row.pty_master && is_input) event.process_id = readers.After(row.boot_ns);
    if (row.pty_master && !is_input) {
      auto parts = printers.Split(row.boot_ns, event.bytes);
      // All but the last part become events of their own.
      for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
        TerminalEvent part = event;
        part.missing_bytes = 0;
        part.process_id = parts[i].process_id;
        part.bytes = std::move(parts[i].bytes);
        recording.events.push_back(std::move(part));
      }
      event.process_id = parts.empty() ? 0 : parts.back().process_id;
      event.bytes = parts.empty() ? std::string() : std::move(parts.back().bytes);
    }
    recording.missing_bytes = SaturatingAdd(recording.missing_bytes, event.missing_bytes);
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
