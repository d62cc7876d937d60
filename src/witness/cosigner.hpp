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
#include "base/store_layout.hpp"
#include "evidence/checkpoint.hpp"
#include "witness/client.hpp"

namespace spoor::witness {

/// Beside a live writer: has the newest checkpoint of its log cosigned, again and again, and keeps
/// the answers in STORE/witnessed. All witnesses are asked for the same checkpoint at the same
/// time, each on a thread of its own; nobody waits for them. An unchanged log is not asked for
/// again.
class Cosigner {
 public:
  struct Options {
    StoreLayout store;
    std::vector<WitnessAddress> witnesses;
    /// A new checkpoint is taken up at most that often.
    std::chrono::milliseconds interval{1'000};
    /// After a failure the next attempt waits that long, doubling up to the maximum.
    std::chrono::milliseconds retry{1'000};
    std::chrono::milliseconds retry_max{60'000};
    /// Told in one line when a witness begins to fail or answers again. May be empty.
    std::function<void(const std::string&)> narrate;
  };
  /// Fails: kNotFound, kUnverified (the store's verifier key), as WitnessClient::Open.
  static Result<std::unique_ptr<Cosigner>> Start(Options options);
  Cosigner(const Cosigner&) = delete;
  Cosigner& operator=(const Cosigner&) = delete;
  /// Stops.
  ~Cosigner();

  struct Status {
    std::string name;
    std::string url;
    std::uint64_t cosigned_size = 0;    ///< entries under its newest cosignature
    std::int64_t cosigned_wall_ns = 0;  ///< 0: none since the start
    std::uint64_t cosigned_count = 0;   ///< answers
    std::uint64_t failure_count = 0;    ///< requests without one
    std::uint64_t refusal_count = 0;    ///< of these: it saw a longer log or another history
    std::string failure;                ///< of the last request; empty when it was answered
  };
  std::vector<Status> status() const;

  /// Has what the log holds now cosigned once more, waits for it a few seconds at most, ends.
  void Stop();

 private:
  struct Witness {
    WitnessAddress address;
    std::unique_ptr<WitnessClient> client;
    Status status;
    bool ended = false;
    std::thread thread;
  };
  using Clock = std::chrono::steady_clock;

  explicit Cosigner(Options options, evidence::VerifierKey log)
      : options_(std::move(options)), log_(std::move(log)) {}
  void Watch();
  void TakeUp();
  void Serve(Witness& witness);
  bool WaitFor(Witness& witness, const std::string& done, Clock::time_point not_before);
  void Ask(Witness& witness, const evidence::Checkpoint& checkpoint);

  const Options options_;
  const evidence::VerifierKey log_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  evidence::Checkpoint newest_;  ///< to be cosigned; an empty note: none yet
  bool watching_ = true;
  bool stopping_ = false;
  std::vector<std::unique_ptr<Witness>> witnesses_;
  std::thread watcher_;
};

}  // namespace spoor::witness
