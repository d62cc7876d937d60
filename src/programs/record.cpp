// SPDX-License-Identifier: Apache-2.0
// spoor record: the kernel's chunks, sealed into batches, appended to the store's evidence log or
// shipped to a collector.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include "base/time.hpp"
#include "programs/child_command.hpp"
#include "programs/destination.hpp"
#include "programs/live_packets.hpp"
#include "programs/print.hpp"
#include "programs/stop_signals.hpp"
#include "programs/subcommand.hpp"
#include "sensor/canary.hpp"
#include "sensor/policy.hpp"
#include "sensor/recorder.hpp"
#include "sensor/urgent_pace.hpp"
#include "wire/loss_class.hpp"

namespace spoor::programs {
namespace {

constexpr int kDrainIntervalMaxMs = 20;
constexpr std::uint32_t kLocalSealIntervalMsMin = 200;

struct RecordOptions {
  Destination::Options destination;
  std::string profile;
  std::string policy_file;
  std::string host;
  std::vector<std::string> scopes;
  std::string duration;
  LivePackets::Options packets;
  std::vector<std::string> command;
};

template <typename... Args>
void Narrate(fmt::format_string<Args...> format, Args&&... args) {
  PrintError("spoor record: {}\n", fmt::format(format, std::forward<Args>(args)...));
}

std::string MachineName() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "localhost";
  return name.data();
}

std::vector<std::string> OwnCommandLine() {
  std::vector<std::string> words;
  const Result<std::string> text = ReadTextFile("/proc/self/cmdline", 4 << 20);
  if (!text) return words;
  for (std::size_t begin = 0; begin < text->size();) {
    const std::size_t end = std::min(text->find('\0', begin), text->size());
    words.push_back(text->substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

// A folder of the cgroup v2 hierarchy: `path` as it is, or from the root of where that is mounted.
Result<std::string> FindCgroup(const std::string& path) {
  std::vector<std::string> candidates{path};
  std::ifstream mounts("/proc/self/mounts");
  std::string device, folder, type, rest;
  while (mounts >> device >> folder >> type && std::getline(mounts, rest)) {
    if (type == "cgroup2") candidates.push_back(fmt::format("{}/{}", folder, path));
  }
  for (const std::string& candidate : candidates) {
    std::error_code error;
    const std::filesystem::path found = std::filesystem::canonical(candidate, error);
    if (!error && std::filesystem::exists(found / "cgroup.procs", error)) return found.string();
  }
  return Fail(ErrorCode::kNotFound, "{}: no such cgroup v2 folder", path);
}

// "cgroup:PATH[=HOST]"
Result<sensor::Scope> ParseScope(const std::string& text) {
  constexpr std::string_view kPrefix = "cgroup:";
  if (!text.starts_with(kPrefix) || text.size() == kPrefix.size()) {
    return Fail(ErrorCode::kInvalidArgument, "--scope {}: must be cgroup:PATH or cgroup:PATH=HOST",
                text);
  }
  std::string path = text.substr(kPrefix.size());
  std::string host;
  if (const std::size_t equals = path.rfind('='); equals != std::string::npos) {
    host = path.substr(equals + 1);
    path.resize(equals);
  }
  ASSIGN_OR_RETURN(path, FindCgroup(path));
  if (host.empty()) host = std::filesystem::path(path).filename().string();
  return sensor::Scope{.kind = sensor::Scope::Kind::kCgroup, .host = host, .cgroup_path = path};
}

Result<std::vector<sensor::Scope>> ScopesOf(const RecordOptions& options) {
  const std::string host = options.host.empty() ? MachineName() : options.host;
  std::vector<sensor::Scope> scopes;
  if (!options.command.empty()) {
    if (!options.scopes.empty()) {
      return Fail(ErrorCode::kInvalidArgument,
                  "--scope and a command cannot be recorded together; choose one");
    }
    scopes.push_back({.kind = sensor::Scope::Kind::kTree, .host = host, .cgroup_path = {}});
    return scopes;
  }
  for (const std::string& text : options.scopes) {
    ASSIGN_OR_RETURN(sensor::Scope scope, ParseScope(text));
    scopes.push_back(std::move(scope));
  }
  if (scopes.empty()) {
    scopes.push_back({.kind = sensor::Scope::Kind::kMachine, .host = host, .cgroup_path = {}});
  } else if (scopes.size() == 1 && !options.host.empty()) {
    scopes.front().host = options.host;
  }
  return scopes;
}

Result<sensor::Policy> PolicyOf(const RecordOptions& options) {
  ASSIGN_OR_RETURN(
      sensor::Policy policy,
      sensor::PolicyOfProfile(options.profile.empty() ? "production" : options.profile));
  if (options.policy_file.empty()) return policy;
  ASSIGN_OR_RETURN(policy, sensor::ReadPolicy(options.policy_file, policy));
  if (!options.profile.empty() && options.profile != policy.profile) {
    return Fail(ErrorCode::kInvalidArgument, "--profile {} and policy {} say different profiles",
                options.profile, options.policy_file);
  }
  return policy;
}

Result<std::optional<std::int64_t>> DurationOf(const RecordOptions& options) {
  if (options.duration.empty()) return std::optional<std::int64_t>();
  ASSIGN_OR_RETURN(const std::int64_t duration_ns, ParseDuration(options.duration));
  if (duration_ns <= 0) {
    return Fail(ErrorCode::kInvalidArgument, "--for {}: must be more than nothing",
                options.duration);
  }
  return std::optional(duration_ns);
}

/// On a host that is too busy for its own work the recorder has to come first, or records are lost:
/// the ring holds a tenth of a second of the worst there is. Where the system refuses, it goes on
/// without.
class PriorityBoost {
 public:
  /// For this thread and those it makes.
  PriorityBoost() : before_(getpriority(PRIO_PROCESS, 0)) { setpriority(PRIO_PROCESS, 0, kNice); }
  PriorityBoost(const PriorityBoost&) = delete;
  PriorityBoost& operator=(const PriorityBoost&) = delete;
  ~PriorityBoost() {
    const sched_param normal{.sched_priority = 0};
    sched_setscheduler(0, SCHED_OTHER, &normal);
    setpriority(PRIO_PROCESS, 0, before_);
  }
  /// For this thread alone, which from now on waits more than it works.
  static void Drain() {
    const sched_param lowest_realtime{.sched_priority = 1};
    sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &lowest_realtime);
  }

 private:
  static constexpr int kNice = -10;
  int before_;
};

// What is asked for, checked before anything is touched.
struct Plan {
  sensor::RecordingOptions recording;
  std::optional<std::int64_t> duration_ns;
  int drain_interval_ms = kDrainIntervalMaxMs;
};

/// One run: until the command ended, the time is over, a signal came, or nothing more can be
/// stored.
class Recording {
 public:
  Recording(sensor::KernelSource& source, sensor::Recorder& recorder, StopSignals& signals,
            ChildCommand* child, sensor::CanaryMaker* canaries, const Plan& plan)
      : source_(source),
        recorder_(recorder),
        signals_(signals),
        child_(child),
        canaries_(canaries),
        drain_interval_ms_(plan.drain_interval_ms) {
    if (plan.duration_ns) end_boot_ns_ = BootNow() + static_cast<std::uint64_t>(*plan.duration_ns);
  }

  /// Why it ended. Fails: what the recorder failed with.
  Result<std::string> Run() {
    while (true) {
      const bool urgent = Wait();
      if (std::optional<std::string> reason = EndReason()) return *std::move(reason);
      if (canaries_ != nullptr) canaries_->MakeDue(BootNow());
      RETURN_IF_ERROR(recorder_.Drain(urgent));
    }
  }

 private:
  /// Until it is time to drain. True when what there is, is to be sealed at once: something urgent
  /// woke us, or did an interval ago, for which the kernel half does not wake us again.
  bool Wait() {
    const bool paced = std::exchange(paced_, false);
    std::array<pollfd, 3> watched{
        pollfd{.fd = signals_.fd(), .events = POLLIN, .revents = 0},
        pollfd{.fd = child_ != nullptr ? child_->pid_fd() : -1, .events = POLLIN, .revents = 0},
        pollfd{.fd = paced ? -1 : source_.wake_fd(), .events = POLLIN, .revents = 0}};
    poll(watched.data(), watched.size(), paced ? pace_.IntervalMs(BootNow()) : drain_interval_ms_);
    pollfd wake{.fd = source_.wake_fd(), .events = POLLIN, .revents = 0};
    paced_ = poll(&wake, 1, 0) == 1;
    if (paced_) source_.ClearWake();
    return paced || paced_;
  }

  std::optional<std::string> EndReason() {
    if (child_ != nullptr) {
      if (std::optional<std::string> ended = child_->Ended()) return "command " + *ended;
    }
    while (const std::optional<signalfd_siginfo> taken = signals_.Take()) {
      const int signal_number = static_cast<int>(taken->ssi_signo);
      const std::string reason = fmt::format("signal SIG{}", sigabbrev_np(signal_number));
      if (child_ == nullptr || stopping_) return reason;
      // The command gets to end first. A terminal's Ctrl-C reached it already.
      stopping_ = true;
      if (taken->ssi_code != SI_KERNEL) child_->Signal(signal_number);
      Narrate("{}: waiting for the command; once more ends the recording only", reason);
    }
    if (end_boot_ns_ && BootNow() >= *end_boot_ns_) return "duration";
    return std::nullopt;
  }

  sensor::KernelSource& source_;
  sensor::Recorder& recorder_;
  StopSignals& signals_;
  ChildCommand* child_;
  sensor::CanaryMaker* canaries_;
  int drain_interval_ms_;
  sensor::UrgentPace pace_;
  bool paced_ = false;  // the next drain comes after the pace's interval
  std::optional<std::uint64_t> end_boot_ns_;
  bool stopping_ = false;
};

// `failed`: not everything that was taken from the kernel was handed over.
void NarrateSummary(const sensor::Recorder::Summary& summary, const Destination::Kept& kept,
                    bool failed) {
  std::string lost;
  for (std::size_t i = 0; i < summary.loss.count.size(); ++i) {
    if (summary.loss.count[i] == 0) continue;
    lost += fmt::format("{}{} {}", lost.empty() ? "" : ", ", wire::LossClassName(i),
                        summary.loss.count[i]);
  }
  if (summary.loss.interference_count != 0) {
    Narrate("somebody else changed the sensor's own state {} times: what that hid is not known",
            summary.loss.interference_count);
  }
  if (summary.left_running_count != 0) {
    Narrate("{} processes that the command started still run and are NOT recorded any more",
            summary.left_running_count);
  }
  if (failed) {
    Narrate("{} records were taken{}; what was not stored of them is LOST", summary.record_count,
            lost.empty() ? "" : ", and LOST before that: " + lost);
  } else {
    Narrate("{} records in {} batches, {} bytes; {}", summary.record_count,
            summary.written.batch_count, summary.written.encoded_bytes,
            !lost.empty() ? "LOST: " + lost
            : kept.whole  ? "nothing was lost"
                          : "the kernel half dropped nothing");
  }
  Narrate("{}", kept.words);
}

std::string NameOf(const std::vector<sensor::Scope>& scopes,
                   const std::vector<std::string>& command) {
  if (!command.empty()) return fmt::format("'{}' and its tree", command.front());
  std::string names;
  for (const sensor::Scope& scope : scopes) names += (names.empty() ? "" : ", ") + scope.host;
  return names;
}

Result<Plan> PlanOf(const RecordOptions& options) {
  Plan plan;
  ASSIGN_OR_RETURN(plan.recording.source.scopes, ScopesOf(options));
  ASSIGN_OR_RETURN(sensor::Policy policy, PolicyOf(options));
  // A store of this machine is the intruder's to change, so haste only makes it larger; and nobody
  // looks for canaries in it.
  if (!Destination::IsCollector(options.destination.to)) {
    policy.seal_interval_ms = std::max(policy.seal_interval_ms, kLocalSealIntervalMsMin);
    policy.canary_interval_ms = 0;
  }
  ASSIGN_OR_RETURN(plan.duration_ns, DurationOf(options));
  plan.recording.source.terminal_payload_bytes_max = policy.terminal_payload_bytes_max;
  plan.recording.source.payload_bytes_max = policy.payload_bytes_max;
  plan.recording.source.payload_bytes_per_second = policy.payload_bytes_per_second;
  plan.recording.source.ring_bytes = policy.ring_bytes;
  plan.recording.seal_interval_ns = std::int64_t{policy.seal_interval_ms} * 1'000'000;
  plan.drain_interval_ms = std::min(kDrainIntervalMaxMs, static_cast<int>(policy.seal_interval_ms));
  if (std::ranges::all_of(plan.recording.source.scopes, sensor::TakesCanaries)) {
    plan.recording.canary_interval_ns = std::int64_t{policy.canary_interval_ms} * 1'000'000;
  }
  plan.recording.spoor_version = SPOOR_VERSION;
  plan.recording.profile = policy.profile;
  plan.recording.command_line = OwnCommandLine();
  plan.recording.command = options.command;
  return plan;
}

// From Start to why it ended; Finish is the caller's, whatever comes back.
Result<std::string> RunRecording(const RecordOptions& options, const Plan& plan,
                                 sensor::KernelSource& source, sensor::Recorder& recorder,
                                 StopSignals& signals, ChildCommand* child,
                                 sensor::CanaryMaker* canaries,
                                 const std::function<void()>& start_packets) {
  RETURN_IF_ERROR(recorder.Start());
  start_packets();
  Narrate("recording {} into {} (profile {}){}",
          NameOf(plan.recording.source.scopes, options.command), options.destination.to,
          plan.recording.profile, child != nullptr || plan.duration_ns ? "" : "; Ctrl-C ends it");
  if (child != nullptr) RETURN_IF_ERROR(child->Exec());
  PriorityBoost::Drain();
  return Recording(source, recorder, signals, child, canaries, plan).Run();
}

// The whole recording, until the log is closed.
Result<> RecordEvidence(const RecordOptions& options, const Plan& plan) {
  // Before anything that a signal would leave half done, and before threads are made.
  StopSignals signals;
  std::unique_ptr<ChildCommand> child;
  if (!options.command.empty()) {
    ASSIGN_OR_RETURN(child, ChildCommand::Start(options.command));
  }
  const PriorityBoost boost;  // of this thread and those made after; not of the command
  ASSIGN_OR_RETURN(const auto source, sensor::KernelSource::Open(plan.recording.source));
  Destination::Options to = options.destination;
  to.host = plan.recording.source.scopes.front().host;
  to.canary_interval_ns = static_cast<std::uint64_t>(plan.recording.canary_interval_ns);
  ASSIGN_OR_RETURN(const std::unique_ptr<LivePackets> packets, LivePackets::Open(options.packets));
  to.before_connect = packets->NotesConnections();
  ASSIGN_OR_RETURN(const auto destination, Destination::Open(to));
  if (child) RETURN_IF_ERROR(source->AddTree(static_cast<std::uint32_t>(child->pid()), 0));

  sensor::Recorder recorder(*source, destination->recording_id(), destination->Sink(),
                            plan.recording);
  std::optional<sensor::CanaryMaker> canaries;
  if (std::optional<wire::CanarySchedule> schedule = destination->TakeCanaries()) {
    canaries.emplace(*std::move(schedule), plan.recording.source.scopes);
  }
  const auto start_packets = [&] { packets->Start(*destination, to.host); };
  const Result<std::string> reason =
      RunRecording(options, plan, *source, recorder, signals, child.get(),
                   canaries ? &*canaries : nullptr, start_packets);
  if (canaries) {
    // What is due by now is asked for; it has to be done before the hooks go.
    canaries->MakeDue(BootNow());
    canaries.reset();
  }
  Result<> outcome;
  if (!reason) outcome = tl::unexpected<Error>(reason.error());
  const Result<> finished = recorder.Finish(reason ? *reason : "failed: " + reason.error().message);
  if (outcome && !finished) outcome = finished;
  const Result<> captured = packets->Finish(reason ? *reason : "failed");
  if (outcome && !captured) outcome = captured;
  const Result<> closed = destination->Finish(reason ? *reason : "failed", true);
  if (outcome && !closed) outcome = closed;
  if (reason) Narrate("ended: {}", *reason);
  const Destination::Kept kept = destination->Judge();
  NarrateSummary(recorder.summary(), kept, !outcome);
  if (outcome && !kept.whole && !Destination::IsCollector(options.destination.to)) {
    return Fail(ErrorCode::kIo, "the recording is not whole: {}", kept.words);
  }
  return outcome;
}

Result<ExitCode> Record(const RecordOptions& options) {
  ASSIGN_OR_RETURN(const Plan plan, PlanOf(options));
  RETURN_IF_ERROR(RecordEvidence(options, plan));
  Destination::MakeReady(options.destination);
  return ExitCode::kDone;
}

}  // namespace

void RegisterRecord(CLI::App& application, Action& action) {
  CLI::App* subcommand = application.add_subcommand(
      "record", "record this machine, cgroups, or one command and all it starts");
  const auto options = std::make_shared<RecordOptions>();
  AddStoreOption(*subcommand, options->destination.to, "--to");
  Destination::AddOptions(*subcommand, options->destination);
  subcommand
      ->add_option(
          "--profile", options->profile,
          "production (metadata only, default) or honeypot (terminals and first bytes too)")
      ->type_name("PROFILE");
  subcommand->add_option("--policy", options->policy_file, "limits of the profile, YAML")
      ->type_name("FILE");
  subcommand->add_option("--host", options->host, "name of the host in the record (the machine's)")
      ->type_name("NAME");
  subcommand
      ->add_option("--scope", options->scopes,
                   "only this cgroup and those below it, as a host of its own; up to 8 times")
      ->type_name("cgroup:PATH[=HOST]")
      ->expected(1)
      ->take_all();
  subcommand->add_option("--for", options->duration, "end after this time: 30s, 5m, 1h30m")
      ->type_name("DURATION");
  LivePackets::AddOptions(*subcommand, options->packets);
  subcommand
      ->add_option("command", options->command,
                   "record only this command and everything it starts, until it exits")
      ->type_name("-- COMMAND ARG…");
  subcommand->footer(
      "Needs root and a kernel with BTF. Ctrl-C (SIGINT) or SIGTERM ends a recording cleanly; a\n"
      "recorder that is killed leaves everything up to its last checkpoint (five a second).\n\n"
      "Examples:\n"
      "  spoor record --to /var/lib/spoor -- make install\n"
      "  spoor record --to /var/lib/spoor --profile honeypot --for 1h\n"
      "  spoor record --to https://hub.example:8443 --keys /etc/spoor\n"
      "  spoor record --to /var/lib/spoor --packets eth0 --packets-filter 'not port 22'\n"
      "  spoor record --to demo-store --scope cgroup:/lab/web=web --scope cgroup:/lab/db=db");
  subcommand->callback([options, &action] { action = [options] { return Record(*options); }; });
}

}  // namespace spoor::programs
