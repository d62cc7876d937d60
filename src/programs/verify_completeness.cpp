// SPDX-License-Identifier: Apache-2.0
#include "programs/verify_completeness.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "base/time.hpp"
#include "base/visible_text.hpp"

namespace spoor::programs {
namespace {

using collector::Hole;

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
  const std::string from = FormatWallTime(hole.from_wall_ns);
  if (hole.until_wall_ns == collector::kOpenEndWallNs) return "after " + from;
  return fmt::format("from {} to {}", from, FormatWallTime(hole.until_wall_ns));
}

std::string OverlapsOf(const Hole& hole) {
  if (hole.overlaps.empty()) return {};
  std::vector<std::size_t> numbers = hole.overlaps;
  for (std::size_t& number : numbers) ++number;
  return fmt::format(" (overlaps {})", fmt::join(numbers, ", "));
}

}  // namespace

nlohmann::json CompletenessJson(const collector::Completeness& completeness) {
  nlohmann::json holes = nlohmann::json::array();
  for (const Hole& hole : completeness.holes()) {
    nlohmann::json item{{"kind", collector::HoleKindName(hole.kind)},
                        {"host", VisibleText(hole.host)},
                        {"boot_id", VisibleText(hole.boot_id)},
                        {"from_wall_ns", hole.from_wall_ns},
                        {"overlaps", hole.overlaps}};
    if (!hole.sensor.empty()) item["sensor"] = VisibleText(hole.sensor);
    if (!hole.chain.empty()) item["chain_id"] = hole.chain;
    if (!hole.recording.empty()) item["recording_id"] = hole.recording;
    if (hole.until_wall_ns != collector::kOpenEndWallNs) item["until_wall_ns"] = hole.until_wall_ns;
    if (hole.kind == Hole::Kind::kFramesMissing || hole.kind == Hole::Kind::kSensorDropped) {
      item["first_sequence"] = hole.first;
      item["last_sequence"] = hole.last;
    }
    if (hole.kind == Hole::Kind::kBatchesMissing) {
      item["first_batch_index"] = hole.first;
      item["last_batch_index"] = hole.last;
    }
    if (hole.kind != Hole::Kind::kNoEnd) item["count"] = hole.count;
    if (!hole.loss_class.empty()) item["loss_class"] = hole.loss_class;
    if (!hole.reason.empty()) item["reason"] = VisibleText(hole.reason);
    holes.push_back(std::move(item));
  }
  return {{"complete", !completeness.has_loss()},
          {"left_out_count", completeness.left_out_count()},
          {"holes", std::move(holes)}};
}

void PrintCompleteness(const collector::Completeness& completeness) {
  const std::vector<Hole>& holes = completeness.holes();
  if (!completeness.has_loss()) {
    fmt::print("complete   nothing is known to be missing{}\n",
               holes.empty() ? "" : fmt::format("; {} without an end", holes.size()));
  } else {
    fmt::print("INCOMPLETE {} holes (times by each host's own clock)\n",
               holes.size() + completeness.left_out_count());
  }
  for (std::size_t i = 0; i < std::min(holes.size(), kLinesMax); ++i) {
    fmt::print("  {:>3} {}: {}: {}{}\n", i + 1, SourceOf(holes[i]), IntervalOf(holes[i]),
               WhatOf(holes[i]), OverlapsOf(holes[i]));
  }
  if (const std::uint64_t all = holes.size() + completeness.left_out_count(); all > kLinesMax) {
    fmt::print("      … and {} more (--json has them)\n", all - kLinesMax);
  }
}

}  // namespace spoor::programs
