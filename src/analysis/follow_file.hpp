// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "analysis/import_files.hpp"

/// A file that grows becomes evidence while it does.
namespace spoor::analysis {

struct FollowFileOptions {
  StoreLayout layout;
  std::string file;
  std::string kind;  ///< empty: detected
  std::string host;
  std::optional<int> year{};
  std::string date{};
  std::int64_t utc_offset_ns = 0;
  std::optional<ingest::FlowTimeouts> flow_timeouts{};  ///< of packets
  std::string fingerprint_database{};                   ///< likewise
  std::optional<std::int64_t> clock_offset_ns{};
  int stop_fd = -1;                                 ///< readable when it is to end
  std::function<void(const ImportedFile&)> done{};  ///< one recording is in the evidence
  Narration narration{};
};

/// Appends what comes to the end of a file to the evidence, whole lines alone (of a file with NULs
/// at its beginning: all bytes), at most a second late, until `stop_fd` is readable. Where the file
/// is renamed and another made in its place, or emptied, it goes on with the new one; a file that
/// is not there is waited for. Each file, and each 256 MiB of one, is a recording of its own.
///
/// What an earlier run took of the file, by its inode and first bytes, is not taken again, also
/// when it was killed; what it left of a file that was renamed meanwhile, in the same folder, is
/// taken first. Holds the evidence log all the time: nobody else can import meanwhile. Memory: one
/// line. Fails: kInvalidArgument (its kind cannot be told, or its times), kIo, kUnavailable
/// (another writer).
Result<> FollowFile(const FollowFileOptions& options);

}  // namespace spoor::analysis
