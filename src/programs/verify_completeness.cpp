// SPDX-License-Identifier: Apache-2.0
#include "programs/verify_completeness.hpp"
#include "programs/print.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/visible_text.hpp"
#include "base/wall_time_text.hpp"

namespace spoor::programs {
namespace {

using collector::Coverage;
using collector::Hole;
using collector::Unrecorded;

constexpr std::size_t kLinesMax = 20;
constexpr std::size_t kNameCharactersMax = 80;

std::string Range(std::string_view what, const Hole& hole) {
  if (hole.first == hole.last) return fmt::format("{} {}", what, hole.first);
  return fmt::format("{}s {} to {}", what, hole.first, hole.last);
}

std::string WhatOf(const Hole& hole) {
  switch (hole.kind) {
    case Hole::Kind::kFramesMissing:
      return Range("frame", hole) + " never came";
    case Hole::Kind::kSensorDropped:
      return fmt::format(
          "the sensor dropped {} batches (frame {}: {})", hole.count, hole.first,
          hole.reason.empty() ? "no reason given" : VisibleText(hole.reason, kNameCharactersMax));
    case Hole::Kind::kBatchesMissing:
      return Range("batch", hole) + " missing";
    case Hole::Kind::kRecordsLost:
      return fmt::format("{} records of class {} lost", hole.count, hole.loss_class);
    case Hole::Kind::kNoEnd:
      return "no end (killed, or still running)";
  }
  return {};
}

/// "sensor web-1 (host web1, boot 5a3f…)", or what is known of that.
std::string SourceOf(const Hole& hole) {
  std::string where;
  if (!hole.host.empty()) where = "host " + VisibleText(hole.host, kNameCharactersMax);
  if (!hole.boot_id.empty()) {
    where += fmt::format("{}boot {}", where.empty() ? "" : ", ", VisibleText(hole.boot_id, 8));
  }
  if (hole.sensor.empty()) {
    return where.empty() ? "recording " + hole.recording.substr(0, 12) : where;
  }
  return fmt::format("sensor {}{}", VisibleText(hole.sensor, kNameCharactersMax),
                     where.empty() ? "" : fmt::format(" ({})", where));
}

std::string IntervalOf(const Hole& hole) {
  const std::string from = WallTimeText(hole.from_wall_ns);
  if (hole.until_wall_ns == collector::kOpenEndWallNs) return "after " + from;
  return fmt::format("from {} to {}", from, WallTimeText(hole.until_wall_ns));
}

std::string EndOf(const Coverage& coverage) {
  if (!coverage.closed) return "had no end (cut off)";
  if (coverage.reason.empty()) return "ended, no reason given";
  return "ended: " + VisibleText(coverage.reason, kNameCharactersMax);
}

/// "for 90.500 s", "for 2 d 3 h 4 min": by which clock says the line.
std::string LengthOf(const Unrecorded& unrecorded) {
  const std::int64_t length_ns = unrecorded.length_ns();
  if (length_ns < 0) return "its clock went back, or two machines go by this name";
  const std::int64_t seconds = length_ns / 1'000'000'000;
  std::string text = fmt::format("{}.{:03} s", seconds, length_ns / 1'000'000 % 1000);
  if (seconds >= 3600) {
    text = fmt::format("{} d {} h {} min", seconds / 86400, seconds / 3600 % 24, seconds / 60 % 60);
  }
  return unrecorded.rebooted() ? text + " by its wall clock" : text;
}

void PrintUnrecorded(const Unrecorded& unrecorded) {
  const auto& [before, after] = unrecorded;
  std::string source = "host " + VisibleText(before.host, kNameCharactersMax);
  if (before.kind == "cgroup") source += " (cgroup)";
  std::string boots = "boot " + VisibleText(before.boot_id, 8);
  if (unrecorded.rebooted()) {
    boots = fmt::format("{}, then started again as {}", boots, VisibleText(after.boot_id, 8));
  }
  PrintOut("      {}: from {} to {} ({}; {}): recording {} {}\n", source,
           WallTimeText(before.until_wall_ns), WallTimeText(after.from_wall_ns),
           LengthOf(unrecorded), boots, before.recording.substr(0, 12), EndOf(before));
}

/// In the order of time; where there are too many, the longest, so that none hides behind others.
std::vector<const Unrecorded*> LongestOf(const std::vector<Unrecorded>& all,
                                         std::size_t count_max) {
  std::vector<const Unrecorded*> longest;
  longest.reserve(all.size());
  for (const Unrecorded& one : all) longest.push_back(&one);
  if (longest.size() <= count_max) return longest;
  // As unsigned a length below 0 is the longest: nobody knows it.
  std::ranges::stable_sort(longest, std::greater(), [](const Unrecorded* one) {
    return static_cast<std::uint64_t>(one->length_ns());
  });
  longest.resize(count_max);
  std::ranges::sort(longest);  // as they lie in `all`
  return longest;
}

void PrintUnrecorded(const collector::Completeness& completeness) {
  const std::vector<Unrecorded>& all = completeness.unrecorded();
  if (!all.empty()) {
    PrintOut(
        "unrecorded {} intervals between recordings of a host, of which nothing is known (times by "
        "its own clock)\n",
        all.size());
  }
  for (const Unrecorded* one : LongestOf(all, kLinesMax)) PrintUnrecorded(*one);
  if (all.size() > kLinesMax) {
    PrintOut("      … and {} shorter ones (--json has them)\n", all.size() - kLinesMax);
  }
  if (completeness.left_out_scope_count() != 0) {
    PrintOut("           not looked for in {} scopes of recordings: there are too many\n",
             completeness.left_out_scope_count());
  }
}

void PrintCanaries(const collector::CanaryAudit& canaries) {
  const collector::CanaryAudit::Report& report = canaries.report();
  if (report.chain_count == 0) return;
  PrintOut("canaries   {} due, {} recorded{}{}, in {} chains\n", report.due_count(),
           report.recorded_count + report.late_count,
           report.late_count == 0 ? "" : fmt::format(" ({} of them late)", report.late_count),
           report.missed_count == 0 ? "" : fmt::format(", {} MISSING", report.missed_count),
           report.chain_count);
  std::size_t line_count = 0;
  for (const auto& [place, missed] : report.missed) {
    if (line_count++ == kLinesMax) break;
    PrintOut("      sensor {}{}: canary {} of chain {}, due {}: no {} of it\n",
             VisibleText(missed.sensor, kNameCharactersMax),
             missed.host.empty()
                 ? ""
                 : fmt::format(" (host {})", VisibleText(missed.host, kNameCharactersMax)),
             missed.number, missed.chain.substr(0, 12), WallTimeText(missed.due_wall_ns),
             fmt::join(collector::CanaryCallNames(missed.missing), ", "));
  }
  if (report.missed_count > kLinesMax) {
    PrintOut("      … and {} more (--json has them)\n", report.missed_count - kLinesMax);
  }
  if (report.left_chain_count != 0) {
    PrintOut("      {} chains not looked at further: their clocks jump\n", report.left_chain_count);
  }
}

std::string OverlapsOf(const Hole& hole) {
  if (hole.overlaps.empty()) return {};
  std::vector<std::size_t> numbers = hole.overlaps;
  for (std::size_t& number : numbers) ++number;
  return fmt::format(" (overlaps {})", fmt::join(numbers, ", "));
}

}  // namespace

void PrintCompleteness(const collector::Completeness& completeness,
                       const collector::CanaryAudit& canaries) {
  const std::vector<Hole>& holes = completeness.holes();
  const std::uint64_t hole_count = holes.size() + completeness.left_out_count();
  if (hole_count == 0 && canaries.report().has_loss()) {
    PrintOut("INCOMPLETE canaries are missing\n");
  } else if (!completeness.has_loss() && !canaries.report().has_loss()) {
    PrintOut("complete   nothing is known to be missing{}\n",
             holes.empty() ? "" : fmt::format("; {} without an end", holes.size()));
  } else {
    PrintOut("INCOMPLETE {} holes (times by each host's own clock)\n", hole_count);
  }
  for (std::size_t i = 0; i < std::min(holes.size(), kLinesMax); ++i) {
    PrintOut("  {:>3} {}: {}: {}{}\n", i + 1, SourceOf(holes[i]), IntervalOf(holes[i]),
             WhatOf(holes[i]), OverlapsOf(holes[i]));
  }
  if (hole_count > kLinesMax) {
    PrintOut("      … and {} more (--json has them)\n", hole_count - kLinesMax);
  }
  PrintCanaries(canaries);
  PrintUnrecorded(completeness);
}

}  // namespace spoor::programs
