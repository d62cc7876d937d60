// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "collector/collected_record.hpp"
#include "keys/openssl.hpp"
#include "wire/batch_chain.hpp"
#include "wire/retention.hpp"
#include "wire/seal_frame.hpp"

namespace spoor::collector {

/// Where every chain stands: which frame comes next, and the key it must be sealed with. Decides
/// about frames, and is rebuilt from the records of its decisions. Knows no disk and no network.
/// Not thread-safe.
class Ledger {
 public:
  /// Both outlive the ledger. `root`: the authority that must have issued the certificates of
  /// sensors which open chains; null: not asked.
  explicit Ledger(EVP_PKEY* escrow_private, X509* root = nullptr)
      : escrow_private_(escrow_private), root_(root) {}

  enum class Outcome {
    kTaken,         ///< recorded; a batch is to be appended if `batch` is set
    kDuplicate,     ///< was taken before
    kEarly,         ///< frames before it have not come: nothing recorded
    kUnknownChain,  ///< its open frame has not come: nothing recorded
    kRefused,       ///< recorded
  };
  struct Decision {
    Outcome outcome = Outcome::kRefused;
    std::vector<CollectedRecord> records;         ///< to be kept, in this order
    std::optional<std::vector<std::byte>> batch;  ///< the last record's entry
    std::size_t unpacked_bytes = 0;               ///< what was decompressed to decide
  };
  /// Decides about one frame that came under the certificate of `sensor`. `after_gap`: the sensor
  /// says that it cannot deliver what is before it. Changes the ledger when kTaken.
  Decision Receive(const std::string& sensor, std::span<const std::byte> frame, bool after_gap,
                   std::int64_t received_wall_ns);

  /// Takes up an entry of the log, in their order, before the records about it.
  void TakeUpBatch(std::uint64_t entry_index, std::span<const std::byte> entry);
  /// Takes up a decision of an earlier run. Fails: kCorrupt, kUnverified (open frame).
  Result<> Replay(const CollectedRecord& record);

  /// Before all Replay: where the chains stood when what was before was removed from the log.
  /// Fails: kUnverified, kCorrupt (open frame).
  Result<> Continue(const wire::Carried& carried);

  struct Position {
    std::string sensor;
    std::uint64_t next_sequence = 0;
  };
  std::optional<Position> PositionOf(const wire::ChainId& chain_id) const;
  std::size_t chain_count() const { return chains_.size(); }

 private:
  struct Chain {
    std::string sensor;
    wire::ChainKeys keys;  ///< from a frame on that is not after next_sequence
    std::uint64_t next_sequence = 0;
    wire::Sha256 last_sha256{};
    bool closed = false;
    std::uint64_t carried_until = 0;  ///< of earlier frames the digests are gone
    struct Taken {
      std::uint64_t sequence = 0;
      std::uint64_t header_digest = 0;  ///< first bytes of it
    };
    std::vector<Taken> taken;  ///< in the order of sequence
  };
  Decision Open(const std::string& sensor, std::span<const std::byte> frame,
                const wire::FrameHeader& header, std::int64_t received_wall_ns, X509* root);
  Decision Continue(Chain& chain, std::span<const std::byte> frame, const wire::FrameHeader& header,
                    CollectedRecord record, bool after_gap);
  Result<> TakeBatch(const wire::ChainId& chain_id, const wire::FrameContent& content,
                     std::size_t& unpacked_bytes);
  static void Advance(Chain& chain, const wire::FrameHeader& header);
  static std::optional<std::uint64_t> DigestAt(const Chain& chain, std::uint64_t sequence);
  static Result<> Skip(Chain& chain, std::uint64_t sequence);

  EVP_PKEY* const escrow_private_;
  X509* const root_;
  std::map<wire::ChainId, Chain> chains_;
  wire::BatchChain recordings_;
};

}  // namespace spoor::collector
