// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "sensor/collector_client.hpp"
#include "sensor/spool.hpp"

namespace spoor::sensor {

/// Moves what is in the spool to a collector, on a thread of its own, until it is stopped. A frame
/// leaves the spool only when a collector has said that it is durable. While more than a parcel
/// waits, one parcel is on its way while the collector makes the one before it durable.
class Shipper {
 public:
  struct Options {
    std::uint64_t bytes_per_second_max = 0;  ///< 0: no limit
    std::chrono::milliseconds retry_first{100};
    std::chrono::milliseconds retry_max{5000};
    /// After so many failures in a row the next collector is tried …
    unsigned failures_before_next = 3;
    /// … and after this long the first one again.
    std::chrono::seconds return_to_first{60};
    /// Says what the operator must know: one line, only when it changes.
    std::function<void(const std::string&)> narrate{};
    /// Called, on the shipper's thread, when the chain's frames below `next_sequence` are off the
    /// host for good.
    std::function<void(const wire::ChainId&, std::uint64_t next_sequence)> acknowledged{};
  };
  /// `collectors`: at least one, in the order of preference. `spool` outlives the shipper.
  Shipper(Spool& spool, std::vector<std::unique_ptr<CollectorClient>> collectors, Options options);
  Shipper(const Shipper&) = delete;
  Shipper& operator=(const Shipper&) = delete;
  ~Shipper() { Stop(); }

  /// Waits until the spool is empty, or `at_most` is over. True when it is empty.
  bool Drain(std::chrono::milliseconds at_most);
  void Stop();

  struct Counts {
    std::uint64_t acknowledged_frames = 0;
    std::uint64_t refused_frames = 0;  ///< the collector said their seal is bad; gone
    std::uint64_t failed_attempts = 0;
  };
  Counts counts() const;

 private:
  void Run();
  Result<> ShipOldest();
  Result<> Deliver(const Spool::Parcel& parcel);
  Result<> Act(const Spool::Parcel& parcel, const CollectorAnswer& answer);
  Result<> ActOnEarly(const Spool::Parcel& parcel, const CollectorAnswer& answer);
  Result<> AskPosition(const wire::ChainId& chain_id);
  Result<> Introduce(const wire::ChainId& chain_id);
  Result<> Release(const wire::ChainId& chain_id, std::uint64_t next_sequence);
  void AfterFailure(const Error& error);
  void AfterSuccess();
  void Pause(std::chrono::milliseconds time);
  std::size_t ParcelBytesMax() const;

  // What a collector takes in one request.
  static constexpr std::size_t kParcelBytesMax = 4 << 20;

  Spool& spool_;
  const std::vector<std::unique_ptr<CollectorClient>> collectors_;
  const Options options_;
  // Only the thread's own.
  std::size_t current_ = 0;
  unsigned failures_in_a_row_ = 0;
  std::chrono::milliseconds retry_;
  std::size_t parcel_bytes_max_ = kParcelBytesMax;
  std::chrono::steady_clock::time_point left_first_;
  bool position_known_ = false;
  std::optional<Spool::Place> sent_;  ///< behind what is sent; what is before may not be durable
  bool may_pipeline_ = false;
  bool gap_told_ = false;  ///< the collector lacks frames before ours; we know and say so
  std::int64_t retry_after_seconds_ = 0;
  std::string last_narrated_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  Counts counts_;
  std::thread thread_;
};

}  // namespace spoor::sensor
