// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/store_layout.hpp"
#include "evidence/checkpoint.hpp"

namespace spoor::analysis {

/// What others know of a log, held against it: the part of `spoor verify` that finds what the store
/// alone can't show, a whole store put back to an older state and two histories of one log.
struct OutsideViews {
  std::vector<std::string> checkpoint_files;  ///< kept by a reader; "-" is stdin
  std::vector<std::string> witness_files;     ///< keys; each must have cosigned
  std::vector<std::string> asked;             ///< URL=VKEYFILE
};

/// All of it held against a log that it fits.
struct OutsideReport {
  struct Kept {
    std::string source;
    evidence::Checkpoint checkpoint;
  };
  struct Witnessed {
    std::string name;
    std::string key_id;
    evidence::Checkpoint checkpoint;    ///< the newest that it cosigned
    std::int64_t cosigned_wall_ns = 0;  ///< by the witness's clock
    bool asked = false;                 ///< just now
  };
  std::vector<Kept> checkpoints;
  std::vector<Witnessed> witnesses;
  std::size_t unchecked_count = 0;  ///< in STORE/witnessed, by witnesses that nobody named

  /// As `spoor verify --json` says it.
  void AddTo(nlohmann::json& statement) const;
};

/// `verified`: the checkpoint of the log of `layout`, signed with `log`, all of whose entries were
/// proved. Fails: kUnverified ("rolled back…", "split view…", a witness that cosigned nothing),
/// kUnavailable (a witness that does not answer), kInvalidArgument, kNotFound, kIo.
Result<OutsideReport> CheckOutsideViews(const OutsideViews& views, const StoreLayout& layout,
                                        const evidence::VerifierKey& log,
                                        const evidence::Checkpoint& verified);

}  // namespace spoor::analysis
