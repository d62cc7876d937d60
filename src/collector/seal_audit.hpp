// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "collector/collected_record.hpp"
#include "keys/openssl.hpp"
#include "wire/retention.hpp"
#include "wire/seal_frame.hpp"

namespace spoor::collector {

/// Checks a collector's account against the log it is in: that each chain's frames follow each
/// other, that each accepted batch is the entry it is said to be, that no batch was put in beside
/// them and, with the escrow key, that the sensor's seal (MAC) is on every one. The rules are
/// listed in docs/formats/sealing.md. Feed it every entry in order, then Finish.
class SealAudit {
 public:
  /// Both outlive the audit. `escrow_private`: null: the MACs are not checked. `root`: of the
  /// authority; null: whether it issued the sensors' certificates is not asked.
  explicit SealAudit(EVP_PKEY* escrow_private, X509* root = nullptr)
      : escrow_private_(escrow_private), root_(root) {}

  /// Before the first entry of a log whose first `removed_until` entries were removed: where the
  /// chains stood there. Fails: kUnverified (an open frame that the escrow key does not open).
  Result<> Continue(const wire::Carried& carried, std::uint64_t removed_until);
  /// Fails: kUnverified (what, naming the entry).
  Result<> Add(std::uint64_t entry_index, std::span<const std::byte> entry);
  /// Fails: kUnverified (a batch without a seal in a recording that has seals).
  Result<> Finish();

  struct Report {
    std::uint64_t chain_count = 0;
    std::uint64_t closed_chain_count = 0;
    std::uint64_t sealed_count = 0;    ///< batches with a good place in their chain
    std::uint64_t mac_count = 0;       ///< … whose MAC was checked too
    std::uint64_t missing_count = 0;   ///< frames that never came here
    std::uint64_t gap_count = 0;       ///< times a sensor said that it dropped some
    std::uint64_t refused_count = 0;   ///< refusals that the collector recorded
    std::uint64_t unsealed_count = 0;  ///< entries that no sensor shipped (imports)
    /// Hosts by name, with the sensors whose recordings say that they are of it. A sensor says this
    /// itself: where there are several, one of them may be lying.
    std::map<std::string, std::set<std::string>> hosts;
  };
  const Report& report() const { return report_; }
  bool has_account() const { return has_account_; }

 private:
  struct Chain {
    std::string sensor;
    std::uint64_t next_sequence = 0;
    wire::Sha256 last_sha256{};
    std::optional<wire::ChainKeys> keys;  ///< up to the frame looked at, with an escrow key
    bool closed = false;
  };
  Result<> AddAccount(std::span<const std::byte> entry);
  Result<> AddRecord(const CollectedRecord& record);
  Result<> Open(const wire::FrameHeader& header, const CollectedRecord& record);
  Result<> Skip(Chain& chain, const wire::FrameHeader& header);
  void KeepHosts(const std::string& sensor, std::span<const std::byte> entry);
  Result<> Claim(const wire::FrameHeader& header, const CollectedRecord& record);
  void LeaveUnsealed();
  Result<> Follow(Chain& chain, const wire::FrameHeader& header, const CollectedRecord& record);
  Result<> CheckContent(Chain& chain, const wire::FrameHeader& header,
                        const CollectedRecord& record);

  EVP_PKEY* const escrow_private_;
  X509* const root_;
  std::map<wire::ChainId, Chain> chains_;
  /// Entries that no record names yet. Their records come under the same checkpoint.
  std::map<std::uint64_t, std::vector<std::byte>> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::map<wire::RecordingId, std::string> first_unsealed_;  ///< entry and batch, for the message
  bool has_account_ = false;
  std::uint64_t removed_until_ = 0;
  Report report_;
};

}  // namespace spoor::collector
