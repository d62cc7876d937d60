// SPDX-License-Identifier: Apache-2.0
#include "importers/kinds.hpp"

#include <algorithm>
#include <array>

#include "importers/agents/agent_readers.hpp"
#include "importers/audit/audit_reader.hpp"
#include "importers/compressed_source.hpp"
#include "importers/conntrack/conntrack_reader.hpp"
#include "importers/cowrie/cowrie_readers.hpp"
#include "importers/eve/eve_reader.hpp"
#include "importers/events_reader.hpp"
#include "importers/falco/falco_reader.hpp"
#include "importers/flow_csv/flow_csv_reader.hpp"
#include "importers/journal/journal_readers.hpp"
#include "importers/p0f/p0f_reader.hpp"
#include "importers/pcap/capture_source.hpp"
#include "importers/sebek/sebek_source.hpp"
#include "importers/shell/history_reader.hpp"
#include "importers/snort/snort_readers.hpp"
#include "importers/snort/unified2_reader.hpp"
#include "importers/sysdig/sysdig_reader.hpp"
#include "importers/syslog/syslog_reader.hpp"
#include "importers/sysmon/sysmon_reader.hpp"
#include "importers/text/json_lines_source.hpp"
#include "importers/wtmp/lastlog_reader.hpp"
#include "importers/wtmp/wtmp_reader.hpp"
#include "importers/zeek/zeek_reader.hpp"

namespace spoor::importers {
namespace {

// What has marks of its own is tried before what is recognised by the look of its lines.
constexpr std::array kKinds{
    ImporterKind{"pcap", "packets, pcap and pcapng", packets::LooksLikeCapture, MakeCaptureSource,
                 false, "packets"},
    ImporterKind{"sebek", "packets of Sebek 2 and 3 in a capture, output of sbk_extract",
                 LooksLikeSebek, MakeSebekSource},
    ImporterKind{"wazuh", "alerts.json and archives.json of Wazuh", LooksLikeWazuh,
                 MakeWazuhReader},
    ImporterKind{"osquery", "results of osqueryd", LooksLikeOsquery, MakeOsqueryReader},
    ImporterKind{"eve", "Suricata's EVE log, JSON lines", LooksLikeEve, MakeEveReader},
    ImporterKind{"zeek", "logs of Zeek, TSV or JSON lines", LooksLikeZeek, MakeZeekReader},
    ImporterKind{"auditd", "Linux audit: audit.log, in syslog, JSON of auditbeat, LAUREL and auoms",
                 LooksLikeAudit, MakeAuditReader},
    ImporterKind{"sysmon", "Sysmon for Linux: XML alone, in syslog or in JSON", LooksLikeSysmon,
                 MakeSysmonReader},
    ImporterKind{"journal", "the journal of systemd: journalctl -o export or json",
                 LooksLikeJournal, MakeJournalReader},
    ImporterKind{"falco", "alerts of Falco, JSON lines", LooksLikeFalco, MakeFalcoReader},
    ImporterKind{"cowrie", "cowrie.json", LooksLikeCowrie, MakeCowrieReader},
    ImporterKind{"btmp", "failed logins, binary", LooksLikeBtmp, MakeBtmpReader},
    ImporterKind{"wtmp", "logins, binary", LooksLikeWtmp, MakeWtmpReader},
    ImporterKind{"lastlog", "last logins of users, binary", LooksLikeLastlog, MakeLastlogReader},
    ImporterKind{"cowrie-tty", "terminal logs of cowrie and kippo", LooksLikeCowrieTty,
                 MakeCowrieTtyReader},
    ImporterKind{"unified2", "alerts and packets of Snort, binary", LooksLikeUnified2,
                 MakeUnified2Reader},
    ImporterKind{"snort-json", "alert_json of Snort 3", LooksLikeSnortJson, MakeSnortJsonReader},
    ImporterKind{"snort-fast", "alert_fast of Snort, fast.log of Suricata", LooksLikeSnortFast,
                 MakeSnortFastReader},
    ImporterKind{"snort-csv", "alert_csv of Snort 2 and 3", LooksLikeSnortCsv, MakeSnortCsvReader},
    ImporterKind{"snort-full", "alert_full of Snort", LooksLikeSnortFull, MakeSnortFullReader},
    ImporterKind{"snort-syslog", "alerts of Snort in syslog", LooksLikeSnortSyslog,
                 MakeSyslogReader},
    ImporterKind{"sysdig", "calls as sysdig prints them", LooksLikeSysdig, MakeSysdigReader},
    ImporterKind{"argus", "flows of Argus, binary (through ra) or as ra prints them",
                 LooksLikeArgus, MakeArgusReader},
    ImporterKind{"nfdump",
                 "flows of NetFlow and IPFIX: nfcapd files (through nfdump), what nfdump prints",
                 LooksLikeNfdump, MakeNfdumpReader},
    ImporterKind{"conntrack", "connection tracking: conntrack -E -o timestamp", LooksLikeConntrack,
                 MakeConntrackReader},
    ImporterKind{"p0f", "systems that p0f named, versions 3 and 2", LooksLikeP0f, MakeP0fReader},
    ImporterKind{"events",
                 "the event text format, docs/formats/events.md: one JSON object per line",
                 LooksLikeEvents,
                 [](const ImportOptions& options) { return MakeEventsReader(options.host); }, true},
    ImporterKind{"iptables", "lines of the packet filter in syslog", LooksLikeIptables,
                 MakeSyslogReader},
    ImporterKind{"sshd-log", "syslog of sshd", LooksLikeSshdLog, MakeSyslogReader},
    ImporterKind{"syslog", "syslog, RFC 5424 and 3164", LooksLikeSyslog, MakeSyslogReader},
    ImporterKind{"shell-history", "what bash and zsh remember", LooksLikeHistory,
                 MakeHistoryReader},
    ImporterKind{"access-log", "access and error logs of web servers", LooksLikeAccessLog,
                 MakeAccessLogReader},
};

/// Kinds whose files are lines of JSON, which people also keep in arrays or spread over lines.
bool IsOfJsonLines(std::string_view name) {
  constexpr std::array<std::string_view, 9> kNames{
      "eve", "zeek", "auditd", "sysmon", "falco", "cowrie", "wazuh", "osquery", "snort-json"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

/// Null: none.
const ImporterKind* KindOfJsonText(std::string_view first_bytes) {
  if (!LooksLikeJsonText(first_bytes)) return nullptr;
  const std::string lines = JsonLinesOf(first_bytes);
  const auto* const found = std::find_if(
      kKinds.begin(), kKinds.end(),
      [&](const ImporterKind& kind) { return IsOfJsonLines(kind.name) && kind.looks_like(lines); });
  return found == kKinds.end() ? nullptr : found;
}

}  // namespace

std::span<const ImporterKind> ImporterKinds() {
  return kKinds;
}

const ImporterKind* FindImporterKind(std::string_view name) {
  const auto* const found = std::find_if(kKinds.begin(), kKinds.end(),
                                         [&](const auto& kind) { return kind.name == name; });
  return found == kKinds.end() ? nullptr : found;
}

const ImporterKind* DetectImporterKind(std::string_view first_bytes, std::string_view file_name) {
  std::string inside;
  if (LooksCompressed(first_bytes)) {
    inside = BeginningOfCompressed(first_bytes);
    first_bytes = inside;
  }
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (first_bytes.starts_with(kByteOrderMark)) first_bytes.remove_prefix(kByteOrderMark.size());
  // What has no marks is what its name says.
  const bool is_text = first_bytes.find('\0') == first_bytes.npos && !first_bytes.empty();
  if (is_text && IsHistoryName(file_name)) return FindImporterKind("shell-history");
  const auto* const found = std::find_if(
      kKinds.begin(), kKinds.end(), [&](const auto& kind) { return kind.looks_like(first_bytes); });
  if (found == kKinds.end()) return KindOfJsonText(first_bytes);
  const bool by_name = found->name == "wtmp" && file_name.starts_with("btmp");
  return by_name ? FindImporterKind("btmp") : found;
}

std::unique_ptr<event::EventSource> MakeImporter(const ImporterKind& kind,
                                                 const ImportOptions& options) {
  std::unique_ptr<event::EventSource> source = kind.make(options);
  if (IsOfJsonLines(kind.name)) source = MakeJsonLinesSource(std::move(source));
  return MakeCompressedSource(std::move(source), kind.all_or_nothing);
}

}  // namespace spoor::importers
