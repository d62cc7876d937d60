// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "collector/canary_audit.hpp"
#include "collector/collected_record.hpp"
#include "keys/openssl.hpp"
#include "wire/batch.hpp"
#include "wire/retention.hpp"
#include "wire/seal_frame.hpp"

namespace spoor::collector {

/// Something about a sensor that somebody should look at, or that it is over.
struct Alarm {
  enum class Kind : std::uint8_t {
    kSilent,         ///< its recording goes on, and nothing was received of it
    kEnded,          ///< its recording ended in order, and no other began
    kCanaryMissing,  ///< a canary is not in the record
    kRecordsLost,    ///< `count` records were dropped where they were made; never over
  };
  Kind kind = Kind::kSilent;
  bool over = false;
  std::string sensor;
  std::string host;          ///< as the sensor says
  std::string chain;         ///< 32 hex digits: its newest, or the canary's
  std::int64_t wall_ns = 0;  ///< when it was noticed
  /// The last receipt (silent) or the end, by the collector's clock; when the canary was due, by
  /// the host's.
  std::int64_t since_wall_ns = 0;
  std::string reason;        ///< ended: the sensor's words
  std::uint64_t number = 0;  ///< of the (first) canary
  std::uint8_t missing = 0;  ///< its calls: CanaryCallNames
  std::uint64_t count = 0;   ///< canaries missed (over), records lost
};
std::string_view AlarmKindName(Alarm::Kind kind);

/// Watches a collector's account for sensors that fall silent or blind. Knows no file and no clock.
/// Feed it every entry in order, and look with Alarms. Memory: a small record for each sensor, and
/// what CanaryAudit takes.
class Watch {
 public:
  static constexpr std::int64_t kLossIntervalNs = 60'000'000'000;

  struct Options {
    EVP_PKEY* escrow_private = nullptr;  ///< outlives it; null: canaries are not judged
    std::int64_t silence_ns = 60'000'000'000;
    std::set<std::string> ignored{};  ///< sensors of which nothing is expected
  };
  explicit Watch(const Options& options)
      : silence_ns_(options.silence_ns),
        ignored_(options.ignored),
        canaries_(options.escrow_private,
                  [this](const CanaryFinding& found) { TakeCanary(found); }) {}
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// Before the first entry of a log whose beginning was removed.
  void Continue(const wire::Carried& carried);
  void Add(std::uint64_t entry_index, const wire::Batch& batch);

  /// What changed until `now_wall_ns`, by the collector's clock. The first time: what is wrong at
  /// present, without what was over before.
  std::vector<Alarm> Alarms(std::int64_t now_wall_ns);
  bool has_present_alarm() const;
  std::size_t sensor_count() const { return sensors_.size(); }
  std::size_t open_chain_count() const;  ///< the newest one of each sensor counts

 private:
  struct Sensor {
    std::string host;
    wire::ChainId chain{};  ///< newest
    bool open = false;
    std::int64_t received_wall_ns = 0;  ///< the last of it
    std::string reason;
    bool told_silent = false, told_ended = false;
    std::int64_t silent_since_wall_ns = 0;
    Alarm missing;  ///< the first canary of those that are missing in a row …
    std::uint64_t missing_count = 0;
    bool told_missing = false;
    std::uint64_t lost_count = 0;  ///< of the newest chain
    std::uint64_t untold_lost_count = 0;
    std::int64_t told_lost_wall_ns = 0;
  };
  void AddRecord(const CollectedRecord& record);
  std::string NameOf(const CollectedRecord& record, const wire::FrameHeader& header);
  void TakeCanary(const CanaryFinding& found);
  void LookAt(const std::string& name, Sensor& sensor, std::int64_t now_wall_ns);
  Alarm AlarmOf(Alarm::Kind kind, const std::string& name, const Sensor& sensor) const;

  const std::int64_t silence_ns_;
  const std::set<std::string> ignored_;
  CanaryAudit canaries_;
  std::map<std::string, Sensor> sensors_;
  /// Open chains with packets of an interface, each watched as a sensor beside that of its host.
  std::map<wire::ChainId, std::string> captures_;
  std::map<std::uint64_t, std::uint64_t> unaccounted_losses_;  ///< by entry: records lost so far
  std::vector<Alarm> alarms_;
  bool looked_ = false;
};

}  // namespace spoor::collector
