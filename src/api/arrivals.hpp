// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <set>
#include <string>

#include "api/event_hub.hpp"
#include "base/result.hpp"
#include "base/store_layout.hpp"
#include "store/held_catalog.hpp"
#include "store/store.hpp"

namespace spoor::api {

/// Tells what somebody waits for as soon as its rows are there: alerts of others, and the first
/// input of a session with what that session did until then. It asks the segments that are new, and
/// of the store only those few rows that a session rests on, so that it costs the same however much
/// is stored. What takes a walk over everything (Spoor's own findings, which process an alert is
/// about) comes with the next Snapshot. From one thread.
class Arrivals {
 public:
  /// What there is now is none of it.
  explicit Arrivals(StoreLayout layout);
  /// Looks whether there is another catalog, and tells `hub`, which has compared a snapshot of the
  /// first one or a later one, what came with it. Fails: as store::OpenSegments; what could not be
  /// looked at is looked at again.
  Result<> Look(EventHub& hub);

 private:
  /// A process that read from a terminal.
  struct Input {
    std::int64_t process_id = 0, object_id = 0;
    auto operator<=>(const Input&) const = default;
  };

  Result<> LookAtNew(const store::HeldCatalog& held, EventHub& hub);
  Result<std::unique_ptr<store::Store>> OpenAll(store::HeldCatalog held) const;
  Result<> ReadTerminals(store::Store& store);
  static Result<> TellAlerts(store::Store& fresh, EventHub& hub, std::uint64_t generation);
  Result<> FindInputs(store::Store& fresh, std::uint64_t generation);
  Result<> TellInputs(store::Store& store, EventHub& hub);

  const StoreLayout layout_;
  std::uint64_t generation_ = 0;
  std::set<std::string> seen_;  ///< segments
  bool terminals_read_ = false;
  std::set<std::int64_t> terminals_;  ///< objects
  std::set<Input> known_inputs_;
  std::deque<std::int64_t> waiting_;    ///< processes whose session is to be found
  std::uint64_t found_generation_ = 0;  ///< of the catalog that the last of them came with
};

}  // namespace spoor::api
