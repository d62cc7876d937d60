// SPDX-License-Identifier: Apache-2.0
// Each name has what bore it before and what bears it now; each thing has a home. What stands where
// it was not goes away or home, and what is nowhere any more comes back.
#include <algorithm>
#include <set>

#include "event/open_flags.hpp"
#include "undo/planner.hpp"

namespace spoor::undo {
namespace {

using event::EventKind;

bool IsOfTheKernel(const std::string& path) {
  return path.starts_with("/proc/") || path.starts_with("/sys/");
}

class FilesPlanner {
 public:
  FilesPlanner(const Scene& scene, Plan& plan) : scene_(scene), plan_(plan) {}

  void Run() {
    for (const auto& [place, history] : scene_.effect.places) {
      if (IsOfTheKernel(place.second)) continue;
      if (history.before.IsNothing() && history.after.IsNothing()) {
        ++plan_.passing_count;
        continue;
      }
      const bool same = history.before == history.after;
      if (!same) Arrived(place, history);
      if (!same) Left(place, history);
    }
    for (const auto& [object_id, object] : scene_.effect.objects) Changed(object_id, object);
  }

 private:
  const ObjectHistory* Object(std::int64_t object_id) const {
    const auto found = scene_.effect.objects.find(object_id);
    return found == scene_.effect.objects.end() ? nullptr : &found->second;
  }
  bool IsAt(std::int64_t object_id, const Place& place) const {
    const auto ends = scene_.effect.ends.find(object_id);
    return ends != scene_.effect.ends.end() && ends->second.contains(place);
  }
  bool IsAnywhere(std::int64_t object_id) const { return scene_.effect.ends.contains(object_id); }

  /// `deeds`, and what was written to the object that is left.
  void LeftBy(std::int64_t object_id, std::span<const std::size_t> deeds, Change& change) const {
    std::set<std::size_t> all(deeds.begin(), deeds.end());
    if (const ObjectHistory* object = Object(object_id)) {
      all.insert(object->bytes.begin(), object->bytes.end());
      change.mark.link_target = object->link_target;
    }
    scene_.Touch(change, std::vector(all.begin(), all.end()));
    change.mark.until_wall_ns = change.last.wall_ns;
  }

  /// What bears the name now and did not.
  void Arrived(const Place& place, const PlaceHistory& history) {
    if (history.after.IsNothing()) return;
    const std::int64_t id = history.after.object_id;
    const auto home = scene_.effect.homes.find(id);
    if (home != scene_.effect.homes.end() && home->second != place) {
      return ComeFrom(home->second, place, history);
    }
    // The file that was there before is put back over this one.
    if (history.before.object_id != 0 && !IsAnywhere(history.before.object_id)) return;
    const ObjectHistory* object = Object(id);
    const bool made = object != nullptr && object->made.has_value();
    Change change = scene_.Begin(made ? "created" : "linked", place, id);
    LeftBy(id, history.deeds, change);
    change.remedy = change.type == "directory" ? Remedy::kRemoveFolder : Remedy::kMoveAway;
    if (!history.before.known) {
      change.doubts.push_back("whether this name was there before is not recorded");
    } else if (!made) {
      change.doubts.push_back("under which name it was before is not recorded");
    }
    if (!history.after.known) {
      change.doubts.push_back("which file got this name is not recorded");
    }
    if (history.before.object_id != 0) {
      change.doubts.push_back("the file that had this name before has another one now");
    }
    plan_.changes.push_back(std::move(change));
  }

  void ComeFrom(const Place& home, const Place& place, const PlaceHistory& history) {
    const std::int64_t id = history.after.object_id;
    if (IsAt(id, home)) {  // still there as well
      Change change = scene_.Begin("linked", place, id);
      change.other_path = home.second;
      LeftBy(id, history.deeds, change);
      change.remedy = Remedy::kMoveAway;
      plan_.changes.push_back(std::move(change));
      return;
    }
    Change change = scene_.Begin("renamed", place, id);
    change.other_path = home.second;
    LeftBy(id, history.deeds, change);
    change.remedy = Remedy::kMoveBack;
    const Occupant& there = scene_.effect.places.at(home).after;
    if (history.exchanged) {
      change.doubts.push_back("two names were exchanged: they have to go back at once");
    } else if (!there.known) {
      change.doubts.push_back("what has the old name now is not recorded");
    } else if (there.object_id != 0 && scene_.effect.homes.contains(there.object_id)) {
      change.doubts.push_back("another file that was there before has the old name now");
    }
    plan_.changes.push_back(std::move(change));
  }

  /// What bore the name and is nowhere any more.
  void Left(const Place& place, const PlaceHistory& history) {
    const std::int64_t id = history.before.object_id;
    if (id == 0) {
      if (history.before.known || !history.after.IsNothing()) return;
      // Something unknown was removed.
      Change change = scene_.Begin("deleted", place, 0);
      scene_.Touch(change, history.deeds);
      change.before = {.kind = Held::Kind::kNotRecorded,
                       .sha256 = {},
                       .why = "which file it was is not recorded"};
      plan_.changes.push_back(std::move(change));
      return;
    }
    if (IsAnywhere(id)) return;
    const bool replaced = !history.after.IsNothing();
    Change change = scene_.Begin(replaced ? "replaced" : "deleted", place, id);
    scene_.Touch(change, history.deeds);
    change.remedy = Remedy::kRestore;
    change.before_object_id = id;
    change.before_event_id = change.first.event_id;
    for (const std::size_t index : history.deeds) {
      const EventKind kind = scene_.deeds.deeds[index].kind;
      if (kind != EventKind::kUnlink && kind != EventKind::kRename) continue;
      change.before_event_id = scene_.deeds.deeds[index].event_id;
      change.before.at_wall_ns = scene_.deeds.deeds[index].wall_ns;
      break;
    }
    if (const ObjectHistory* object = Object(id); object != nullptr && !object->bytes.empty()) {
      const Deed& first = scene_.deeds.deeds[object->bytes.front()];
      if (first.event_id < change.before_event_id || change.before.at_wall_ns == 0) {
        change.before_event_id = first.event_id;
        change.before.at_wall_ns = first.wall_ns;
      }
      scene_.Touch(change, object->bytes);
    }
    if (change.before.at_wall_ns == 0) change.before.at_wall_ns = change.first.wall_ns;
    if (change.type != "file") {
      change.remedy = Remedy::kNothing;
      change.doubts.push_back("only what files held can be put back");
    }
    change.mark.inode.reset();
    if (replaced) {
      const std::int64_t now = history.after.object_id;
      const auto home = scene_.effect.homes.find(now);
      const bool goes_home = home != scene_.effect.homes.end() && home->second != place;
      if (!goes_home) {
        change.object_id = now;
        if (const ObjectFacts* facts = scene_.Facts(now)) change.mark.inode = facts->inode;
        LeftBy(now, {}, change);
        if (const ObjectFacts* facts = scene_.Facts(now);
            facts == nullptr || facts->type != "file") {
          change.remedy = Remedy::kNothing;
          change.doubts.push_back("what has the name now is no file");
        }
        if (!history.after.known) {
          change.doubts.push_back("which file has the name now is not recorded");
        }
      } else {
        change.object_id = 0;
      }
    } else {
      change.object_id = 0;
    }
    plan_.changes.push_back(std::move(change));
  }

  /// Written to where it stood.
  void Changed(std::int64_t object_id, const ObjectHistory& object) {
    if (object.bytes.empty() || object.made || IsOfTheKernel(object.path)) return;
    const auto home = scene_.effect.homes.find(object_id);
    const Place place =
        home != scene_.effect.homes.end() ? home->second : Place(object.host_id, object.path);
    const auto known = scene_.effect.places.find(place);
    const bool stayed =
        known == scene_.effect.places.end() || known->second.after.object_id == object_id;
    if (!stayed && !IsAnywhere(object_id)) return;  // deleted or replaced: there
    const bool emptied = std::ranges::all_of(
        object.bytes, [this](std::size_t index) { return scene_.deeds.deeds[index].Empties(); });
    Change change = scene_.Begin(emptied ? "emptied" : "changed", place, object_id);
    LeftBy(object_id, {}, change);
    change.remedy = Remedy::kRestore;
    change.before_object_id = object_id;
    change.before_event_id = change.first.event_id;
    change.before.at_wall_ns = change.first.wall_ns;
    if (object.only_appended) {
      std::int64_t from = INT64_MAX;
      for (const std::size_t index : object.bytes) {
        from = std::min(from, *scene_.deeds.deeds[index].offset_bytes);
      }
      change.before.kind = Held::Kind::kPart;
      change.before.size_bytes = from;
    }
    if (!stayed) change.doubts.push_back("it was renamed as well: it has to go back first");
    if (change.type != "file") {
      change.remedy = Remedy::kNothing;
      change.doubts.push_back("what kind of file it is is not recorded");
    }
    plan_.changes.push_back(std::move(change));
  }

  const Scene& scene_;
  Plan& plan_;
};

bool IsChange(const Deed& deed) {
  if (deed.kind == EventKind::kListen || deed.kind == EventKind::kMount) return false;
  if (deed.kind != EventKind::kOpen) return true;
  return deed.Empties() || (deed.flags & event::kOpenCreated) != 0 || (deed.flags & 0300) == 0300;
}

constexpr std::size_t kLaterShownMax = 5;

}  // namespace

void AddFiles(const Scene& scene, Plan& plan) {
  FilesPlanner(scene, plan).Run();
}

void AddLater(const Scene& scene, Plan& plan) {
  std::multimap<std::int64_t, const Deed*> by_object;
  std::multimap<Place, const Deed*> by_place;
  for (const Deed& deed : scene.others) {
    if (!IsChange(deed)) continue;
    for (const std::int64_t id : {deed.object_id, deed.other_object_id}) {
      if (id != 0) by_object.emplace(id, &deed);
    }
    // A write by descriptor says what the file was called when it was opened.
    if (deed.ChangesBytes() && !deed.Empties()) continue;
    by_place.emplace(Place(deed.host_id, deed.path), &deed);
    if (!deed.other_path.empty()) by_place.emplace(Place(deed.host_id, deed.other_path), &deed);
  }
  std::map<std::string, std::int64_t> hosts;
  for (const auto& [id, name] : scene.deeds.hosts) hosts[name] = id;
  for (Change& change : plan.changes) {
    if (change.what == "process" || change.what == "listener") continue;
    std::map<std::int64_t, const Deed*> later;  // by event
    const auto take = [&](const Deed* deed) {
      if (deed->event_id > change.first.event_id) later[deed->event_id] = deed;
    };
    for (const std::int64_t id : std::set{change.object_id, change.before_object_id}) {
      if (id == 0) continue;
      const auto [begin, end] = by_object.equal_range(id);
      for (auto at = begin; at != end; ++at) take(at->second);
    }
    for (const std::string& path : {change.path, change.other_path}) {
      if (!path.starts_with('/')) continue;
      const auto [begin, end] = by_place.equal_range({hosts[change.host], path});
      for (auto at = begin; at != end; ++at) take(at->second);
    }
    change.later_count = static_cast<std::int64_t>(later.size());
    for (const auto& [event_id, deed] : later) {
      if (change.later.size() == kLaterShownMax) break;
      change.later.push_back(scene.EvidenceOf(*deed));
    }
  }
}

}  // namespace spoor::undo
