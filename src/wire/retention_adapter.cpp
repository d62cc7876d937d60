// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "wire/retention.hpp"

namespace spoor::wire {
namespace {

constexpr int kFormat = 1;

std::string HexOf(const Sha256& digest) {
  std::string text;
  for (const std::uint8_t byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

bool ParseHex(const std::string& text, Sha256& digest) {
  if (text.size() != 2 * digest.size()) return false;
  const auto nibble = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const int high = nibble(text[2 * i]);
    const int low = nibble(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    digest[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return true;
}

Removal RemovalOf(const nlohmann::json& json) {
  Removal removal;
  json.at("from_entry").get_to(removal.from_entry);
  json.at("until_entry").get_to(removal.until_entry);
  json.at("bundle_bytes").get_to(removal.bundle_bytes);
  json.at("wall_ns").get_to(removal.wall_ns);
  json.at("policy").get_to(removal.policy);
  json.at("by").get_to(removal.by);
  return removal;
}

/// That the removals follow each other from entry 0 to the cut.
bool AddsUp(const Retention& retention) {
  std::uint64_t until = 0;
  for (const Removal& removal : retention.removals) {
    if (removal.from_entry != until || removal.until_entry <= until) return false;
    until = removal.until_entry;
  }
  return until != 0 && until == retention.removed_until_entry && until % 256 == 0;
}

}  // namespace

std::string RetentionJson(const Retention& retention) {
  nlohmann::json removals = nlohmann::json::array();
  for (const Removal& removal : retention.removals) {
    removals.push_back({{"from_entry", removal.from_entry},
                        {"until_entry", removal.until_entry},
                        {"bundle_bytes", removal.bundle_bytes},
                        {"wall_ns", removal.wall_ns},
                        {"policy", removal.policy},
                        {"by", removal.by}});
  }
  const nlohmann::json json{{"format", kFormat},
                            {"removed_until_entry", retention.removed_until_entry},
                            {"root_sha256", HexOf(retention.root)},
                            {"carried_count", retention.carried_count},
                            {"first_kept_wall_ns", retention.first_kept_wall_ns},
                            {"removals", std::move(removals)}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<Retention> ParseRetention(std::string_view text) {
  Retention retention;
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    if (const int format = json.at("format").get<int>(); format != kFormat) {
      return Fail(ErrorCode::kUnsupported, "retention entry: format {}, this build reads {}",
                  format, kFormat);
    }
    json.at("removed_until_entry").get_to(retention.removed_until_entry);
    json.at("carried_count").get_to(retention.carried_count);
    retention.first_kept_wall_ns = json.value("first_kept_wall_ns", std::int64_t{0});
    for (const nlohmann::json& removal : json.at("removals")) {
      retention.removals.push_back(RemovalOf(removal));
    }
    if (!ParseHex(json.at("root_sha256").get<std::string>(), retention.root)) {
      return Fail(ErrorCode::kCorrupt, "retention entry: root_sha256 is no digest");
    }
  } catch (const nlohmann::json::exception& error) {
    return Fail(ErrorCode::kCorrupt, "retention entry: {}", error.what());
  }
  if (!AddsUp(retention)) {
    return Fail(ErrorCode::kCorrupt, "retention entry: its removals do not lead from 0 to {}",
                retention.removed_until_entry);
  }
  return retention;
}

}  // namespace spoor::wire
