// SPDX-License-Identifier: Apache-2.0
#include "importers/events_reader.hpp"

#include <simdjson.h>

#include "base/file.hpp"
#include "importers/event_fields.hpp"

namespace spoor::importers {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

class EventsReader : public event::EventSource {
 public:
  explicit EventsReader(std::string default_host) : defaults_(std::move(default_host)) {}

  Result<> Feed(std::span<const std::byte> bytes, event::Findings& findings) override {
    std::string_view rest = AsText(bytes);
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      if (held_.size() + std::min(end, rest.size()) > kEventLineBytesMax) {
        return Fail(ErrorCode::kCorrupt, "line {}: longer than {} bytes", line_number_ + 1,
                    kEventLineBytesMax);
      }
      if (end == std::string_view::npos) {
        held_ += rest;
        return {};
      }
      if (held_.empty()) {
        RETURN_IF_ERROR(ReadLine(rest.substr(0, end), false, findings.events));
      } else {
        held_ += rest.substr(0, end);
        RETURN_IF_ERROR(ReadLine(held_, false, findings.events));
        held_.clear();
      }
      rest.remove_prefix(end + 1);
    }
    return {};
  }

  Result<> Finish(event::Findings& findings) override {
    if (held_.empty()) return {};
    return ReadLine(held_, true, findings.events);
  }

 private:
  Result<> ReadLine(std::string_view line, bool at_end, std::vector<event::Event>& events) {
    ++line_number_;
    if (line.find_first_not_of(kSpace) == std::string_view::npos) return {};
    simdjson::dom::element element;
    const auto error = parser_.parse(line.data(), line.size(), true).get(element);
    if (error != simdjson::SUCCESS) {
      return Fail(ErrorCode::kCorrupt, "line {}: not JSON ({}){}", line_number_,
                  simdjson::error_message(error),
                  at_end ? "; the file ends without a line end: it was cut off" : "");
    }
    simdjson::dom::object object;
    if (element.get(object) != simdjson::SUCCESS) {
      return Fail(ErrorCode::kCorrupt, "line {}: not a JSON object", line_number_);
    }
    auto filled = defaults_.Fill(object, events.emplace_back());
    if (!filled) {
      events.pop_back();
      return Fail(ErrorCode::kCorrupt, "line {}: {}", line_number_, filled.error().message);
    }
    return {};
  }

  EventDefaults defaults_;
  simdjson::dom::parser parser_;
  std::string held_;  // the beginning of a line that is not complete yet
  std::uint64_t line_number_ = 0;
};

}  // namespace

std::unique_ptr<event::EventSource> MakeEventsReader(std::string default_host) {
  return std::make_unique<EventsReader>(std::move(default_host));
}

bool LooksLikeEvents(std::string_view first_bytes) {
  const std::size_t begin = first_bytes.find_first_not_of(kSpace);
  if (begin == std::string_view::npos || first_bytes[begin] != '{') return false;
  const std::string_view line = first_bytes.substr(begin, first_bytes.find('\n', begin) - begin);
  return line.find("\"kind\"") != std::string_view::npos;
}

}  // namespace spoor::importers
