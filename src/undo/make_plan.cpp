// SPDX-License-Identifier: Apache-2.0
#include "undo/make_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "undo/planner.hpp"

namespace spoor::undo {

std::string_view NameOf(Remedy remedy) {
  switch (remedy) {
    case Remedy::kNothing:
      return "nothing";
    case Remedy::kMoveAway:
      return "move_away";
    case Remedy::kRemoveFolder:
      return "remove_folder";
    case Remedy::kMoveBack:
      return "move_back";
    case Remedy::kRestore:
      return "restore";
    case Remedy::kTruncate:
      return "truncate";
    case Remedy::kSetMode:
      return "set_mode";
    case Remedy::kSetOwner:
      return "set_owner";
    case Remedy::kStop:
      return "stop";
  }
  return "nothing";
}

Evidence Scene::EvidenceOf(const Deed& deed) const {
  Evidence evidence{.event_id = deed.event_id,
                    .entry_index = deed.entry_index,
                    .wall_ns = deed.wall_ns,
                    .process = "?",
                    .process_id = deed.process_id,
                    .uid = deed.uid};
  if (const auto found = deeds.processes.find(deed.process_id); found != deeds.processes.end()) {
    evidence.process = fmt::format("{}[{}]", found->second.name, found->second.pid);
  }
  return evidence;
}

void Scene::Touch(Change& change, std::span<const std::size_t> indexes) const {
  for (const std::size_t index : indexes) {
    const Deed& deed = deeds.deeds[index];
    if (change.call_count == 0 || deed.event_id < change.first.event_id) {
      change.first = EvidenceOf(deed);
    }
    if (change.call_count == 0 || deed.event_id > change.last.event_id) {
      change.last = EvidenceOf(deed);
    }
    change.call_count += deed.count;
    change.own = change.own && own.contains(deed.process_id);
  }
}

const ObjectFacts* Scene::Facts(std::int64_t object_id) const {
  const auto found = deeds.objects.find(object_id);
  return found == deeds.objects.end() ? nullptr : &found->second;
}

Change Scene::Begin(std::string what, const Place& place, std::int64_t object_id) const {
  Change change;
  change.what = std::move(what);
  change.path = place.second;
  change.object_id = object_id;
  if (const auto host = deeds.hosts.find(place.first); host != deeds.hosts.end()) {
    change.host = host->second;
  }
  if (const auto meaning = meanings.find(place.second); meaning != meanings.end()) {
    change.means = meaning->second;
  }
  if (const ObjectFacts* facts = Facts(object_id)) {
    change.type = facts->type;
    change.mark.inode = facts->inode;
  }
  return change;
}

Result<Plan> MakePlan(store::Store& store, std::span<const Actor> actors,
                      const PlanOptions& options) {
  Plan plan;
  if (actors.empty()) return plan;
  Scene scene{.actors = actors,
              .deeds = {},
              .effect = {},
              .others = {},
              .meanings = {},
              .own = {},
              .all = {}};
  for (const Actor& actor : actors) {
    scene.all.insert(actor.process_id);
    if (actor.own) scene.own.insert(actor.process_id);
  }
  ASSIGN_OR_RETURN(scene.deeds, ReadDeeds(store, actors));
  scene.effect = NetEffectOf(scene.deeds.deeds);
  std::vector<std::string> paths;
  for (const auto& [place, history] : scene.effect.places) paths.push_back(place.second);
  std::vector<std::int64_t> objects;
  for (const auto& [object_id, facts] : scene.deeds.objects) objects.push_back(object_id);
  ASSIGN_OR_RETURN(scene.meanings, ReadMeanings(store, paths));
  ASSIGN_OR_RETURN(scene.others, ReadOthersDeeds(store, actors, objects, paths, scene.deeds));

  AddFiles(scene, plan);
  RETURN_IF_ERROR(AddAttributes(store, scene, plan));
  RETURN_IF_ERROR(AddRunning(store, scene, plan));
  AddLater(scene, plan);
  RETURN_IF_ERROR(AddBytes(store, scene, options, plan));
  AddDoubts(plan);
  // What still runs could make the rest again; then the last change first. A file that was renamed
  // over another one goes back before that one is put there again.
  std::ranges::stable_sort(plan.changes, {}, [](const Change& change) {
    return std::tuple(change.what != "process", -change.first.event_id, change.remedy);
  });
  for (const Change& change : plan.changes) {
    plan.from_wall_ns = std::min(plan.from_wall_ns.value_or(INT64_MAX), change.first.wall_ns);
    plan.until_wall_ns = std::max(plan.until_wall_ns.value_or(INT64_MIN), change.last.wall_ns);
  }
  return plan;
}

}  // namespace spoor::undo
