// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "keys/authority.hpp"

namespace spoor::collector {

/// Says whose request it is: the peer certificate's role and name, unless it was revoked. TLS has
/// checked the chain to the root and the key usage before. Safe from any thread.
class Gate {
 public:
  /// `layout`: a collector's folder. Fails: kNotFound, kCorrupt, kUnverified.
  static Result<std::unique_ptr<Gate>> Open(const keys::IdentityLayout& layout);

  /// Reads the revocation list again whenever its file changed: revoking needs no restart, and
  /// reaches connections that are open. Fails: kUnverified (no certificate, not one of ours,
  /// expired, revoked, or the list cannot be read: then nobody is let in).
  Result<keys::Identity> Admit(X509* peer_certificate);

  X509* root() const { return root_.get(); }

 private:
  explicit Gate(keys::IdentityLayout layout) : layout_(std::move(layout)) {}
  Result<> Refresh();

  const keys::IdentityLayout layout_;
  keys::CertificatePointer root_;
  std::mutex mutex_;
  std::filesystem::file_time_type read_at_{};
  std::vector<std::string> revoked_;  ///< sorted
};

}  // namespace spoor::collector
