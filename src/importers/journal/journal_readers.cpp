// SPDX-License-Identifier: Apache-2.0
// Formats: systemd's "Journal Export Formats".
#include "importers/journal/journal_readers.hpp"

#include <algorithm>
#include <string>

#include "base/file.hpp"
#include "importers/syslog/system_log.hpp"
#include "importers/text/fields.hpp"
#include "importers/text/json_line.hpp"
#include "importers/text/line_source.hpp"

namespace spoor::importers {
namespace {

/// What of an entry is read.
struct Entry {
  std::string realtime_us, host, identifier, command, message;
  bool has_message = false;
  bool any = false;  ///< there was a field
  bool bad = false;  ///< one of its fields could not be read
};

enum class Taken { kRead, kMalformed, kNotDecoded };

Taken TakeEntry(const Entry& entry, SystemLog& log, event::Findings& findings) {
  constexpr std::uint64_t kMicrosecondsMax = 4'000'000'000'000'000;
  const auto realtime_us = ParseNumber(entry.realtime_us);
  if (entry.bad || !realtime_us || *realtime_us > kMicrosecondsMax) return Taken::kMalformed;
  if (!entry.has_message) return Taken::kNotDecoded;
  SyslogLine line;
  line.wall_ns = static_cast<std::int64_t>(*realtime_us) * 1000;
  line.host = entry.host;
  line.program = entry.identifier.empty() ? entry.command : entry.identifier;
  line.message = Trim(entry.message);
  log.Take(line, "journal", findings);
  return Taken::kRead;
}

/// A value that is no text is a list of its bytes; of several values the last counts.
std::string FieldText(JsonElement element) {
  std::string_view text;
  if (element.get(text) == simdjson::SUCCESS) return std::string(text);
  simdjson::dom::array array;
  if (element.get(array) != simdjson::SUCCESS) return {};
  std::string bytes, last;
  for (const JsonElement member : array) {
    std::uint64_t byte = 0;
    if (member.get(byte) == simdjson::SUCCESS) {
      bytes += static_cast<char>(byte & 0xff);
    } else if (member.get(text) == simdjson::SUCCESS) {
      last = text;
    }
  }
  return bytes.empty() ? last : bytes;
}

class JournalJsonReader : public LineSource {
 protected:
  Line TakeLine(std::string_view line, event::Findings& findings) override {
    // json-seq puts a separator before each entry, json-sse a word.
    constexpr std::string_view kEvent = "data: ";
    if (line.starts_with('\x1e')) line.remove_prefix(1);
    if (line.starts_with(kEvent)) line.remove_prefix(kEvent.size());
    const std::optional<JsonObject> object = parser_.Parse(line);
    if (!object) return Line::kMalformed;
    Entry entry;
    const auto take = [&](std::string_view name, std::string& value) {
      JsonElement element;
      if (object->at_key(name).get(element) != simdjson::SUCCESS) return false;
      value = FieldText(element);
      return true;
    };
    take("__REALTIME_TIMESTAMP", entry.realtime_us);
    take("_HOSTNAME", entry.host);
    take("SYSLOG_IDENTIFIER", entry.identifier);
    take("_COMM", entry.command);
    entry.has_message = take("MESSAGE", entry.message);
    switch (TakeEntry(entry, log_, findings)) {
      case Taken::kRead:
        return Line::kRead;
      case Taken::kNotDecoded:
        return Line::kNotDecoded;
      case Taken::kMalformed:
        break;
    }
    return Line::kMalformed;
  }

 private:
  JsonLineParser parser_;
  SystemLog log_;
};

/// "NAME=value" lines, or "NAME", eight bytes of a length and as many bytes; an empty line ends an
/// entry. Memory: one field of at most kLogLineBytesMax; of a longer one nothing is read.
class JournalExportReader : public event::EventSource {
 public:
  Result<> Feed(std::span<const std::byte> bytes, event::Findings& findings) override {
    std::string_view fresh = AsText(bytes);
    const std::size_t skipped = std::min<std::uint64_t>(skip_, fresh.size());
    skip_ -= skipped;
    fresh.remove_prefix(skipped);
    held_ += fresh;
    std::size_t place = 0;
    while (const std::size_t used = TakeField(std::string_view(held_).substr(place), findings)) {
      place += std::min(used, held_.size() - place);
    }
    held_.erase(0, place);
    if (held_.size() > kLogLineBytesMax + kLengthBytes + kNameBytesMax) {
      held_.clear();
      overlong_ = true;
    }
    return {};
  }

  Result<> Finish(event::Findings& findings) override {
    if (!held_.empty() || skip_ != 0 || overlong_) entry_.any = entry_.bad = true;
    EndEntry(findings);
    return {};
  }

  event::SourceCounts counts() const override { return counts_; }

 private:
  static constexpr std::size_t kLengthBytes = 8;
  static constexpr std::size_t kNameBytesMax = 256;

  /// How many bytes the field at the beginning of `text` has; 0: it is not complete.
  std::size_t TakeField(std::string_view text, event::Findings& findings) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return 0;
    const std::string_view line = text.substr(0, end);
    if (overlong_ || line.size() > kLogLineBytesMax) {
      overlong_ = false;
      entry_.any = entry_.bad = true;
      return end + 1;
    }
    if (line.empty()) {
      EndEntry(findings);
      return end + 1;
    }
    entry_.any = true;
    const std::size_t sign = line.find('=');
    if (sign != std::string_view::npos) {
      SetField(line.substr(0, sign), line.substr(sign + 1));
      return end + 1;
    }
    const std::string_view behind = text.substr(end + 1);
    if (behind.size() < kLengthBytes) return 0;
    std::uint64_t size = 0;
    for (std::size_t i = kLengthBytes; i-- > 0;) {
      size = size << 8 | static_cast<std::uint8_t>(behind[i]);
    }
    const std::size_t header = end + 1 + kLengthBytes;
    if (size > kLogLineBytesMax) {
      entry_.bad = true;
      // What cannot be a length is none: the next line may be a field again.
      constexpr std::uint64_t kFieldBytesMax = std::uint64_t{1} << 32;
      if (size > kFieldBytesMax) return end + 1;
      const std::uint64_t all = size + 1;
      const std::size_t there = std::min<std::uint64_t>(all, text.size() - header);
      skip_ = all - there;
      return header + there;
    }
    if (behind.size() < kLengthBytes + size + 1) return 0;
    SetField(line, behind.substr(kLengthBytes, size));
    return header + size + 1;
  }

  void SetField(std::string_view name, std::string_view value) {
    if (name == "__REALTIME_TIMESTAMP") entry_.realtime_us = value;
    if (name == "_HOSTNAME") entry_.host = value;
    if (name == "SYSLOG_IDENTIFIER") entry_.identifier = value;
    if (name == "_COMM") entry_.command = value;
    if (name == "MESSAGE") {
      entry_.message = value;
      entry_.has_message = true;
    }
  }

  void EndEntry(event::Findings& findings) {
    if (!entry_.any) return;
    ++counts_.record_count;
    switch (TakeEntry(entry_, log_, findings)) {
      case Taken::kRead:
        break;
      case Taken::kNotDecoded:
        ++counts_.not_decoded_count;
        break;
      case Taken::kMalformed:
        if (counts_.malformed_count++ == 0) counts_.first_malformed_record = counts_.record_count;
        break;
    }
    entry_ = {};
  }

  std::string held_;        // the beginning of a field that is not complete yet
  std::uint64_t skip_ = 0;  // bytes of a field that is too long
  bool overlong_ = false;   // and the line that it began
  Entry entry_;
  SystemLog log_;
  event::SourceCounts counts_;
};

/// Which of the two forms a file has shows its first byte.
class JournalReader : public event::EventSource {
 public:
  Result<> Feed(std::span<const std::byte> bytes, event::Findings& findings) override {
    if (bytes.empty()) return {};
    if (source_ == nullptr) {
      const char first = AsText(bytes).front();
      if (first == '{' || first == '\x1e' || first == 'd') {
        source_ = std::make_unique<JournalJsonReader>();
      } else {
        source_ = std::make_unique<JournalExportReader>();
      }
    }
    return source_->Feed(bytes, findings);
  }
  Result<> Finish(event::Findings& findings) override {
    return source_ == nullptr ? Result<>{} : source_->Finish(findings);
  }
  event::SourceCounts counts() const override {
    return source_ == nullptr ? event::SourceCounts{} : source_->counts();
  }

 private:
  std::unique_ptr<event::EventSource> source_;
};

}  // namespace

std::unique_ptr<event::EventSource> MakeJournalReader(const ImportOptions& options) {
  static_cast<void>(options);  // every entry has its time and host
  return std::make_unique<JournalReader>();
}

bool LooksLikeJournal(std::string_view first_bytes) {
  if (first_bytes.starts_with("__CURSOR=")) return true;
  if (first_bytes.starts_with('\x1e')) first_bytes.remove_prefix(1);
  const std::string_view line = first_bytes.substr(0, first_bytes.find('\n'));
  return (line.starts_with('{') || line.starts_with("data: {")) &&
         line.find("\"__REALTIME_TIMESTAMP\"") != std::string_view::npos;
}

}  // namespace spoor::importers
