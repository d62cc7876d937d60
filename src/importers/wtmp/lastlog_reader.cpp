// SPDX-License-Identifier: Apache-2.0
#include "importers/wtmp/lastlog_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/file.hpp"

namespace spoor::importers {
namespace {

constexpr std::size_t kLineBytes = 32, kHostBytes = 256;
constexpr std::size_t kRecordBytes = 4 + kLineBytes + kHostBytes;

std::uint32_t SecondsOf(std::string_view record) {
  std::uint32_t seconds = 0;
  for (std::size_t i = 4; i-- > 0;) {
    seconds = seconds << 8 | static_cast<unsigned char>(record[i]);
  }
  return seconds;
}

std::string_view Word(std::string_view field) {
  return field.substr(0, field.find('\0'));
}

/// Text, and behind its end nothing but zeros.
bool IsText(std::string_view field) {
  const std::string_view word = Word(field);
  return std::all_of(word.begin(), word.end(), [](char c) { return c > ' ' && c <= '~'; }) &&
         std::all_of(field.begin() + static_cast<std::ptrdiff_t>(word.size()), field.end(),
                     [](char c) { return c == '\0'; });
}

bool IsPossible(std::string_view record) {
  const std::string_view line = record.substr(4, kLineBytes), host = record.substr(4 + kLineBytes);
  constexpr std::uint32_t kSecondsMin = 300'000'000, kSecondsMax = 4'000'000'000;
  const std::uint32_t seconds = SecondsOf(record);
  if (seconds == 0) return Word(line).empty() && Word(host).empty();
  return seconds >= kSecondsMin && seconds <= kSecondsMax && IsText(line) && IsText(host);
}

class LastlogReader : public event::EventSource {
 public:
  Result<> Feed(std::span<const std::byte> bytes, event::Findings& findings) override {
    std::string_view rest = AsText(bytes);
    while (!rest.empty()) {
      const std::size_t wanted = kRecordBytes - held_.size();
      held_ += rest.substr(0, wanted);
      rest.remove_prefix(std::min(wanted, rest.size()));
      if (held_.size() < kRecordBytes) return {};
      TakeRecord(findings);
      held_.clear();
    }
    return {};
  }

  Result<> Finish(event::Findings& /*findings*/) override {
    if (!held_.empty()) CountMalformed();
    return {};
  }

  event::SourceCounts counts() const override { return counts_; }

 private:
  void CountMalformed() {
    if (counts_.malformed_count++ == 0) counts_.first_malformed_record = counts_.record_count + 1;
  }

  void TakeRecord(event::Findings& findings) {
    const std::string_view record = held_;
    if (!IsPossible(record)) CountMalformed();
    const std::uint64_t uid = counts_.record_count++;
    const std::uint32_t seconds = SecondsOf(record);
    if (seconds == 0 || !IsPossible(record)) return;
    event::LogLine& line = findings.log_lines.emplace_back();
    line.source = "lastlog";
    line.wall_ns = std::int64_t{seconds} * 1'000'000'000;
    line.message =
        fmt::format("last_login uid={} terminal={} address={}", uid,
                    Word(record.substr(4, kLineBytes)), Word(record.substr(4 + kLineBytes)));
  }

  event::SourceCounts counts_;
  std::string held_;  // the beginning of a record
};

}  // namespace

std::unique_ptr<event::EventSource> MakeLastlogReader(const ImportOptions& options) {
  static_cast<void>(options);
  return std::make_unique<LastlogReader>();
}

bool LooksLikeLastlog(std::string_view first_bytes) {
  bool says_something = false;
  if (first_bytes.size() < kRecordBytes) return false;
  for (; first_bytes.size() >= kRecordBytes; first_bytes.remove_prefix(kRecordBytes)) {
    const std::string_view record = first_bytes.substr(0, kRecordBytes);
    if (!IsPossible(record)) return false;
    says_something |= SecondsOf(record) != 0;
  }
  return says_something;
}

}  // namespace spoor::importers
