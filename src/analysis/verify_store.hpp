// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "analysis/outside_views.hpp"
#include "analysis/verify_segments.hpp"
#include "base/result.hpp"
#include "base/store_layout.hpp"
#include "collector/canary_audit.hpp"
#include "collector/completeness.hpp"
#include "collector/seal_audit.hpp"
#include "evidence/verify.hpp"
#include "keys/certificate.hpp"
#include "proof/transfer.hpp"
#include "wire/batch_chain.hpp"

namespace spoor::analysis {

struct VerifyStoreOptions {
  StoreLayout layout;
  std::filesystem::path key_file{};  ///< verifier key; empty: the store's own
  /// A collector's escrow key: seals and canaries are checked. Empty: they are not.
  std::filesystem::path escrow_file{};
  std::filesystem::path
      authority_file{};  ///< root of the sensors' certificates; empty: not checked
  OutsideViews outside{};
  std::function<void(std::uint64_t done, std::uint64_t total)>
      progress{};  ///< entries; may be empty
  /// How segments are checked (VerifySegments); empty: they are not.
  std::function<Result<std::optional<DerivedReport>>(const StoreLayout& layout,
                                                     const std::string& public_key)>
      segments{};
};

/// All that the statement says.
struct StoreProof {
  StoreProof(keys::KeyPointer escrow_private, keys::CertificatePointer authority_root)
      : escrow(std::move(escrow_private)),
        authority(std::move(authority_root)),
        seals(escrow.get(), authority.get()),
        canaries(escrow.get()) {}
  evidence::VerifyReport log;
  evidence::VerifierKey key;
  wire::BatchChain recordings;
  keys::KeyPointer escrow;             ///< null: seals are not checked against their keys
  keys::CertificatePointer authority;  ///< null: sensors' certificates are not checked
  collector::SealAudit seals;
  collector::Completeness completeness;
  collector::CanaryAudit canaries;
  bool has_loss() const { return completeness.has_loss() || canaries.report().has_loss(); }
  proof::TransferAudit transfers;
  std::vector<proof::TransferAudit::Origin> origins;
  std::uint64_t set_aside_bytes = 0;
  bool skipped_segments = false;
  std::optional<DerivedReport> segments;  ///< nothing: none there, or skipped
  OutsideReport outside;
};

/// Text of a verifier key in a file that a user names. Fails: kInvalidArgument (no key), kNotFound,
/// kIo.
Result<std::string> ReadGivenKey(const std::filesystem::path& path);

/// Proves the evidence of a store: signature, every entry and tile up to the signed root, that each
/// recording's batches are complete and in order, what others know of the log, and the rows. Fails:
/// kUnverified (the first thing that is wrong), kNotFound (no store), kUnavailable (its own key is
/// missing or damaged), as ReadGivenKey.
Result<StoreProof> VerifyStore(const VerifyStoreOptions& options);

/// Hosts that several sensors say they record, and which.
std::map<std::string, std::set<std::string>> SharedHosts(const StoreProof& proof);

}  // namespace spoor::analysis
