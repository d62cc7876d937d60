// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "undo/deeds.hpp"

/// What some calls did to names and objects, taken together. Internal to this folder.
namespace spoor::undo {

/// A name on a host.
using Place = std::pair<std::int64_t, std::string>;

/// What bears a name: an object, nothing, or not known.
struct Occupant {
  bool known = true;
  std::int64_t object_id = 0;  ///< 0: nothing (or not known which)
  bool operator==(const Occupant&) const = default;
  bool IsNothing() const { return known && object_id == 0; }
};

struct PlaceHistory {
  Occupant before, after;
  std::vector<std::size_t> deeds;  ///< indexes of those that named it
  bool exchanged = false;          ///< two names were exchanged here
};

struct ObjectHistory {
  std::optional<std::size_t> made;  ///< the deed that made it
  bool made_for_certain = false;
  std::vector<std::size_t> bytes;       ///< deeds that changed its bytes
  std::vector<std::size_t> attributes;  ///< chmod, chown, set_attribute
  /// All that was written was appended through descriptors that can do nothing else.
  bool only_appended = false;
  std::string link_target;  ///< of a symbolic link that was made here
  std::string path;         ///< a name that it had when it was changed
  std::int64_t host_id = 0;
};

struct NetEffect {
  std::map<Place, PlaceHistory> places;
  std::map<std::int64_t, ObjectHistory> objects;
  /// The place that had the object before anything was done; of several the first named.
  std::map<std::int64_t, Place> homes;
  /// Where the object is afterwards, as far as its names were touched.
  std::map<std::int64_t, std::set<Place>> ends;
};

/// `deeds` in their order.
NetEffect NetEffectOf(std::span<const Deed> deeds);

}  // namespace spoor::undo
