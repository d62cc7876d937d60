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
  if (description.utc_offset_ns != 0) json["utc_offset_ns"] = description.utc_offset_ns;
  if (description.clock_offset_ns) json["clock_offset_ns"] = *description.clock_offset_ns;
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
    if (json.contains("utc_offset_ns")) {
      json.at("utc_offset_ns").get_to(description.utc_offset_ns);
    }
    if (json.contains("clock_offset_ns")) {
      description.clock_offset_ns = json.at("clock_offset_ns").get<std::int64_t>();
    }
  } catch (const nlohmann::json::exception& error) {
    return Fail(ErrorCode::kCorrupt, "not the description of an import: {}", error.what());
  }
  return description;
}

}  // namespace spoor::ingest
