// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "event/event_text.hpp"
#include "undo/script.hpp"

namespace spoor::undo {
namespace {

using Json = nlohmann::ordered_json;

Json Text(const std::string& text) {
  return text.empty() ? Json() : Json(event::MakeUtf8(text));
}
Json Number(const std::optional<std::int64_t>& number) {
  return number ? Json(*number) : Json();
}

Json ToJson(const Evidence& evidence) {
  return {{"event_id", evidence.event_id},
          {"entry_index", Number(evidence.entry_index)},
          {"wall_ns", evidence.wall_ns},
          {"process_id", evidence.process_id},
          {"process", event::MakeUtf8(evidence.process)},
          {"uid", evidence.uid}};
}

Json ToJson(const Held& held) {
  static constexpr const char* kKinds[] = {"nothing", "bytes", "part", "not_recorded"};
  return {{"known", kKinds[static_cast<std::size_t>(held.kind)]},
          {"size_bytes", Number(held.size_bytes)},
          {"sha256", Text(held.sha256)},
          {"why", Text(held.why)}};
}

}  // namespace

Json ToJson(const Plan& plan) {
  Json changes = Json::array();
  for (std::size_t i = 0; i < plan.changes.size(); ++i) {
    const Change& change = plan.changes[i];
    Json later = Json::array();
    for (const Evidence& evidence : change.later) later.push_back(ToJson(evidence));
    Json doubts = Json::array();
    for (const std::string& doubt : change.doubts) doubts.push_back(event::MakeUtf8(doubt));
    changes.push_back({{"action", i + 1},
                       {"what", change.what},
                       {"host", event::MakeUtf8(change.host)},
                       {"path", Text(change.path)},
                       {"other_path", Text(change.other_path)},
                       {"means", Text(change.means)},
                       {"object_id", change.object_id == 0 ? Json() : Json(change.object_id)},
                       {"type", Text(change.type)},
                       {"own", change.own},
                       {"first", ToJson(change.first)},
                       {"last", ToJson(change.last)},
                       {"call_count", change.call_count},
                       {"before", ToJson(change.before)},
                       {"before_object_id",
                        change.before_object_id == 0 ? Json() : Json(change.before_object_id)},
                       {"left", ToJson(change.left)},
                       {"inode", Number(change.mark.inode)},
                       {"value_before", Number(change.value_before)},
                       {"value_left", Number(change.value_left)},
                       {"pid", change.pid == 0 ? Json() : Json(change.pid)},
                       {"later", std::move(later)},
                       {"later_count", change.later_count},
                       {"undo", NameOf(change.remedy)},
                       {"certain", change.IsCertain()},
                       {"doubts", std::move(doubts)}});
  }
  return {
      {"subject", event::MakeUtf8(plan.subject)},    {"from_wall_ns", Number(plan.from_wall_ns)},
      {"until_wall_ns", Number(plan.until_wall_ns)}, {"passing_count", plan.passing_count},
      {"unhashed_count", plan.unhashed_count},       {"changes", std::move(changes)}};
}

}  // namespace spoor::undo
