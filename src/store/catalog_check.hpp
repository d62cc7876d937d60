// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/catalog.hpp"

/// What a catalog may say, whoever wrote it: nothing of it reaches SQL or the file system before it
/// passed here. Bounds are for stores that somebody made to be a burden, far above real ones.
namespace spoor::store {

inline constexpr std::uint64_t kCatalogBytesMax = 64 << 20;
inline constexpr std::size_t kSegmentsMax = 200'000;  ///< live ones, and as many retired
inline constexpr std::size_t kRecordingsMax = 500'000;
inline constexpr std::uint64_t kSegmentBytesMax = std::uint64_t{16} << 30;
inline constexpr std::size_t kHostBytesMax = 4096;

/// Name of a segment's file below STORE/segments:
/// "TABLE/ID-gGENERATION-NUMBER.parquet" or, with a day, "TABLE/DAY/ID-g…", where ID is the
/// beginning of the recording's id. All that SegmentWriter makes, and nothing else.
struct SegmentName {
  std::string_view table;
  std::string_view day;  ///< empty: it has none
  std::string_view recording_id_begin;
  std::uint64_t generation = 0;
  std::uint64_t number = 0;
};
std::string FormatSegmentName(const SegmentName& name);
/// The inverse. The parts live as long as `file`.
std::optional<SegmentName> ParseSegmentName(std::string_view file);

/// Whether it is one that StateFileName gives.
bool IsStateFileName(std::string_view name);

/// Name of an earlier catalog that readers may hold, below STORE/ingest: "catalog-INODE.json".
std::string KeptCatalogName(std::uint64_t inode);
/// Whether it is one that KeptCatalogName gives.
bool IsKeptCatalogName(std::string_view name);

/// Folders of this purpose (ScratchFolder) lie in STORE/segments while segments are written, for
/// the rows that do not fit memory.
inline constexpr std::string_view kSpillPurpose = "spill";

/// Why `catalog` is none that a store can have; nothing: it is one.
std::optional<std::string> WhatIsWrong(const Catalog& catalog);

}  // namespace spoor::store
