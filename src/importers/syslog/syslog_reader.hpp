// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "event/event_source.hpp"
#include "importers/text/import_options.hpp"

namespace spoor::importers {

/// Reads syslog. Lines of the packet filter (iptables, nftables, also as Proxmox writes them)
/// become flows of one packet of the observer "iptables", alerts of Snort alerts; each other line a
/// line of the log "syslog" with its host and program.
std::unique_ptr<event::EventSource> MakeSyslogReader(const ImportOptions& options);

bool LooksLikeSyslog(std::string_view first_bytes);
bool LooksLikeIptables(std::string_view first_bytes);
bool LooksLikeSshdLog(std::string_view first_bytes);
bool LooksLikeSnortSyslog(std::string_view first_bytes);

/// Reads access logs of web servers (common and combined form, also with the server's name before)
/// and their error logs: each line becomes a line of the log "access-log".
std::unique_ptr<event::EventSource> MakeAccessLogReader(const ImportOptions& options);
bool LooksLikeAccessLog(std::string_view first_bytes);

}  // namespace spoor::importers
