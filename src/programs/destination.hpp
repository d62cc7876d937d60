// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "http/dialling.hpp"
#include "sensor/batch_writer.hpp"
#include "wire/seal_canary.hpp"

namespace spoor::programs {

/// Where `spoor record` puts what it seals: a store of this machine, or a collector.
class Destination {
 public:
  struct Options {
    std::string to;                      ///< a folder, or https://HOST:PORT
    std::vector<std::string> fallbacks;  ///< further collectors
    std::string keys;                    ///< folder of the sensor's keys
    std::string spool;                   ///< folder; empty: in `keys`
    std::uint64_t spool_bytes_max = 1 << 30;
    std::uint64_t bytes_per_second_max = 0;
    std::string host;
    std::uint64_t canary_interval_ns = 0;  ///< 0: none
    http::BeforeConnect before_connect{};  ///< with a collector
    std::string interface {};              ///< of a destination beside another: whose packets
  };
  /// Adds the options that only collectors need.
  static void AddOptions(CLI::App& subcommand, Options& options);
  static bool IsCollector(const std::string& to);
  static Result<std::unique_ptr<Destination>> Open(const Options& options);
  /// After a recording that went well: readies it for questions where it can be asked from here,
  /// and says how.
  static void MakeReady(const Options& options);

  virtual ~Destination() = default;
  /// What the recording goes by there.
  virtual wire::RecordingId recording_id() const = 0;
  /// Where packets of `interface` go while this recording is made, as a recording of their own.
  /// Goes before this destination does.
  virtual Result<std::unique_ptr<Destination>> Beside(const std::string& interface) = 0;
  /// What somebody there will look for; nothing where nobody does.
  virtual std::optional<wire::CanarySchedule> TakeCanaries() = 0;
  /// Lives as long as the destination.
  virtual sensor::BatchSink Sink() = 0;
  /// What became of a recording, for people: known, and not hoped.
  struct Kept {
    bool whole = false;  ///< all of it is where it is meant to be
    std::string words;   ///< where it is, or what is missing
  };
  /// After the last batch, which may have failed; looks at what is there now. `waits`: a while, for
  /// a collector to take it. Fails: what could not be closed.
  virtual Result<> Finish(const std::string& reason, bool waits) = 0;
  /// After Finish: what is kept of it, judged by reading it again where that can be done.
  virtual Kept Judge() const = 0;
};

}  // namespace spoor::programs
