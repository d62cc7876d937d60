// SPDX-License-Identifier: Apache-2.0
#include "importers/audit/audit_reader.hpp"

#include "importers/audit/audit_assembler.hpp"
#include "importers/audit/audit_json.hpp"
#include "importers/audit/audit_translator.hpp"
#include "importers/text/json_line.hpp"
#include "importers/text/line_source.hpp"

namespace spoor::importers {
namespace {

class AuditReader : public LineSource {
 public:
  explicit AuditReader(const ImportOptions& options)
      : reading_(options.time), translator_(options.host) {}

 protected:
  Line TakeLine(std::string_view line, event::Findings& findings) override {
    if (line.starts_with('{')) return TakeJson(line, findings);
    // The kernel's own log puts the time since boot before a record.
    const bool record_behind_time = line.find("audit: type=") < line.find('{');
    if (line.starts_with('[') && !record_behind_time) {
      // An output of auoms puts the event behind a time or a tag: its object is what is meant.
      const std::size_t begin = line.find('{'), end = line.rfind('}');
      if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) {
        return Line::kMalformed;
      }
      return TakeJson(line.substr(begin, end + 1 - begin), findings);
    }
    // What ausearch puts between events.
    if (line.starts_with("----") || line.starts_with("time->")) return Line::kRead;
    const std::optional<AuditRecord> record = ParseAuditRecord(line, reading_);
    if (!record) return Line::kMalformed;
    assembler_.Take(*record, events_);
    Tell(findings);
    return Line::kRead;
  }

  void End(event::Findings& findings) override {
    assembler_.Finish(events_);
    Tell(findings);
    translator_.Finish(findings);
  }

 private:
  Line TakeJson(std::string_view line, event::Findings& findings) {
    const std::optional<JsonObject> object = parser_.Parse(line);
    if (!object) return Line::kMalformed;
    std::optional<AuditEvent> event;
    if (LooksLikeLaurel(*object)) {
      event = AuditEventOfLaurel(*object);
    } else if (LooksLikeAuditbeat(*object)) {
      event = AuditEventOfAuditbeat(*object);
    } else if (LooksLikeAuoms(*object)) {
      event = AuditEventOfAuoms(*object);
    } else {
      return TakeGoAudit(*object, findings);
    }
    if (!event) return Line::kMalformed;
    assembler_.TakeJoined(*std::move(event), events_);
    Tell(findings);
    return Line::kRead;
  }

  Line TakeGoAudit(JsonObject object, event::Findings& findings) {
    const std::vector<std::string> lines = AuditLinesOfGoAudit(object);
    bool read = !lines.empty();
    for (const std::string& line : lines) {
      const std::optional<AuditRecord> record = ParseAuditRecord(line, reading_);
      if (record) assembler_.Take(*record, events_);
      read = read && record;
    }
    Tell(findings);
    if (lines.empty()) return Line::kNotDecoded;
    return read ? Line::kRead : Line::kMalformed;
  }

  void Tell(event::Findings& findings) {
    for (const AuditEvent& event : events_) translator_.Take(event, findings);
    events_.clear();
  }

  const TimeReading reading_;
  JsonLineParser parser_;
  AuditAssembler assembler_;
  AuditTranslator translator_;
  std::vector<AuditEvent> events_;  // complete, not told yet
};

}  // namespace

std::unique_ptr<event::EventSource> MakeAuditReader(const ImportOptions& options) {
  return std::make_unique<AuditReader>(options);
}

bool LooksLikeAudit(std::string_view first_bytes) {
  const std::size_t begin = first_bytes.find_first_not_of("\r\n");
  if (begin == std::string_view::npos) return false;
  const std::string_view line = first_bytes.substr(begin, first_bytes.find('\n', begin) - begin);
  const auto has = [&](std::string_view word) { return line.find(word) != std::string_view::npos; };
  if (line.starts_with('[') || line.starts_with('{')) {
    if (has("\"SerialNumber\"") && (has("\"RecordType\"") || has("\"records\""))) return true;
  }
  if (line.starts_with('{')) {
    return (has("\"auditd\"") && has("\"@timestamp\"")) ||
           (has("\"sequence\"") && has("\"messages\"") && has("\"timestamp\"")) ||
           (has("\"ID\"") && (has("\"SYSCALL\"") || has("\"PROCTITLE\"") || has("\"USER_")));
  }
  return line.starts_with("----") || (has("type=") && has("audit("));
}

}  // namespace spoor::importers
