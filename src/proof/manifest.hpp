// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "queries/gaps.hpp"

/// What a bundle holds and says of itself. Bytes: docs/formats/proof-bundle.md.
namespace spoor::proof {

// Members, in their order; queries/NAME.sql stand behind question.sql.
inline constexpr std::string_view kReadmeName = "README.txt";
inline constexpr std::string_view kManifestName = "manifest.json";
inline constexpr std::string_view kKeyName = "log.vkey";
inline constexpr std::string_view kQuestionName = "question.sql";
inline constexpr std::string_view kQueryPrefix = "queries/";
inline constexpr std::string_view kRowsName = "rows.ndjson";
inline constexpr std::string_view kGapsName = "gaps.ndjson";
inline constexpr std::string_view kExcerptName = "evidence.excerpt";

/// Which entries of the log a bundle brings along.
enum class Scope : std::uint8_t {
  kLog,         ///< all that the answer was made from, and so all there were
  kRecordings,  ///< whole recordings; the answer follows from them alone
  kTouched,  ///< the entries in which the events that the rows name begin: too few to answer from
};

/// A segment that the answer was read from, as the store's catalog described it. For information:
/// segments are made from the entries, and a verifier makes them again.
struct SegmentDigest {
  std::string table;
  std::string file;
  std::string sha256;
  std::uint64_t row_count = 0;
  bool operator==(const SegmentDigest&) const = default;
};

/// The answer of a proof bundle.
struct AnswerManifest {
  std::string query;  ///< name in the library; empty: asked in SQL
  std::vector<queries::NamedText> arguments;
  Scope scope = Scope::kLog;
  std::vector<std::string> open_recordings;  ///< still going on when it was asked; hex ids
  std::optional<queries::GapWindow> gaps;    ///< nothing: the question asks for gaps itself
  std::vector<SegmentDigest> segments;
};

struct Manifest {
  std::string made_by;  ///< "spoor 0.1.0"
  std::int64_t made_wall_ns = 0;
  std::optional<AnswerManifest> answer;  ///< nothing: entries only (spoor export)
};

std::string ManifestJson(const Manifest& manifest);
/// Accepts exactly what ManifestJson writes. Fails: kUnverified.
Result<Manifest> ParseManifest(std::string_view json);

std::string_view ScopeName(Scope scope);

}  // namespace spoor::proof
