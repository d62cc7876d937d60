// SPDX-License-Identifier: Apache-2.0
#include "importers/text/line_source.hpp"

#include "base/file.hpp"

namespace spoor::importers {

Result<> LineSource::Feed(std::span<const std::byte> bytes, event::Findings& findings) {
  std::string_view rest = AsText(bytes);
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view part = rest.substr(0, end);
    if (held_.size() + part.size() > kLogLineBytesMax) {
      overlong_ = true;
      held_.clear();
    }
    if (end == std::string_view::npos) {
      if (!overlong_) held_ += part;
      return {};
    }
    if (overlong_) {
      ++counts_.record_count;
      CountMalformed();
      overlong_ = false;
    } else if (held_.empty()) {
      RETURN_IF_ERROR(Take(part, findings));
    } else {
      held_ += part;
      RETURN_IF_ERROR(Take(held_, findings));
      held_.clear();
    }
    rest.remove_prefix(end + 1);
  }
  return {};
}

Result<> LineSource::Finish(event::Findings& findings) {
  if (overlong_) {
    ++counts_.record_count;
    CountMalformed();
  } else if (!held_.empty()) {
    RETURN_IF_ERROR(Take(held_, findings));
  }
  End(findings);
  return {};
}

void LineSource::CountMalformed() {
  if (counts_.malformed_count++ == 0) counts_.first_malformed_record = counts_.record_count;
}

Result<> LineSource::Take(std::string_view line, event::Findings& findings) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (counts_.record_count == 0 && line.starts_with(kByteOrderMark)) {
    line.remove_prefix(kByteOrderMark.size());
  }
  while (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  if (line.find_first_not_of(' ') == line.npos) line = {};
  ++counts_.record_count;
  if (line.empty()) return {};
  switch (TakeLine(line, findings)) {
    case Line::kRead:
      break;
    case Line::kMalformed:
      CountMalformed();
      break;
    case Line::kNotDecoded:
      ++counts_.not_decoded_count;
      break;
    case Line::kNoYear:
      return Fail(ErrorCode::kInvalidArgument,
                  "line {}: its time has no year: say --year, that of the first line",
                  counts_.record_count);
    case Line::kNoDate:
      return Fail(ErrorCode::kInvalidArgument,
                  "line {}: its time has no date: say --date, that of the first line",
                  counts_.record_count);
  }
  return {};
}

}  // namespace spoor::importers
