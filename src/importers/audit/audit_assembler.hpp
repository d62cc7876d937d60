// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "importers/audit/audit_event.hpp"
#include "importers/audit/audit_record.hpp"

namespace spoor::importers {

/// Joins the records of each serial, which come interleaved and out of order. Not thread-safe.
class AuditAssembler {
 public:
  /// Appends the events that are complete now, in the order of their times: those that are two
  /// seconds older than the newest record, as libauparse does it.
  void Take(const AuditRecord& record, std::vector<AuditEvent>& events);
  /// The same for an event whose records somebody joined already.
  void TakeJoined(AuditEvent event, std::vector<AuditEvent>& events);
  void Finish(std::vector<AuditEvent>& events);

 private:
  using Name = std::tuple<std::int64_t, std::uint64_t, std::string>;  // wall_ns, serial, node

  void Begin(std::int64_t wall_ns, std::vector<AuditEvent>& events);
  void CloseUntil(std::int64_t wall_ns, std::vector<AuditEvent>& events);

  std::map<Name, AuditEvent> open_;
  std::int64_t newest_wall_ns_ = 0;
};

}  // namespace spoor::importers
