// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "proof/manifest.hpp"
#include "store/bounded_json.hpp"

namespace spoor::proof {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kFormat = "spoor bundle";
constexpr int kVersion = 1;
constexpr Scope kScopes[] = {Scope::kLog, Scope::kRecordings, Scope::kTouched};

Json AnswerJson(const AnswerManifest& answer) {
  Json arguments = Json::array();
  for (const queries::NamedText& argument : answer.arguments) {
    arguments.push_back({{"name", argument.name}, {"text", argument.text}});
  }
  Json segments = Json::array();
  for (const SegmentDigest& segment : answer.segments) {
    segments.push_back({{"table", segment.table},
                        {"file", segment.file},
                        {"sha256", segment.sha256},
                        {"row_count", segment.row_count}});
  }
  Json gaps = nullptr;
  if (answer.gaps) {
    gaps = {{"from_wall_ns", answer.gaps->from_wall_ns},
            {"until_wall_ns", answer.gaps->until_wall_ns},
            {"payload", answer.gaps->payload}};
  }
  return {{"query", answer.query},
          {"arguments", arguments},
          {"scope", ScopeName(answer.scope)},
          {"open_recordings", answer.open_recordings},
          {"gaps", gaps},
          {"segments", segments}};
}

AnswerManifest AnswerOf(const Json& json) {
  AnswerManifest answer;
  json.at("query").get_to(answer.query);
  for (const Json& argument : json.at("arguments")) {
    answer.arguments.push_back({argument.at("name"), argument.at("text")});
  }
  for (const Scope scope : kScopes) {
    if (json.at("scope") == ScopeName(scope)) answer.scope = scope;
  }
  json.at("open_recordings").get_to(answer.open_recordings);
  if (const Json& gaps = json.at("gaps"); !gaps.is_null()) {
    answer.gaps = queries::GapWindow{.from_wall_ns = gaps.at("from_wall_ns"),
                                     .until_wall_ns = gaps.at("until_wall_ns"),
                                     .payload = gaps.at("payload")};
  }
  for (const Json& segment : json.at("segments")) {
    answer.segments.push_back({.table = segment.at("table"),
                               .file = segment.at("file"),
                               .sha256 = segment.at("sha256"),
                               .row_count = segment.at("row_count")});
  }
  return answer;
}

}  // namespace

std::string_view ScopeName(Scope scope) {
  switch (scope) {
    case Scope::kLog:
      return "log";
    case Scope::kRecordings:
      return "recordings";
    case Scope::kTouched:
      return "touched";
  }
  return "unknown";
}

std::string ManifestJson(const Manifest& manifest) {
  Json json{{"format", kFormat},
            {"version", kVersion},
            {"made_by", manifest.made_by},
            {"made_wall_ns", manifest.made_wall_ns}};
  json["answer"] = manifest.answer ? AnswerJson(*manifest.answer) : Json();
  // An argument can be any bytes.
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Manifest> ParseManifest(std::string_view text) {
  Manifest manifest;
  try {
    const Json json = store::ParseBoundedJson<Json>(text);
    if (json.at("format") != kFormat) {
      return Fail(ErrorCode::kUnverified, "manifest.json: not that of a bundle");
    }
    if (json.at("version") != kVersion) {
      return Fail(ErrorCode::kUnsupported, "manifest.json: format version {}, this build reads {}",
                  json.at("version").dump(), kVersion);
    }
    json.at("made_by").get_to(manifest.made_by);
    json.at("made_wall_ns").get_to(manifest.made_wall_ns);
    if (const Json& answer = json.at("answer"); !answer.is_null()) {
      manifest.answer = AnswerOf(answer);
    }
  } catch (const nlohmann::json::exception& error) {
    return Fail(ErrorCode::kUnverified, "manifest.json: {}", error.what());
  }
  if (ManifestJson(manifest) != text) {
    return Fail(ErrorCode::kUnverified, "manifest.json: not as a bundle's is written");
  }
  return manifest;
}

}  // namespace spoor::proof
