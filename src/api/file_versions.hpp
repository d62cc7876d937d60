// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// What a file held when, out of what was read from it and written to it.
namespace spoor::api {

/// One call on a file that says something about its bytes.
struct FileAct {
  enum class Kind : std::uint8_t { kRead, kWrite, kTruncate };
  Kind kind = Kind::kRead;
  std::int64_t process_id = 0;
  std::int64_t wall_ns = 0;
  std::optional<std::int64_t> offset_bytes = {};  ///< nothing: not known where
  std::int64_t size_bytes = 0;                    ///< moved; kTruncate: how long the file is then
  std::string data = {};                          ///< captured: the first of them
};

/// What the file held after one process had written to it and before another wrote, or it was
/// truncated. Version 0, where there is one, was there before anything was written.
struct FileVersion {
  std::int64_t version = 0;
  std::optional<std::int64_t> from_wall_ns = {}, until_wall_ns = {};
  std::optional<std::int64_t> process_id = {};
  std::int64_t size_bytes = 0;  ///< up to the last byte that is known of
  /// All of the file is known to be in `size_bytes`: it was emptied in the record.
  bool has_known_end = false;
  std::map<std::int64_t, std::string> pieces = {};  ///< by offset, none beside or over another
  std::int64_t known_bytes() const;
};

/// More than this is not kept in memory for one version; what is beyond it is not known.
inline constexpr std::size_t kVersionBytesMax = std::size_t{64} << 20;

/// The versions that `acts`, in the order of time, tell of, as far as number `last` (all: none
/// given). Only of the last the pieces are kept.
std::vector<FileVersion> VersionsOf(const std::vector<FileAct>& acts,
                                    std::optional<std::int64_t> last = {});

}  // namespace spoor::api
