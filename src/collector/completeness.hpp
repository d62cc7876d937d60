// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "collector/collected_record.hpp"
#include "collector/unrecorded.hpp"
#include "wire/batch.hpp"
#include "wire/kernel_event.h"
#include "wire/retention.hpp"
#include "wire/seal_frame.hpp"

namespace spoor::collector {

/// Until when is not known: nobody was there to see the end.
inline constexpr std::int64_t kOpenEndWallNs = std::numeric_limits<std::int64_t>::max();

/// One interval of one source for which the log does not have everything, and how that is known.
struct Hole {
  enum class Kind : std::uint8_t {
    kFramesMissing,   ///< frames first..last of a chain never came to the collector
    kSensorDropped,   ///< frame `first` says that the sensor had no room for `count` batches
    kBatchesMissing,  ///< batches first..last of a recording are not in the log
    kRecordsLost,     ///< `count` records of class `loss_class` were dropped where they were made
    kNoEnd,  ///< the last known sign of life, and no closing frame or batch: killed, or runs
  };
  Kind kind = Kind::kNoEnd;
  std::string sensor;  ///< name in the certificate; empty: not shipped, recorded into this store
  std::string host;    ///< as the recording says
  std::string boot_id;
  std::string chain;      ///< 32 hex digits, or empty
  std::string recording;  ///< likewise
  /// By the host's own clock, which belongs to whoever has the host.
  std::int64_t from_wall_ns = 0, until_wall_ns = 0;
  std::uint64_t first = 0, last = 0, count = 0;
  std::string loss_class;
  std::string reason;                 ///< the sensor's words
  std::vector<std::size_t> overlaps;  ///< other holes of this host and boot in the same time
};
std::string_view HoleKindName(Hole::Kind kind);

/// States, for each source, what the log does not have of it: gaps in chains and recordings, what
/// sensors say they dropped, what has no end, when nobody recorded. Judges nothing: SealAudit and
/// BatchChain do that. Feed it every entry in order, then Finish. Memory: one small record for each
/// chain, recording, hole and host of a recording; of holes kHolesMax are kept, of hosts
/// kScopesMax.
class Completeness {
 public:
  static constexpr std::size_t kHolesMax = 1 << 18;
  static constexpr std::size_t kScopesMax = 1 << 18;

  /// Before the first entry of a log whose beginning was removed: what it had until there.
  void Continue(const wire::Carried& carried);
  void Add(const wire::Batch& batch);
  void Finish();

  const std::vector<Hole>& holes() const { return holes_; }
  std::uint64_t left_out_count() const { return left_out_count_; }
  /// No holes: what ended in order and was started again had nothing to lose. But nothing is known.
  const std::vector<Unrecorded>& unrecorded() const { return unrecorded_; }
  /// Scopes of recordings that were too many to look for such times between them.
  std::uint64_t left_out_scope_count() const { return left_out_scope_count_; }
  /// Whether anything is missing; what only has no end may still come.
  bool has_loss() const { return has_loss_; }

 private:
  struct Source {
    std::string sensor, host, boot_id;
    std::uint64_t next = 0;  ///< sequence or batch index that is due
    std::int64_t last_wall_ns = 0;
    bool closed = false;
  };
  struct Scope {
    std::string host, kind;
  };
  struct Recording : Source {
    std::vector<Scope> scopes;  ///< that last as long as their host
    std::uint64_t first_boot_ns = 0, last_boot_ns = 0;
    std::int64_t first_wall_ns = 0;
    std::string reason;  ///< of its end
    std::array<std::uint64_t, LOSS_CLASS_COUNT> lost{};
    std::array<std::int64_t, LOSS_CLASS_COUNT> lost_from_wall_ns{}, lost_until_wall_ns{};
    std::int64_t last_reading_wall_ns = 0;
  };
  void AddRecord(const CollectedRecord& record);
  void AddDescription(Recording& recording, const wire::Batch& batch);
  void AddScope(Recording& recording, Scope scope);
  void AddLoss(Recording& recording, const wire::Batch& batch);
  static Hole HoleOf(Hole::Kind kind, const Source& source);
  Hole HoleOf(Hole::Kind kind, const wire::RecordingId& id, const Recording& recording) const;
  void Keep(Hole hole);
  void NameSensor(const wire::RecordingId& id, Hole& hole) const;
  void FindOverlaps();
  std::vector<Coverage> Coverages() const;

  std::map<wire::ChainId, Source> chains_;
  std::map<wire::RecordingId, Recording> recordings_;
  std::vector<Hole> holes_;
  std::uint64_t left_out_count_ = 0;
  std::vector<Unrecorded> unrecorded_;
  std::uint64_t scope_count_ = 0, left_out_scope_count_ = 0;
  bool has_loss_ = false;
};

}  // namespace spoor::collector
