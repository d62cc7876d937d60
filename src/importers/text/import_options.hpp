// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "importers/text/log_time.hpp"
#include "packets/flow_policy.hpp"

namespace spoor::importers {

/// What whoever imports a file says about it.
struct ImportOptions {
  std::string host;  ///< of what does not name one
  TimeReading time;
  std::string sha256{};  ///< of the file; empty: not known yet
  std::string file{};    ///< its name, as it was given; may be empty
  packets::FlowPolicy flows{};
  /// packets::FingerprintDatabase, by which SYNs tell systems; empty: they tell none.
  std::string fingerprint_database{};
};

}  // namespace spoor::importers
