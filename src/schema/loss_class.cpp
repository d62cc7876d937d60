// SPDX-License-Identifier: Apache-2.0
#include "schema/loss_class.hpp"

#include <algorithm>

namespace spoor::schema {
namespace {

constexpr bool AreInOrder() {
  for (std::size_t i = 0; i < kLossClasses.size(); ++i) {
    if (kLossClasses[i].loss_class != static_cast<LossClass>(i)) return false;
  }
  return true;
}
static_assert(AreInOrder(), "a line of kLossClasses is not at its enumerator's place");

/// The names of the classes that `wanted` takes, as a list of SQL literals.
template <typename Wanted>
std::string NamesSql(Wanted&& wanted) {
  std::string names;
  for (const LossClassTraits& traits : kLossClasses) {
    if (!wanted(traits)) continue;
    names += names.empty() ? "'" : ", '";
    names.append(traits.name).append("'");
  }
  return names;
}

}  // namespace

bool SaysThatEventsAreMissing(std::string_view loss_class) {
  const auto found = std::ranges::find(kLossClasses, loss_class, &LossClassTraits::name);
  return found == kLossClasses.end() || found->events;
}

std::string EventsAreMissingSql() {
  return "loss_class NOT IN (" +
         NamesSql([](const LossClassTraits& traits) { return !traits.events; }) + ")";
}

std::string TerminalIsMissingSql() {
  return "loss_class IN (" +
         NamesSql([](const LossClassTraits& traits) { return traits.terminal; }) + ")";
}

}  // namespace spoor::schema
