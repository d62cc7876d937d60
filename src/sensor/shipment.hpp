// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "sensor/background_sync.hpp"
#include "sensor/batch_writer.hpp"
#include "sensor/sealer.hpp"
#include "sensor/shipper.hpp"
#include "sensor/spool.hpp"

namespace spoor::sensor {

/// A recording's way to a collector: sealed as it comes, spooled, shipped.
class Shipment {
 public:
  struct Options {
    std::vector<std::string> collectors;  ///< https://HOST:PORT, in the order of preference
    keys::IdentityLayout identity;        ///< a sensor's folder
    std::string host;                     ///< what the recording calls this host
    Spool::Options spool;
    Shipper::Options shipper;
    Sealer::WallClock wall_clock = WallNow;
    std::uint64_t canary_interval_ns = 0;  ///< 0: none
    std::string interface {};  ///< whose packets the recording has: keys::ChainStatement
    http::BeforeConnect before_connect{};
  };
  /// Begins a chain and starts to ship, with what an earlier run left first. No collector need be
  /// reachable, unless that fills the disk: then some of it must go before a chain can begin.
  /// Fails: kInvalidArgument, kNotFound, kUnavailable (keys, spool in use or full), kIo.
  static Result<std::unique_ptr<Shipment>> Open(Options options);

  /// The chain's one recording goes by the chain's id: collectors take no other.
  const wire::RecordingId& recording_id() const { return sealer_->chain_id(); }
  std::optional<wire::CanarySchedule> TakeCanaries() { return sealer_->TakeCanaries(); }
  /// Lives as long as the shipment.
  BatchSink Sink();
  /// Seals the end of the chain, waits for the spool to empty as long as that makes sense
  /// (`at_most`), and stops. What is not shipped by then stays in the spool for the next run.
  Result<> Finish(const std::string& reason, std::chrono::milliseconds at_most);

  struct Summary {
    Sealer::Dropped dropped;  ///< batches that found no room: lost, and sealed as lost
    Shipper::Counts shipped;
    Spool::Level left;            ///< still in the spool
    std::uint64_t cut_bytes = 0;  ///< torn or damaged spool that was found at the beginning
  };
  Summary summary() const;

 private:
  explicit Shipment(std::unique_ptr<Spool> spool)
      : spool_(std::move(spool)), sync_([this] { return spool_->Sync(); }) {}
  Result<> BeginChain(EVP_PKEY* escrow_public, const Sealer::Introduce& introduce,
                      const Options& options);

  std::unique_ptr<Spool> spool_;
  std::optional<Sealer> sealer_;  // there, once Open is done
  // These go before the spool they use. What is sealed waits for no disk: not the next batch, which
  // an intruder could still forge, and not the collector, which makes durable what it takes.
  BackgroundSync sync_;
  std::unique_ptr<Shipper> shipper_;
};

}  // namespace spoor::sensor
