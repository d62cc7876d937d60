// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "event/event_source.hpp"
#include "importers/audit/audit_event.hpp"
#include "importers/host_processes.hpp"

namespace spoor::importers {

/// Turns events of the audit system into events of hosts, whoever joined their records. Calls that
/// no kind of event stands for, and what programs report themselves, become lines of the log "audit
/// TYPE". A process of whose fork nothing was logged is told as one that was there (baseline), with
/// the parent that its first record names. Serials that are missing become losses. Not thread-safe.
class AuditTranslator {
 public:
  explicit AuditTranslator(std::string default_host) : default_host_(std::move(default_host)) {}

  void Take(const AuditEvent& event, event::Findings& findings);
  /// Tells of the serials that are still missing.
  void Finish(event::Findings& findings);

 private:
  /// Serials of one host that were seen, waiting for those between them.
  struct Serials {
    std::map<std::uint64_t, std::int64_t> waiting;  ///< serial → wall_ns
    std::uint64_t last = 0;                         ///< all up to it were seen or told to be lost
    std::int64_t last_wall_ns = 0;
  };

  void TakeCall(const AuditEvent& audit, event::Findings& findings);
  /// Whether the call is of a kind that became an event.
  bool FillCall(const AuditEvent& audit, event::Event& event);
  bool FillFork(const AuditEvent& audit, event::Event& event);
  void FillExec(const AuditEvent& audit, event::Event& event) const;
  bool FillNames(const AuditEvent& audit, event::Event& event) const;
  bool FillDescriptors(const AuditEvent& audit, event::Event& event) const;
  bool FillSocket(const AuditEvent& audit, event::Event& event) const;
  event::Event Begin(const AuditEvent& audit, event::Findings& findings);
  void TellProcess(const AuditEvent& audit, const event::ProcessKey& process,
                   event::Findings& findings);
  void TellMessages(const AuditEvent& audit, event::Findings& findings) const;
  void Watch(const AuditEvent& audit, event::Findings& findings);
  void Pass(const std::string& host, Serials& serials, std::size_t keep_count,
            event::Findings& findings) const;
  const std::string& HostOf(const AuditEvent& audit) const {
    return audit.node.empty() ? default_host_ : audit.node;
  }

  const std::string default_host_;
  HostProcesses processes_;
  std::map<std::string, Serials> serials_;  // by host
};

}  // namespace spoor::importers
