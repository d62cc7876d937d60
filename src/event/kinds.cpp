// SPDX-License-Identifier: Apache-2.0
#include "event/kinds.hpp"

#include <algorithm>

namespace spoor::event {
namespace {

constexpr bool AreInOrder() {
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    if (kKinds[i].kind != static_cast<EventKind>(i)) return false;
  }
  for (std::size_t i = 0; i < kObjectTypes.size(); ++i) {
    if (kObjectTypes[i].type != static_cast<ObjectType>(i)) return false;
  }
  return true;
}
static_assert(AreInOrder(), "a line of kKinds or kObjectTypes is not at its enumerator's place");

}  // namespace

std::optional<EventKind> EventKindOf(std::string_view name) {
  const auto found = std::ranges::find(kKinds, name, &KindTraits::name);
  return found == kKinds.end() ? std::nullopt : std::optional(found->kind);
}

std::optional<ObjectType> ObjectTypeOf(std::string_view name) {
  const auto found = std::ranges::find(kObjectTypes, name, &ObjectTypeTraits::name);
  return found == kObjectTypes.end() ? std::nullopt : std::optional(found->type);
}

}  // namespace spoor::event
