// SPDX-License-Identifier: Apache-2.0
#include "replay/recording.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <memory>

#include "base/file.hpp"
#include "base/saturating.hpp"
#include "base/time.hpp"
#include "base/visible_text.hpp"
#include "base/wall_time_text.hpp"
#include "programs/open_store.hpp"
#include "programs/print.hpp"
#include "programs/subcommand.hpp"
#include "replay/cast.hpp"
#include "replay/playback_filter.hpp"
#include "replay/text.hpp"

namespace spoor::programs {
namespace {

struct ReplayFlags {
  std::string store;
  std::string who;
  std::string cast;
  int cast_version = 2;
  double speed = 1;
  std::string idle_max;
  bool text = false, input = false, raw = false, descriptors = false;
};

volatile std::sig_atomic_t interrupted = 0;

/// Sleeps until `boot_ns` of the boot clock; false if a signal ended it.
bool SleepUntil(std::int64_t boot_ns) {
  const timespec until{.tv_sec = boot_ns / 1'000'000'000, .tv_nsec = boot_ns % 1'000'000'000};
  while (interrupted == 0) {
    const int failure = clock_nanosleep(CLOCK_BOOTTIME, TIMER_ABSTIME, &until, nullptr);
    if (failure == 0) return true;
    if (failure != EINTR) return false;
  }
  return false;
}

Result<> Play(const replay::Recording& recording, const ReplayFlags& flags,
              std::int64_t idle_max_ns) {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  replay::PlaybackFilter filter;
  replay::LineEnds line_ends(recording);
  auto due_ns = static_cast<std::int64_t>(BootNow());
  std::int64_t last_ns = recording.events.front().boot_ns;
  for (const replay::TerminalEvent& event : recording.events) {
    if (event.type != replay::EventType::kOutput) continue;
    const auto wait_ns =
        static_cast<std::int64_t>(static_cast<double>(event.boot_ns - last_ns) / flags.speed);
    last_ns = event.boot_ns;
    due_ns += std::min(wait_ns, idle_max_ns);
    if (!SleepUntil(due_ns)) break;
    std::string bytes = flags.raw ? event.bytes : filter.Filter(line_ends.Apply(event.bytes));
    if (event.missing_bytes > 0) {
      filter.Finish();
      bytes += replay::MissingText(event.missing_bytes);
    }
    PrintPlayback(bytes);
    if (!OutIsOpen()) break;
  }
  if (!OutIsTerminal()) return FlushOut();
  // Soft reset, out of the alternate screen, cursor visible: whatever the session left behind.
  PrintPlayback("\x1b[!p\x1b[?1049l\x1b[?25h\x1b[0m\r\n");
  return FlushOut();
}

Result<> WriteCastFiles(const replay::Recording& recording, const ReplayFlags& flags,
                        std::optional<std::int64_t> idle_max_ns) {
  const replay::Cast cast =
      replay::MakeCast(recording, {.version = flags.cast_version, .idle_max_ns = idle_max_ns});
  RETURN_IF_ERROR(WriteFileAtomically(flags.cast, AsBytes(VisibleJson(cast.text)), 0600));
  if (cast.raw.empty()) return {};
  PrintError("spoor replay: bytes that are not UTF-8 are replaced in {}; as recorded in {}.raw\n",
             flags.cast, flags.cast);
  return WriteFileAtomically(flags.cast + ".raw", AsBytes(cast.raw), 0600);
}

/// The wall clock of a time of the boot clock; an end that is not known stays one.
std::int64_t WallOf(const replay::Recording& recording, std::int64_t boot_ns) {
  return boot_ns == INT64_MAX ? INT64_MAX : SaturatingAdd(boot_ns, recording.wall_shift_ns);
}

void Narrate(const replay::Recording& recording) {
  PrintError("spoor replay: {}{}{}; output {}, input {}\n", VisibleText(recording.host),
             recording.host.empty() ? "" : " ", VisibleText(recording.title), recording.output_side,
             recording.input_side);
  for (const replay::Gap& gap : recording.gaps) {
    const std::string count = gap.count ? fmt::format("{} lost", *gap.count) : "not counted";
    PrintError("spoor replay: gap {} – {}: {} ({}): {}\n",
               WallTimeText(WallOf(recording, gap.from_boot_ns)),
               WallTimeText(WallOf(recording, gap.until_boot_ns)), VisibleText(gap.loss_class),
               count, VisibleText(gap.reason));
  }
  if (recording.missing_bytes > 0) {
    PrintError("spoor replay: {} bytes were moved but not captured\n", recording.missing_bytes);
  }
}

Result<ExitCode> Replay(const ReplayFlags& flags) {
  if (!(flags.speed > 0)) return Fail(ErrorCode::kInvalidArgument, "--speed must be above 0");
  std::optional<std::int64_t> idle_max_ns;
  if (!flags.idle_max.empty()) {
    ASSIGN_OR_RETURN(idle_max_ns, ParseDuration(flags.idle_max));
  }
  ASSIGN_OR_RETURN(const analysis::ReadableStore store, OpenStoreForReading(flags.store));
  const Result<replay::Recording> loaded =
      replay::Load(*store, {.who = flags.who, .descriptors = flags.descriptors});
  if (!loaded && loaded.error().code == ErrorCode::kNotFound) {
    PrintError("spoor replay: {}\n", loaded.error().message);
    return store.Judge(ExitCode::kNone);
  }
  RETURN_IF_ERROR(loaded);
  const replay::Recording& recording = *loaded;
  const bool to_terminal = OutIsTerminal();
  Narrate(recording);
  if (!flags.cast.empty()) {
    RETURN_IF_ERROR(WriteCastFiles(recording, flags, idle_max_ns));
  } else if (flags.text || flags.input || (!to_terminal && !flags.raw)) {
    const std::string text = replay::RenderText(recording, {.input_only = flags.input});
    PrintText(text);
  } else {
    RETURN_IF_ERROR(Play(recording, flags, idle_max_ns.value_or(INT64_MAX)));
  }
  const bool complete = recording.gaps.empty() && recording.missing_bytes == 0;
  return store.Judge(complete ? ExitCode::kDone : ExitCode::kIncomplete);
}

}  // namespace

void RegisterReplay(CLI::App& application, Action& action) {
  const auto flags = std::make_shared<ReplayFlags>();  // shared with the action that outlives us
  CLI::App* replay = application.add_subcommand(
      "replay", "an intruder's terminal again: what was typed and printed");
  AddStoreOption(*replay, flags->store);
  replay
      ->add_option("who", flags->who,
                   "process_id, pid or session_id of a process on the terminal, or the terminal's "
                   "object_id")
      ->type_name("PROCESS|SESSION")
      ->required();
  CLI::Option* cast =
      replay->add_option("--cast", flags->cast, "write an asciicast")->type_name("FILE");
  replay->add_option("--cast-version", flags->cast_version, "2 or 3")
      ->check(CLI::IsMember({2, 3}))
      ->needs(cast)
      ->capture_default_str();
  replay->add_option("--speed", flags->speed, "playback: times faster")
      ->type_name("X")
      ->capture_default_str();
  replay->add_option("--idle-max", flags->idle_max, "pauses are at most this long (2s)")
      ->type_name("DURATION");
  CLI::Option* text = replay->add_flag("--text", flags->text,
                                       "a line each, keys visible (the default off a terminal)");
  CLI::Option* input = replay->add_flag("--input", flags->input, "as --text, what was typed only");
  CLI::Option* raw =
      replay->add_flag("--raw", flags->raw,
                       "playback: every byte as it was, also off a terminal (dangerous on one)");
  replay->add_flag("--descriptors", flags->descriptors,
                   "what went over descriptors 0, 1, 2 even if there is a terminal");
  cast->excludes(text)->excludes(input)->excludes(raw);
  raw->excludes(text)->excludes(input);
  replay->footer(
      "Examples:\n"
      "  spoor replay 4711                      play it in this terminal\n"
      "  spoor replay 4711 --speed 4 --idle-max 2s\n"
      "  spoor replay 4711 --text               [time] process[pid] > typed, < printed, * done\n"
      "  spoor replay 4711 --cast intruder.cast --cast-version 3\n"
      "Playback leaves out what would make your terminal answer or write the clipboard.");
  replay->callback([flags, &action] { action = [flags] { return Replay(*flags); }; });
}

}  // namespace spoor::programs
