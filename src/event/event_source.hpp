// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "event/event.hpp"
#include "event/network.hpp"

namespace spoor::event {

/// What a foreign file says. Each list is in the order of the file.
struct Findings {
  std::vector<Event> events;
  std::vector<FlowSighting> flows;
  std::vector<AlertSighting> alerts;
  std::vector<FingerprintSighting> fingerprints;
  std::vector<LogLine> log_lines;
  std::vector<SourceLoss> losses;

  void Clear() {
    events.clear();
    flows.clear();
    alerts.clear();
    fingerprints.clear();
    log_lines.clear();
    losses.clear();
  }
};

/// What a source went through so far. `record`: a line, or what the format has instead.
struct SourceCounts {
  std::uint64_t record_count = 0;
  std::uint64_t malformed_count = 0;         ///< records that are not what their format says
  std::uint64_t first_malformed_record = 0;  ///< counted from 1; 0: none
  std::uint64_t not_decoded_count = 0;       ///< records of a kind that is not read
};

/// Turns the bytes of a foreign file into what they say; one object for one file. Not thread-safe.
class EventSource {
 public:
  virtual ~EventSource() = default;
  /// Takes the next bytes (any number, cut anywhere) and appends what they complete.
  /// Fails: kCorrupt, saying where in the file; then it takes nothing more.
  virtual Result<> Feed(std::span<const std::byte> bytes, Findings& findings) = 0;
  /// There are no more bytes. Fails: kCorrupt when the file ends in the middle of something.
  virtual Result<> Finish(Findings& findings) = 0;
  virtual SourceCounts counts() const { return {}; }
};

}  // namespace spoor::event
