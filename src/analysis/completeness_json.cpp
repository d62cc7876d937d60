// SPDX-License-Identifier: Apache-2.0
#include "analysis/completeness_json.hpp"

#include <nlohmann/json.hpp>

#include "event/event_text.hpp"

namespace spoor::analysis {
namespace {

using collector::Hole;
using collector::Unrecorded;

nlohmann::json UnrecordedJson(const Unrecorded& unrecorded) {
  const auto& [before, after] = unrecorded;
  nlohmann::json item{{"host", event::MakeUtf8(before.host)},
                      {"scope_kind", before.kind},
                      {"rebooted", unrecorded.rebooted()},
                      {"length_ns", unrecorded.length_ns()},
                      {"from_wall_ns", before.until_wall_ns},
                      {"until_wall_ns", after.from_wall_ns},
                      {"from_boot_ns", before.until_boot_ns},
                      {"until_boot_ns", after.from_boot_ns},
                      {"boot_id", event::MakeUtf8(before.boot_id)},
                      {"next_boot_id", event::MakeUtf8(after.boot_id)},
                      {"recording_id", before.recording},
                      {"next_recording_id", after.recording},
                      {"has_end", before.closed}};
  if (!before.reason.empty()) item["reason"] = event::MakeUtf8(before.reason);
  if (!before.sensor.empty()) item["sensor"] = event::MakeUtf8(before.sensor);
  if (!after.sensor.empty()) item["next_sensor"] = event::MakeUtf8(after.sensor);
  return item;
}

nlohmann::json CanariesJson(const collector::CanaryAudit& canaries) {
  const collector::CanaryAudit::Report& report = canaries.report();
  nlohmann::json missed = nlohmann::json::array();
  for (const auto& [place, one] : report.missed) {
    missed.push_back({{"sensor", event::MakeUtf8(one.sensor)},
                      {"host", event::MakeUtf8(one.host)},
                      {"chain_id", one.chain},
                      {"number", one.number},
                      {"due_boot_ns", one.due_boot_ns},
                      {"due_wall_ns", one.due_wall_ns},
                      {"calls", collector::CanaryCallNames(one.missing)}});
  }
  return {{"checked", canaries.checks()},
          {"chain_count", report.chain_count},
          {"due_count", report.due_count()},
          {"recorded_count", report.recorded_count},
          {"late_count", report.late_count},
          {"missed_count", report.missed_count},
          {"left_chain_count", report.left_chain_count},
          {"missed", std::move(missed)}};
}

}  // namespace

nlohmann::json CompletenessJson(const collector::Completeness& completeness,
                                const collector::CanaryAudit& canaries) {
  nlohmann::json holes = nlohmann::json::array();
  for (const Hole& hole : completeness.holes()) {
    nlohmann::json item{{"kind", collector::HoleKindName(hole.kind)},
                        {"host", event::MakeUtf8(hole.host)},
                        {"boot_id", event::MakeUtf8(hole.boot_id)},
                        {"from_wall_ns", hole.from_wall_ns},
                        {"overlaps", hole.overlaps}};
    if (!hole.sensor.empty()) item["sensor"] = event::MakeUtf8(hole.sensor);
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
    if (!hole.reason.empty()) item["reason"] = event::MakeUtf8(hole.reason);
    holes.push_back(std::move(item));
  }
  nlohmann::json unrecorded = nlohmann::json::array();
  for (const Unrecorded& one : completeness.unrecorded()) unrecorded.push_back(UnrecordedJson(one));
  return {{"complete", !completeness.has_loss() && !canaries.report().has_loss()},
          {"canaries", CanariesJson(canaries)},
          {"unrecorded", std::move(unrecorded)},
          {"left_out_scope_count", completeness.left_out_scope_count()},
          {"left_out_count", completeness.left_out_count()},
          {"holes", std::move(holes)}};
}

}  // namespace spoor::analysis
