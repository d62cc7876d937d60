// SPDX-License-Identifier: Apache-2.0
// Names are followed call by call; what counts in the end is what bore each of them before the
// first call and after the last.
#include "undo/names.hpp"

#include <algorithm>

#include "event/open_flags.hpp"

namespace spoor::undo {
namespace {

using event::EventKind;

constexpr std::int64_t kCreate = 0100, kExclusive = 0200;
constexpr std::int64_t kExchange = 2;  // renameat2(2)

class Follower {
 public:
  explicit Follower(NetEffect& effect) : effect_(effect) {}

  void Take(std::size_t index, const Deed& deed) {
    index_ = index;
    ObjectHistory* object = deed.object_id != 0 ? &effect_.objects[deed.object_id] : nullptr;
    const Place place(deed.host_id, deed.path);
    if (object != nullptr) {
      object->host_id = deed.host_id;
      if (!deed.path.empty()) object->path = deed.path;
      if (deed.ChangesBytes()) object->bytes.push_back(index);
    }
    switch (deed.kind) {
      case EventKind::kOpen:
        return Opened(deed, place, object);
      case EventKind::kMkdir:
      case EventKind::kMknod:
      case EventKind::kSymlink:
        return Made(deed, place, object, true);
      case EventKind::kUnlink:
        return Set(place, Occupant{.known = deed.object_id != 0, .object_id = deed.object_id}, {});
      case EventKind::kLink:
        if (!deed.path.empty()) Seen(place, deed.object_id);
        return Set({deed.host_id, deed.other_path}, Occupant{},
                   {.known = deed.object_id != 0, .object_id = deed.object_id});
      case EventKind::kRename:
        return Renamed(deed, place);
      case EventKind::kChmod:
      case EventKind::kChown:
      case EventKind::kSetAttribute:
        if (object != nullptr) object->attributes.push_back(index);
        break;
      default:
        break;
    }
    if (deed.object_id != 0 && !deed.path.empty() &&
        (deed.ChangesBytes() || !effect_.objects[deed.object_id].attributes.empty())) {
      Seen(place, deed.object_id);
    }
  }

 private:
  void Opened(const Deed& deed, const Place& place, ObjectHistory* object) {
    const bool creates = (deed.flags & kCreate) != 0 && (deed.flags & event::kOpenFound) == 0;
    const bool certain = (deed.flags & event::kOpenCreated) != 0 || (deed.flags & kExclusive) != 0;
    // Where the record does not say whether it was made: not if this name was known to have it.
    const auto known = effect_.places.find(place);
    const bool had_name =
        known != effect_.places.end() && known->second.after.object_id == deed.object_id;
    if (creates && (certain || !had_name)) return Made(deed, place, object, certain);
    if (deed.object_id == 0 || deed.path.empty()) return;
    Seen(place, deed.object_id);
    effect_.places[place].after = {.object_id = deed.object_id};
  }

  void Made(const Deed& deed, const Place& place, ObjectHistory* object, bool certain) {
    if (object != nullptr) {
      object->made = index_;
      object->made_for_certain = certain;
      if (deed.kind == EventKind::kSymlink) object->link_target = deed.other_path;
    }
    Set(place, certain ? Occupant{} : Occupant{.known = false},
        {.known = deed.object_id != 0, .object_id = deed.object_id});
  }

  void Renamed(const Deed& deed, const Place& from) {
    const Place to(deed.host_id, deed.other_path);
    const Occupant moved{.known = deed.object_id != 0, .object_id = deed.object_id};
    const Occupant there{.object_id = deed.other_object_id};
    const bool exchange = (deed.flags & kExchange) != 0;
    Set(from, moved, exchange ? there : Occupant{});
    Set(to, there, moved);
    if (exchange) effect_.places[from].exchanged = effect_.places[to].exchanged = true;
  }

  void Set(const Place& place, const Occupant& before, const Occupant& after) {
    const auto [at, is_new] = effect_.places.try_emplace(place);
    if (is_new) at->second.before = before;
    at->second.after = after;
    at->second.deeds.push_back(index_);
  }
  /// A call on an object by descriptor says what it was called once, not that it still is.
  void Seen(const Place& place, std::int64_t object_id) {
    const Occupant occupant{.known = object_id != 0, .object_id = object_id};
    const auto [at, is_new] = effect_.places.try_emplace(place);
    if (is_new) at->second.before = at->second.after = occupant;
    at->second.deeds.push_back(index_);
  }

  NetEffect& effect_;
  std::size_t index_ = 0;
};

/// Whether all that these calls wrote to an object could only be appended.
void JudgeAppending(std::span<const Deed> deeds, NetEffect& effect) {
  std::map<std::int64_t, bool> appends;  // by object: every open for writing says so
  for (const Deed& deed : deeds) {
    if (deed.kind != EventKind::kOpen || deed.object_id == 0) continue;
    const auto [at, is_new] = appends.try_emplace(deed.object_id, true);
    at->second = at->second && deed.Appends();
  }
  for (auto& [object_id, object] : effect.objects) {
    const auto opened = appends.find(object_id);
    object.only_appended =
        opened != appends.end() && opened->second && !object.bytes.empty() &&
        std::ranges::all_of(object.bytes, [deeds](std::size_t index) {
          return deeds[index].kind == EventKind::kWrite && deeds[index].offset_bytes.has_value();
        });
  }
}

}  // namespace

NetEffect NetEffectOf(std::span<const Deed> deeds) {
  NetEffect effect;
  Follower follower(effect);
  for (std::size_t i = 0; i < deeds.size(); ++i) follower.Take(i, deeds[i]);
  std::map<std::int64_t, std::size_t> first;
  for (const auto& [place, history] : effect.places) {
    if (const std::int64_t id = history.before.object_id; id != 0) {
      const auto [at, is_new] = first.try_emplace(id, history.deeds.front());
      if (is_new || history.deeds.front() < at->second) {
        at->second = history.deeds.front();
        effect.homes[id] = place;
      }
    }
    if (history.after.object_id != 0) effect.ends[history.after.object_id].insert(place);
  }
  JudgeAppending(deeds, effect);
  return effect;
}

}  // namespace spoor::undo
