// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "store/store.hpp"
#include "undo/deeds.hpp"
#include "undo/make_plan.hpp"
#include "undo/names.hpp"
#include "undo/plan.hpp"

/// The steps in which a plan is made, each of which adds to `changes`. Internal to this folder.
namespace spoor::undo {

/// What all steps look at.
struct Scene {
  std::span<const Actor> actors;
  Deeds deeds;
  NetEffect effect;
  std::vector<Deed> others;
  std::map<std::string, std::string> meanings;  ///< by path
  std::set<std::int64_t> own, all;              ///< process ids of actors

  Evidence EvidenceOf(const Deed& deed) const;
  /// Widens the evidence of `change` by these deeds.
  void Touch(Change& change, std::span<const std::size_t> indexes) const;
  const ObjectFacts* Facts(std::int64_t object_id) const;
  /// A change of the thing that has this name.
  Change Begin(std::string what, const Place& place, std::int64_t object_id) const;
};

/// Names and bytes of files.
void AddFiles(const Scene& scene, Plan& plan);
/// Modes, owners, attributes of files that were there before.
Result<> AddAttributes(store::Store& store, const Scene& scene, Plan& plan);
/// What runs and listens, what was mounted, modules.
Result<> AddRunning(store::Store& store, const Scene& scene, Plan& plan);
/// What others did to the same files later.
void AddLater(const Scene& scene, Plan& plan);
/// What files held and hold.
Result<> AddBytes(store::Store& store, const Scene& scene, const PlanOptions& options, Plan& plan);
/// What speaks against undoing each change.
void AddDoubts(Plan& plan);

}  // namespace spoor::undo
