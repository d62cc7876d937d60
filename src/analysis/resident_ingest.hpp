// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/store_layout.hpp"

namespace spoor::analysis {

/// Brings evidence into the tables as it arrives, for as long as it lives, on a thread of its own.
///
/// It sleeps until the log has another checkpoint, ingests what is new, and rests as long as that
/// took, a second at most. Of much evidence it publishes a part after the other, so that what is
/// held in memory is bounded and what is oldest can be asked for soon. While it is at it, who only
/// asks leaves the work to it (ingest::BecomeResident); where another one is resident it leaves the
/// work to that one until it ends. Killed at any moment, the next ingest goes on where the last one
/// published.
class ResidentIngest {
 public:
  struct Options {
    StoreLayout store;
    /// Told what keeps evidence from the tables, once each, and what was read anew. From the
    /// thread. May be empty.
    std::function<void(const std::string&)> tell{};
  };
  virtual ~ResidentIngest() = default;
  static std::unique_ptr<ResidentIngest> Start(Options options);
  /// Leaves what it is at, which is soon: what was published stays, the rest is read again by the
  /// next ingest. Returns when it has ended.
  virtual void Stop() = 0;
};

}  // namespace spoor::analysis
