// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/question.hpp"
#include "contents/history.hpp"
#include "contents/image.hpp"
#include "contents/named_file.hpp"
#include "contents/versions.hpp"
#include "store/store.hpp"

/// Files as they were at some time, out of what was recorded of the calls on them.
namespace spoor::analysis {

/// A file at one time.
struct RecoveredFile {
  contents::NamedFile file;
  contents::Version version;
  contents::Image image;
  std::int64_t at_wall_ns = 0;  ///< end of the last call that is in it
  std::string process;          ///< who wrote the version: "name[pid]"; empty: nobody
  std::string sha256;           ///< empty: not whole, or longer than is hashed
  std::string type;             ///< as contents::FileTypeOf
  std::vector<Gap> gaps;        ///< calls on it may be missing that would have changed it
  bool IsWhole() const { return image.IsWhole() && gaps.empty(); }
};

/// Which file had the name `what` (or has that object_id) at `at_wall_ns`; without it, which had it
/// last. `others`: files that had it at that time, too (in another mount namespace, or on another
/// host). Fails: kNotFound (none: says what is known), kInvalidArgument (files of several hosts:
/// which).
struct FoundFile {
  contents::NamedFile file;
  std::vector<contents::NamedFile> others;
};
Result<FoundFile> FindFileAt(store::Store& store, std::string_view what, std::string_view host,
                             std::optional<std::int64_t> at_wall_ns);

/// The file after all calls on it that ended until `at_wall_ns` (all: none given), with its bytes.
/// Fails: kNotFound (no call says anything about its
/// bytes), and as contents::LoadActs and Journal::Fetch do.
struct FileBytes {
  RecoveredFile recovered;
  contents::Journal journal;
};
Result<FileBytes> Recover(store::Store& store, const contents::NamedFile& file,
                          std::optional<std::int64_t> at_wall_ns);

/// Hands on all versions of a file, the oldest first; each is gone afterwards. At most
/// `hashed_bytes_max` are hashed in all; the versions beyond have no SHA-256. Fails as Recover.
Result<> ForEachVersion(store::Store& store, const contents::NamedFile& file,
                        std::int64_t hashed_bytes_max,
                        const std::function<void(const RecoveredFile&)>& take);

/// The files that a session wrote to, each with when it last touched it. Fails: kNotFound (no such
/// session), kInvalidArgument.
struct WrittenFile {
  contents::NamedFile file;
  std::int64_t last_wall_ns = 0;
};
Result<std::vector<WrittenFile>> FilesWrittenBy(store::Store& store, std::string_view session);

/// The gaps of [from, until] on `host` in which calls may be missing.
Result<std::vector<Gap>> GapsOf(store::Store& store, std::string_view host,
                                std::int64_t from_wall_ns, std::int64_t until_wall_ns);

/// What is to be said beside holes and gaps, one sentence each.
std::vector<std::string> NotesOn(const RecoveredFile& recovered);

/// One object: all of the above but the bytes.
nlohmann::ordered_json ToJson(const RecoveredFile& recovered);

}  // namespace spoor::analysis
