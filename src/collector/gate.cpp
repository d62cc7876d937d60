// SPDX-License-Identifier: Apache-2.0
#include "collector/gate.hpp"

#include <algorithm>

#include "base/time.hpp"

namespace spoor::collector {

Result<std::unique_ptr<Gate>> Gate::Open(const keys::IdentityLayout& layout) {
  std::unique_ptr<Gate> gate(new Gate(layout));
  ASSIGN_OR_RETURN(gate->root_, keys::LoadCertificate(layout.root()));
  RETURN_IF_ERROR(gate->Refresh());
  return gate;
}

Result<keys::Identity> Gate::Admit(X509* peer_certificate) {
  if (peer_certificate == nullptr) {
    return Fail(ErrorCode::kUnverified, "a client certificate is needed");
  }
  ASSIGN_OR_RETURN(keys::Identity identity, keys::IdentityOf(peer_certificate));
  if (identity.not_after_wall_ns <= WallNow()) {
    return Fail(ErrorCode::kUnverified, "the certificate of {} has expired", identity.name);
  }
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(Refresh());
  if (std::ranges::binary_search(revoked_, identity.serial)) {
    return Fail(ErrorCode::kUnverified, "the certificate of {} is revoked", identity.name);
  }
  return identity;
}

Result<> Gate::Refresh() {
  std::error_code error;
  const auto changed_at = std::filesystem::last_write_time(layout_.revocations(), error);
  if (error) {
    return Fail(ErrorCode::kUnverified, "{}: cannot be read: {}", layout_.revocations().string(),
                error.message());
  }
  if (changed_at == read_at_) return {};
  ASSIGN_OR_RETURN(revoked_, keys::LoadRevocations(layout_.revocations(), root_.get()));
  read_at_ = changed_at;
  return {};
}

}  // namespace spoor::collector
