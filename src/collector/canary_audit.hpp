// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collector/collected_record.hpp"
#include "keys/openssl.hpp"
#include "wire/batch.hpp"
#include "wire/retention.hpp"
#include "wire/seal_canary.hpp"
#include "wire/seal_frame.hpp"

namespace spoor::collector {

/// What came of a canary that was asked for.
struct CanaryFinding {
  enum class Outcome : std::uint8_t {
    kRecorded,
    kLate,    ///< all of it is there, but was made long after it was due
    kMissed,  ///< calls of it are not in the record
  };
  Outcome outcome = Outcome::kRecorded;
  std::string sensor;
  std::string host;   ///< of the scope whose turn it was, as the recording says
  std::string chain;  ///< 32 hex digits
  std::uint64_t number = 0;
  std::uint64_t due_boot_ns = 0;
  std::int64_t due_wall_ns = 0;  ///< by the host's clock when it was judged
  std::uint8_t missing = 0;      ///< of its calls: bits of CanaryCallNames
};
/// "open", "connect", "exec": of the bits in `missing`.
std::vector<std::string> CanaryCallNames(std::uint8_t missing);

/// Looks for the canaries of every chain in the record (docs/formats/sealing.md, Canaries). Judges
/// one when the recording says that it is complete until kGraceNs after it was due, or has ended;
/// one that comes after that is late. Trusts what the collector accepted: SealAudit checks that.
/// Feed it every entry in order. Memory: for each chain that is open kAwaitedMax canaries,
/// kMissedMax that were missed.
class CanaryAudit {
 public:
  static constexpr std::uint64_t kGraceNs = 10'000'000'000;
  /// Before a recording's end: those are asked for that were due until then.
  static constexpr std::uint64_t kEndGraceNs = 1'000'000'000;
  static constexpr std::size_t kMissedMax = 1 << 16;

  /// `escrow_private` outlives the audit; null: nothing is looked for. `found`: told of each canary
  /// when it is judged, and of a missed one again when it came late. May be empty.
  explicit CanaryAudit(EVP_PKEY* escrow_private,
                       std::function<void(const CanaryFinding&)> found = {})
      : escrow_private_(escrow_private), found_(std::move(found)) {}

  /// Before the first entry of a log whose beginning was removed.
  void Continue(const wire::Carried& carried);
  void Add(std::uint64_t entry_index, const wire::Batch& batch);

  struct Report {
    std::uint64_t chain_count = 0;  ///< chains whose sensor made canaries
    std::uint64_t recorded_count = 0;
    std::uint64_t late_count = 0;
    std::uint64_t missed_count = 0;
    /// Chains with so many due at once that no honest clock says so: not looked at any further.
    std::uint64_t left_chain_count = 0;
    /// By chain and number, the first kMissedMax.
    std::map<std::pair<std::string, std::uint64_t>, CanaryFinding> missed;
    std::uint64_t due_count() const { return recorded_count + late_count + missed_count; }
    bool has_loss() const { return missed_count + left_chain_count != 0; }
  };
  const Report& report() const { return report_; }
  bool checks() const { return escrow_private_ != nullptr; }

 private:
  using Token = std::array<char, wire::kCanaryTokenBytes>;
  struct Sighting {
    Token token{};
    std::uint8_t call = 0;
    std::uint64_t boot_ns = 0;
  };
  /// What an entry says, until the account says whose it is.
  struct Observed {
    wire::RecordingId recording_id{};
    wire::BatchKind kind = wire::BatchKind::kRecords;
    std::uint64_t boot_ns = 0, complete_until_boot_ns = 0;
    std::int64_t wall_ns = 0;
    std::uint64_t interval_ns = 0;   ///< kRecordingOpen: 0: no canaries
    std::vector<std::string> hosts;  ///< likewise: of its scopes
    std::vector<Sighting> sightings;
  };
  struct Awaited {
    std::uint64_t number = 0, due_boot_ns = 0;
    Token token{};
    std::uint8_t seen = 0;
    bool late = false, missed = false, done = false;
  };
  struct Chain {
    std::string sensor;
    std::optional<wire::FrameKey> first_key;  ///< until the recording says how often
    std::uint64_t opened_boot_ns = 0;
    std::vector<std::string> hosts;
    std::optional<wire::CanarySchedule> schedule;
    std::uint64_t draws_left = 0;
    bool carried = false;  ///< what its canaries left before the first batch seen is gone
    std::uint64_t asked_from_boot_ns = 0;
    std::deque<Awaited> awaited;  ///< contiguous numbers
    std::map<Token, std::uint64_t> numbers;
  };
  using Chains = std::map<wire::ChainId, Chain>;

  static Observed Observe(const wire::Batch& batch);
  static void FindSightings(std::span<const std::byte> payload, std::vector<Sighting>& sightings);
  static void ReadDescription(const wire::Batch& batch, Observed& observed);
  void AddRecord(const CollectedRecord& record);
  Chain* Open(const wire::ChainId& id, std::string sensor, std::span<const std::byte> open_frame);
  void BeginSchedule(Chain& chain, const Observed& observed);
  void Apply(const wire::ChainId& id, Chain& chain, const Observed& observed);
  /// False: more than there can be.
  bool Draw(const wire::ChainId& id, Chain& chain, const Observed& observed);
  void See(const wire::ChainId& id, Chain& chain, const Sighting& sighting,
           const Observed& observed);
  void Judge(const wire::ChainId& id, Chain& chain, std::uint64_t due_until_boot_ns,
             const Observed& observed);
  void Miss(const wire::ChainId& id, const Chain& chain, Awaited& canary, const Observed& observed);
  static void Forget(Chain& chain);  ///< its oldest
  void Tell(CanaryFinding::Outcome outcome, const wire::ChainId& id, const Chain& chain,
            const Awaited& canary, const Observed& observed);

  EVP_PKEY* const escrow_private_;
  const std::function<void(const CanaryFinding&)> found_;
  Chains chains_;  ///< open ones
  std::map<std::uint64_t, Observed> unaccounted_;
  std::size_t sighting_count_ = 0;  ///< in them
  Report report_;
};

}  // namespace spoor::collector
