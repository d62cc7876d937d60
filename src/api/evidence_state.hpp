// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <string>

#include "api/json.hpp"
#include "base/store_layout.hpp"
#include "evidence/log.hpp"

namespace spoor::api {

/// How the evidence log stood when this server last verified it. Safe from any thread.
class EvidenceState {
 public:
  explicit EvidenceState(StoreLayout layout) : layout_(std::move(layout)) {}
  /// Verifies signature, tiles and every entry; takes as long as reading the log. True: what it
  /// says is something else than before.
  bool Check();
  /// As the log says it now, its signature checked and nothing else. Fails: kNotFound, kUnverified.
  Result<std::uint64_t> CountEntries() const;
  /// As openapi.yaml has it.
  Json ToJson() const;

 private:
  const StoreLayout layout_;
  mutable std::mutex mutex_;
  std::string state_ = "checking";
  std::uint64_t entries_ = 0;
  std::string root_;
  std::optional<std::int64_t> checked_wall_ns_;
  std::string detail_;
};

}  // namespace spoor::api
