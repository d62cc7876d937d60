// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "base/repeat_counter.hpp"
#include "event/event_source.hpp"
#include "store/segment_writer.hpp"

namespace spoor::ingest {

/// Turns what tools that watch a network said into rows of flow, alert, alert_packet, fingerprint,
/// log_line and of the hosts that wrote the lines. Joins nothing but an alert with the flow that it
/// names itself. Not thread-safe.
///
/// Files may overlap (a log and what was rotated away of it): each row says all that its file told
/// of its thing until then, under a key that is made of what was told, so that the views show it
/// once (schema::Merge). What a file says several times is several rows.
///
/// Memory: the conversations that only alerts told of since the last Flush, those of observers that
/// do not name them, and contents to count repeats of; each is bounded.
class NetworkRows {
 public:
  /// Rows go to `rows`, which must outlive it. `host`: where the observer stood, if it does not
  /// say. `recording_id`: of the import.
  NetworkRows(store::SegmentWriter& rows, std::string host, std::string recording_id)
      : rows_(rows), host_(std::move(host)), recording_id_(std::move(recording_id)) {}

  /// `revision`: ascends; the event id up to which rows of alerts know. Of a flow, where files are
  /// put together, that is its end: who saw more of it knows better.
  void Take(const event::Findings& findings, std::int64_t revision);

  /// Writes the flows that are known from alerts and fingerprints alone.
  void Flush();

  /// First and last wall time of what was taken; false: nothing that had one.
  bool HasSpan() const { return has_span_; }
  std::int64_t first_wall_ns() const { return first_wall_ns_; }
  std::int64_t last_wall_ns() const { return last_wall_ns_; }

 private:
  /// What is counted of a conversation: members of FlowSighting.
  using Counts = std::array<std::optional<std::uint64_t>, 9>;
  struct Spell {
    std::int64_t first_wall_ns = 0, last_wall_ns = 0;
    bool ordered = true;  ///< the source's end sorts before the destination's
    Counts counts{};
  };
  struct NamedFlow {
    event::FlowSighting flow;
    Spell* spell = nullptr;  ///< that it is a part of; null: the source named it
  };

  void TakeFlow(const event::FlowSighting& flow);
  void TakeAlert(const event::AlertSighting& alert);
  void TakeFingerprint(const event::FingerprintSighting& fingerprint);
  void TakeLogLine(const event::LogLine& line);
  /// `flow` with a key, if the source gave none, and with the source that was told of first.
  NamedFlow Named(event::FlowSighting flow);
  /// The id of a flow that something else tells of; 0: it tells no ends.
  std::int64_t Mention(const event::FlowSighting& flow);
  void WriteFlow(const event::FlowSighting& flow, std::int64_t flow_id, std::int64_t revision);
  void See(std::int64_t wall_ns);

  store::SegmentWriter& rows_;
  const std::string host_;
  const std::string recording_id_;
  std::int64_t revision_ = 0;
  std::unordered_map<std::int64_t, event::FlowSighting> mentioned_;  // by flow_id
  std::unordered_map<std::string, Spell> spells_;                    // by observer and ends
  std::unordered_set<std::int64_t> hosts_;  // of lines, with a row of their own
  RepeatCounter line_repeats_, fingerprint_repeats_;
  bool has_span_ = false;
  std::int64_t first_wall_ns_ = 0, last_wall_ns_ = 0;
};

}  // namespace spoor::ingest
