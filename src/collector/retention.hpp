// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "evidence/log.hpp"
#include "wire/retention.hpp"

/// Removing the oldest evidence by policy, so that what is left still verifies and says what was
/// removed, by whom and why (docs/formats/evidence.md, Removed ranges).
namespace spoor::collector {

struct RetentionPolicy {
  /// Entries that the log took longer ago go. By the clock of who keeps the log: a collector's
  /// account dates what came before it, for a sensor's own clock belongs to the intruder.
  std::optional<std::int64_t> keep_ns;
  /// The oldest go until the entry bundles have at most so many bytes.
  std::optional<std::uint64_t> keep_bytes;
  std::string text;  ///< as the operator said it; goes into the log
};

/// What a policy would remove now, and what must be carried over.
struct RetentionPlan {
  std::uint64_t removed_until = 0;  ///< what is removed already
  std::uint64_t remove_until = 0;   ///< a multiple of 256; not above removed_until: nothing to do
  std::uint64_t bundle_bytes = 0;   ///< that it frees
  std::uint64_t kept_bytes = 0;     ///< bundles that stay
  std::int64_t first_kept_wall_ns = 0;
  bool stated = false;  ///< the log says so already: a run that was ended before
  wire::Sha256 root{};  ///< of the tree over what goes
  wire::Carried carried;
  std::vector<wire::Removal> removals;  ///< with this one
};
using RetentionProgress = std::function<void(std::uint64_t, std::uint64_t)>;

/// Reads the whole log once and its beginning again. `by`: who asks. Whole bundles (256 entries)
/// are removed. Fails: kUnverified (the log), kCorrupt, kIo, kInvalidArgument (no policy).
Result<RetentionPlan> PlanRetention(evidence::LogReader& log, const RetentionPolicy& policy,
                                    const std::string& by, const RetentionProgress& progress);

/// Carries out `plan` on the log that `writer` has open: appends what is carried over and the
/// retention entry, checkpoints, and only then removes the bundles. Wherever it is ended, the log
/// verifies, and a later run completes it. Returns the bytes removed. Fails: kIo.
Result<std::uint64_t> CarryOutRetention(const RetentionPlan& plan, evidence::LogWriter& writer,
                                        const std::filesystem::path& folder);

}  // namespace spoor::collector
