// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"
#include "contents/act.hpp"
#include "contents/image.hpp"
#include "store/store.hpp"

namespace spoor::contents {

struct HistoryOptions {
  std::optional<std::int64_t> until_wall_ns = {};  ///< calls that ended later are left out
  std::size_t acts_max = 20'000'000;               ///< some 100 bytes of memory each
  std::int64_t captured_bytes_max = INT64_MAX;
};

/// The calls on an object, in the order of their ends, without the bytes. Reads the rows of the
/// object, and of table io those of who wrote to it. Fails: kUnavailable (more than the options
/// allow), and as the store does.
Result<std::vector<Act>> LoadActs(store::Store& store, std::int64_t object_id,
                                  const HistoryOptions& options = {});

/// The captured bytes of the acts on one object, one behind the other, in a file without a name: in
/// memory where they are few, else in ScratchFolder::FolderOnDisk().
class Journal {
 public:
  /// Those that `image` still shows; of all acts without it. Fails: kIo (full disk), and as the
  /// store does.
  static Result<Journal> Fetch(store::Store& store, std::int64_t object_id,
                               std::span<const Act> acts, const Image* image = nullptr);
  /// Reads `bytes` whole. Fails: kIo, kCorrupt (the store changed: it is not there).
  Result<> Read(std::int64_t journal_at, std::span<std::byte> bytes) const;

 private:
  explicit Journal(FileDescriptor file) : file_(std::move(file)) {}
  FileDescriptor file_;
};

}  // namespace spoor::contents
