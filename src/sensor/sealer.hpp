// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "base/time.hpp"
#include "wire/seal_canary.hpp"
#include "wire/seal_frame.hpp"

namespace spoor::sensor {

/// Seals what one sensor run says into a chain of frames. The keys exist in memory only: the first
/// is locked for the collectors in the open frame, each is erased once the next frame needs
/// another. Not thread-safe.
class Sealer {
 public:
  /// Takes one frame; the bytes live only during the call. kUnavailable: there is no room.
  using Sink = std::function<Result<>(std::span<const std::byte>)>;

  /// CLOCK_REALTIME in ns: the host's to lie about, and to set.
  using WallClock = std::function<std::int64_t()>;

  /// Which chain this is and who seals it (docs/formats/sealing.md).
  struct Introduction {
    wire::ChainId chain_id{};
    std::string description;  ///< JSON
  };
  using Introduce = std::function<Result<Introduction>(const wire::Sha256& first_key_tag)>;
  /// `canary_interval_ns`: 0: no canaries.
  /// Fails: kInvalidArgument (no escrow key), or what `introduce` or the sink returned.
  static Result<Sealer> Open(EVP_PKEY* escrow_public, const Introduce& introduce, Sink sink,
                             WallClock wall_clock = WallNow, std::uint64_t canary_interval_ns = 0);

  /// Seals one encoded batch. Where the sink has no room the batch is dropped, counted, and the
  /// count is sealed behind the next batch that finds room. Fails: what else the sink returned.
  Result<> Seal(const wire::DigestedBytes& batch);
  /// Seals the end of the chain. Nothing can be sealed after it.
  Result<> Close(const std::string& reason);

  struct Dropped {
    std::uint64_t batch_count = 0;
    std::uint64_t bytes = 0;
  };
  const Dropped& dropped() const { return dropped_; }  ///< since Open
  const wire::ChainId& chain_id() const { return chain_id_; }
  /// The chain's canaries, for whoever makes them; nothing where there are none, or they are taken.
  std::optional<wire::CanarySchedule> TakeCanaries() { return std::exchange(canaries_, {}); }

 private:
  Sealer(const wire::FrameKey& first_key, Sink sink, WallClock wall_clock)
      : keys_(first_key), sink_(std::move(sink)), wall_clock_(std::move(wall_clock)) {}
  Result<> SealContent(wire::FrameKind kind, const wire::DigestedBytes& content);
  Result<> SealGap();

  wire::ChainKeys keys_;
  Sink sink_;
  WallClock wall_clock_;
  wire::ChainId chain_id_{};
  std::uint64_t sequence_ = 0;
  wire::Sha256 previous_sha256_{};
  Dropped dropped_;
  Dropped unsaid_;  ///< of dropped_, what no gap frame says yet
  std::uint64_t unsaid_since_boot_ns_ = 0;
  std::uint64_t sealed_boot_ns_ = 0;  ///< when the last frame was
  std::optional<wire::CanarySchedule> canaries_;
};

}  // namespace spoor::sensor
