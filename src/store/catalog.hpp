// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/store_layout.hpp"
#include "schema/version.hpp"

namespace spoor::store {

/// How long a segment stays.
enum class SegmentLife : std::uint8_t {
  kSealed,       ///< until its evidence is removed
  kOpen,         ///< until there are enough rows to be sealed together with its own
  kProvisional,  ///< until the next catch-up: what may still change
};
/// "sealed", "open", "provisional": the word in the catalog.
std::string_view SegmentLifeName(SegmentLife life);

/// One immutable Parquet file with rows of one table.
struct Segment {
  std::string table{};
  SegmentLife life = SegmentLife::kSealed;
  std::string file{};  ///< relative to STORE/segments
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;  ///< with size_bytes: the file was not written to since
  std::string sha256{};       ///< 64 hex digits
  std::uint64_t row_count = 0;
  std::string recording_id{};                     ///< 32 hex digits
  std::uint64_t first_entry = 0, last_entry = 0;  ///< of the evidence that the rows come from
  std::string day{};   ///< UTC "2026-11-21" of the rows' wall time; empty: several or none
  std::string host{};  ///< empty: several or none
};

/// The file of the state of an ingest that goes on (StateFileName).
struct IngestState {
  std::uint64_t generation = 0;  ///< of the catalog that named it first
  std::string sha256{};          ///< 64 hex digits
};

/// How far a recording has been ingested.
struct IngestedRecording {
  std::string recording_id;
  std::uint64_t first_entry = 0, last_entry = 0;
  /// It was still open: the next catch-up goes on from its state or, where it has none, makes its
  /// segments again from first_entry.
  bool provisional = false;
  std::uint64_t event_count = 0;
  std::optional<IngestState> state{};  ///< only where it is provisional
};
/// Name of the file below STORE/ingest: "RECORDING_ID-gGENERATION.state".
std::string StateFileName(std::string_view recording_id, std::uint64_t generation);

/// Which segments are live: STORE/catalog.json (docs/formats/store.md).
struct Catalog {
  int schema_version = schema::kSchemaVersion;  ///< of what the segments hold
  std::uint64_t generation = 0;                 ///< counts the catalogs of this store
  std::uint64_t next_entry = 0;  ///< first entry of the evidence that was not looked at yet
  std::vector<IngestedRecording> recordings;
  std::vector<Segment> segments;
  /// A collector's account is among the entries looked at: recordings may go on at any time.
  bool collected = false;
  /// Files that are no longer live. The next catch-up removes those that no reader holds
  /// (held_catalog.hpp), and names the others again.
  std::vector<std::string> retired;
};

/// The catalog in this text, held to what a store can have (catalog_check.hpp); it may be of an
/// earlier schema version. Fails: kCorrupt, kUnsupported (a newer version).
Result<Catalog> ParseCatalog(std::string_view text);
/// As ParseCatalog, of the store's own; what is wrong is said with the file's name and the way out.
Result<Catalog> ParseCatalogOf(const StoreLayout& layout, std::string_view text);
/// Fails: kNotFound (nothing was ingested yet), as ParseCatalog, and as ReadFileInside. Who goes on
/// to read what it names holds it (held_catalog.hpp).
Result<Catalog> LoadCatalog(const StoreLayout& layout);
/// Atomic and durable.
Result<> SaveCatalog(const StoreLayout& layout, const Catalog& catalog);

/// What to say where the segments of `catalog` are of an earlier schema version.
Error EarlierSchema(const StoreLayout& layout, const Catalog& catalog);

/// SHA-256 as 64 hex digits.
std::string Sha256Text(std::span<const std::byte> bytes);

/// Finds out size, mtime and SHA-256 of the file that `segment` names.
Result<> DescribeFile(const StoreLayout& layout, Segment& segment);
/// That the file is there and is the one the catalog means. An unchanged size and mtime are
/// believed unless `hash_all`. Fails: kCorrupt, naming the segment and the way out.
Result<> CheckSegment(const StoreLayout& layout, const Segment& segment, bool hash_all);

}  // namespace spoor::store
