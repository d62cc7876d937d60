// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "event/event_text.hpp"
#include "ingest/catch_up.hpp"

namespace spoor::ingest {

std::string ImportDescriptionJson(const ImportDescription& description) {
  // A file name and what a host is called can be any bytes.
  nlohmann::ordered_json json{{"import", description.kind},
                              {"file", event::MakeUtf8(description.file)},
                              {"host", event::MakeUtf8(description.host)},
                              {"sha256", description.sha256},
                              {"size_bytes", description.size_bytes}};
  if (description.year) json["year"] = *description.year;
  if (!description.date.empty()) json["date"] = description.date;
  if (description.utc_offset_ns != 0) json["utc_offset_ns"] = description.utc_offset_ns;
  if (description.clock_offset_ns) json["clock_offset_ns"] = *description.clock_offset_ns;
  if (description.followed) {
    const FollowedPart& part = *description.followed;
    json["followed"] = {{"device", part.device},
                        {"inode", part.inode},
                        {"offset_bytes", part.offset_bytes},
                        {"head_bytes", part.head_bytes},
                        {"begin_bytes", part.begin_bytes},
                        {"begin_sha256", part.begin_sha256}};
  }
  if (description.captured) {
    const CapturedInterface& captured = *description.captured;
    json["captured"] = {{"interface", event::MakeUtf8(captured.name)},
                        {"filter", event::MakeUtf8(captured.filter)},
                        {"snapshot_bytes", captured.snapshot_bytes},
                        {"beside", captured.beside}};
  }
  if (description.flow_timeouts) {
    const FlowTimeouts& timeouts = *description.flow_timeouts;
    json["flow_timeouts"] = {{"established_idle_ns", timeouts.established_idle_ns},
                             {"other_idle_ns", timeouts.other_idle_ns},
                             {"active_ns", timeouts.active_ns}};
  }
  if (!description.fingerprint_database.empty()) {
    json["fingerprint_database"] = event::MakeUtf8(description.fingerprint_database);
  }
  return json.dump();
}

Result<ImportDescription> ParseImportDescription(std::string_view text) {
  ImportDescription description;
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    json.at("import").get_to(description.kind);
    json.at("file").get_to(description.file);
    json.at("host").get_to(description.host);
    json.at("sha256").get_to(description.sha256);
    json.at("size_bytes").get_to(description.size_bytes);
    if (json.contains("year")) description.year = json.at("year").get<int>();
    if (json.contains("date")) json.at("date").get_to(description.date);
    if (json.contains("utc_offset_ns")) {
      json.at("utc_offset_ns").get_to(description.utc_offset_ns);
    }
    if (json.contains("clock_offset_ns")) {
      description.clock_offset_ns = json.at("clock_offset_ns").get<std::int64_t>();
    }
    if (json.contains("followed")) {
      const nlohmann::json& followed = json.at("followed");
      FollowedPart& part = description.followed.emplace();
      followed.at("device").get_to(part.device);
      followed.at("inode").get_to(part.inode);
      followed.at("offset_bytes").get_to(part.offset_bytes);
      followed.at("head_bytes").get_to(part.head_bytes);
      followed.at("begin_bytes").get_to(part.begin_bytes);
      followed.at("begin_sha256").get_to(part.begin_sha256);
    }
    if (json.contains("captured")) {
      const nlohmann::json& captured = json.at("captured");
      CapturedInterface& interface = description.captured.emplace();
      captured.at("interface").get_to(interface.name);
      captured.at("filter").get_to(interface.filter);
      captured.at("snapshot_bytes").get_to(interface.snapshot_bytes);
      captured.at("beside").get_to(interface.beside);
    }
    if (json.contains("fingerprint_database")) {
      json.at("fingerprint_database").get_to(description.fingerprint_database);
    }
    if (json.contains("flow_timeouts")) {
      const nlohmann::json& told = json.at("flow_timeouts");
      FlowTimeouts& timeouts = description.flow_timeouts.emplace();
      told.at("established_idle_ns").get_to(timeouts.established_idle_ns);
      told.at("other_idle_ns").get_to(timeouts.other_idle_ns);
      told.at("active_ns").get_to(timeouts.active_ns);
    }
  } catch (const nlohmann::json::exception& error) {
    return Fail(ErrorCode::kCorrupt, "not the description of an import: {}", error.what());
  }
  return description;
}

}  // namespace spoor::ingest
