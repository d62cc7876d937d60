// SPDX-License-Identifier: Apache-2.0
#include "api/evidence_state.hpp"

#include "base/time.hpp"
#include "evidence/named_key.hpp"
#include "evidence/verify.hpp"

namespace spoor::api {

bool EvidenceState::Check() {
  Result<std::string> key = evidence::ReadPublicKey(layout_);
  Result<evidence::VerifyReport> report =
      key ? evidence::VerifyLog(
                {.folder = layout_.evidence(), .public_key = *key, .progress = {}, .visit = {}})
          : Result<evidence::VerifyReport>(tl::unexpected<Error>(key.error()));
  const std::scoped_lock lock(mutex_);
  const std::string before = state_ + root_;
  checked_wall_ns_ = WallNow();
  if (report) {
    state_ = "verified";
    entries_ = report->checkpoint.size;
    root_ = evidence::EncodeHex(report->checkpoint.root);
    detail_.clear();
  } else {
    state_ = "failed";
    detail_ = report.error().message;
  }
  return before != state_ + root_;
}

Result<std::uint64_t> EvidenceState::CountEntries() const {
  ASSIGN_OR_RETURN(const std::string text, evidence::ReadPublicKey(layout_));
  ASSIGN_OR_RETURN(const evidence::VerifierKey key, evidence::VerifierKey::Parse(text));
  ASSIGN_OR_RETURN(const evidence::Checkpoint checkpoint,
                   evidence::ReadCheckpoint(layout_.evidence(), key));
  return checkpoint.size;
}

Json EvidenceState::ToJson() const {
  const std::scoped_lock lock(mutex_);
  return {{"state", state_},
          {"entries", entries_},
          {"root", root_},
          {"checked_wall_ns", Exact(checked_wall_ns_)},
          {"detail", Utf8(detail_)}};
}

}  // namespace spoor::api
