// SPDX-License-Identifier: Apache-2.0
// spoor watch: beside a collector, says when a sensor falls silent or no longer sees what happens.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/store_layout.hpp"
#include "base/time.hpp"
#include "base/visible_text.hpp"
#include "base/wall_time_text.hpp"
#include "collector/watch.hpp"
#include "event/event_text.hpp"
#include "evidence/log.hpp"
#include "evidence/named_key.hpp"
#include "keys/certificate.hpp"
#include "programs/print.hpp"
#include "programs/stop_signals.hpp"
#include "programs/subcommand.hpp"

namespace spoor::programs {
namespace {

using collector::Alarm;

constexpr int kLookIntervalMs = 500;
// A reader beside a writer may come between two of its steps.
constexpr int kFailuresMax = 5;
constexpr std::size_t kNameCharactersMax = 80;

struct WatchOptions {
  std::string store;
  std::string key_file;
  std::string escrow_file;
  std::string silence = "60s";
  std::vector<std::string> ignored;
  bool once = false;
  bool json = false;
};

/// Reads what came to the log since the last time.
class Follower {
 public:
  Follower(StoreLayout layout, std::string public_key)
      : layout_(std::move(layout)), public_key_(std::move(public_key)) {}

  Result<> Read(collector::Watch& watch) {
    ASSIGN_OR_RETURN(const auto log, evidence::LogReader::Open(layout_.evidence(), public_key_));
    if (!began_ && log->removed_until() != 0) {
      ASSIGN_OR_RETURN(const wire::Carried carried, log->ReadCarried());
      watch.Continue(carried);
    }
    began_ = true;
    if (next_entry_ == log->size()) return {};
    return log->ForEach(
        next_entry_, [&](std::uint64_t index, std::span<const std::byte> entry) -> Result<> {
          const Result<wire::Batch> batch = wire::DecodeBatch(entry);
          if (!batch) {
            return Fail(ErrorCode::kUnverified, "entry {}: {}", index, batch.error().message);
          }
          watch.Add(index, *batch);
          next_entry_ = index + 1;
          return {};
        });
  }

 private:
  const StoreLayout layout_;
  const std::string public_key_;
  std::uint64_t next_entry_ = 0;
  bool began_ = false;
};

std::string Seconds(std::int64_t length_ns) {
  return fmt::format("{:.1f} s", static_cast<double>(length_ns) / 1e9);
}

std::string WhatOf(const Alarm& alarm) {
  const std::string since = WallTimeText(alarm.since_wall_ns);
  switch (alarm.kind) {
    case Alarm::Kind::kSilent:
      if (!alarm.over) return "silent since " + since;
      return fmt::format("is back; was silent since {} ({})", since,
                         Seconds(alarm.wall_ns - alarm.since_wall_ns));
    case Alarm::Kind::kEnded:
      if (alarm.over) return "records again";
      return fmt::format(
          "its recording ended at {} ({}), and no other began", since,
          alarm.reason.empty() ? "no reason given" : VisibleText(alarm.reason, kNameCharactersMax));
    case Alarm::Kind::kCanaryMissing:
      if (alarm.over) {
        return fmt::format("canaries are recorded again; missing were {}, the first due {}",
                           alarm.count, since);
      }
      return fmt::format("canary {} of chain {}, due {}, is not in the record: {}", alarm.number,
                         alarm.chain.substr(0, 12), since,
                         fmt::join(collector::CanaryCallNames(alarm.missing), ", "));
    case Alarm::Kind::kRecordsLost:
      return fmt::format("{} records lost where they were made", alarm.count);
  }
  return {};
}

void PrintAlarm(const Alarm& alarm) {
  PrintOut("{} {} {}{}: {}\n", WallTimeText(alarm.wall_ns), alarm.over ? "over " : "ALARM",
           VisibleText(alarm.sensor, kNameCharactersMax),
           alarm.host.empty()
               ? ""
               : fmt::format(" (host {})", VisibleText(alarm.host, kNameCharactersMax)),
           WhatOf(alarm));
}

void PrintAlarmJson(const Alarm& alarm) {
  nlohmann::json line{{"alarm", collector::AlarmKindName(alarm.kind)},
                      {"over", alarm.over},
                      {"sensor", event::MakeUtf8(alarm.sensor)},
                      {"host", event::MakeUtf8(alarm.host)},
                      {"chain_id", alarm.chain},
                      {"wall_ns", alarm.wall_ns}};
  switch (alarm.kind) {
    case Alarm::Kind::kEnded:
      if (!alarm.over) line["reason"] = event::MakeUtf8(alarm.reason);
      [[fallthrough]];
    case Alarm::Kind::kSilent:
      line["since_wall_ns"] = alarm.since_wall_ns;
      break;
    case Alarm::Kind::kCanaryMissing:
      line["number"] = alarm.number;
      line["due_wall_ns"] = alarm.since_wall_ns;
      line["calls"] = collector::CanaryCallNames(alarm.missing);
      line["count"] = alarm.count;
      break;
    case Alarm::Kind::kRecordsLost:
      line["count"] = alarm.count;
      break;
  }
  PrintJson(line);
}

void PrintAlarms(collector::Watch& watch, bool json) {
  for (const Alarm& alarm : watch.Alarms(WallNow()))
    json ? PrintAlarmJson(alarm) : PrintAlarm(alarm);
  static_cast<void>(FlushOut());
}

Result<ExitCode> Follow(Follower& follower, collector::Watch& watch, bool json,
                        StopSignals& signals) {
  int failure_count = 0;
  pollfd stop{.fd = signals.fd(), .events = POLLIN, .revents = 0};
  while (!signals.Take()) {
    PrintAlarms(watch, json);
    poll(&stop, 1, kLookIntervalMs);
    const Result<> read = follower.Read(watch);
    failure_count = read ? 0 : failure_count + 1;
    if (failure_count == kFailuresMax) return tl::unexpected<Error>(read.error());
  }
  return ExitCode::kDone;
}

Result<ExitCode> RunWatch(const WatchOptions& options) {
  const StoreLayout layout{options.store};
  ASSIGN_OR_RETURN(const std::int64_t silence_ns, ParseDuration(options.silence));
  if (silence_ns <= 0) return Fail(ErrorCode::kInvalidArgument, "--silence must be above 0");
  ASSIGN_OR_RETURN(std::string public_key, options.key_file.empty()
                                               ? evidence::ReadPublicKey(layout)
                                               : ReadTextFile(options.key_file, 4096));
  keys::KeyPointer escrow;
  if (!options.escrow_file.empty()) {
    ASSIGN_OR_RETURN(escrow, keys::LoadPrivateKey(options.escrow_file));
  }
  collector::Watch watch({.escrow_private = escrow.get(),
                          .silence_ns = silence_ns,
                          .ignored = {options.ignored.begin(), options.ignored.end()}});
  Follower follower(layout, std::move(public_key));
  // Of a large log this takes a while, and may be interrupted.
  RETURN_IF_ERROR(follower.Read(watch));
  StopSignals signals;
  PrintError("spoor watch: watches {} chains of {} sensors in {}{}{}\n", watch.open_chain_count(),
             watch.sensor_count(), layout.evidence().string(),
             escrow == nullptr ? "; canaries are not judged (--escrow)" : "",
             options.once ? "" : "; Ctrl-C ends it");
  if (!options.once) return Follow(follower, watch, options.json, signals);
  PrintAlarms(watch, options.json);
  return watch.has_present_alarm() ? ExitCode::kIncomplete : ExitCode::kDone;
}

}  // namespace

void RegisterWatch(CLI::App& application, Action& action) {
  CLI::App* subcommand = application.add_subcommand(
      "watch", "raise an alarm when a sensor falls silent or no longer sees what happens");
  const auto options = std::make_shared<WatchOptions>();
  AddStoreOption(*subcommand, options->store);
  subcommand
      ->add_option("--key", options->key_file,
                   "verifier key (name+hash+base64); default: STORE/key/log.vkey")
      ->type_name("FILE");
  subcommand
      ->add_option("--escrow", options->escrow_file,
                   "a collector's escrow.key: looks for each sensor's canaries as well")
      ->type_name("FILE");
  subcommand
      ->add_option("--silence", options->silence,
                   "how long nothing may come of a sensor; longer than its canaries are apart")
      ->type_name("DURATION")
      ->capture_default_str();
  subcommand
      ->add_option("--ignore", options->ignored,
                   "a sensor that was taken out of service; may be repeated")
      ->type_name("SENSOR")
      ->expected(1)
      ->take_all();
  subcommand->add_flag("--once", options->once, "say what is wrong at present, and end");
  subcommand->add_flag("--json", options->json, "one JSON object for each line");
  subcommand->footer(
      "Follows the log while the collector writes it, and prints a line for each alarm and again\n"
      "when it is over: nothing came of a sensor whose recording goes on; a recording ended and "
      "no\n"
      "other of its sensor began; a canary (a call that the sensor has made at a time and with a\n"
      "name that only holders of the escrow key can tell in advance) is not in the record, so "
      "that\n"
      "whatever else happens may not be there either; records were lost.\n"
      "Reads STORE/evidence and writes nothing: run it as a user of its own. Does not check "
      "seals:\n"
      "spoor verify does.\n\n"
      "Exit codes with --once: 0 no alarm; 4 at least one.\n\n"
      "Examples:\n"
      "  spoor watch --store /var/lib/spoor --escrow escrow.key --silence 90s\n"
      "  spoor watch --store /var/lib/spoor --escrow escrow.key --once --json\n");
  subcommand->callback([options, &action] { action = [options] { return RunWatch(*options); }; });
}

}  // namespace spoor::programs
