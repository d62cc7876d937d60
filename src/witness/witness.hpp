// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "evidence/checkpoint.hpp"
#include "evidence/named_key.hpp"
#include "http/message.hpp"

namespace spoor::witness {

/// Cosigns the checkpoints of the logs it knows, each extending the last one of that log, and
/// remembers before it answers (C2SP tlog-witness; docs/formats/witness.md). Never signs two
/// checkpoints of a log of which neither extends the other, as long as its folder is kept. All
/// methods may be called from any thread.
class Witness {
 public:
  struct Options {
    std::filesystem::path folder;             ///< made, with a key, when missing
    std::string name;                         ///< empty: the folder's, or made from the key
    std::vector<evidence::VerifierKey> logs;  ///< several keys of one name are one log's
    /// Told in one line when a log showed two histories. May be empty.
    std::function<void(const std::string&)> narrate;
  };
  /// Fails: kUnavailable (another witness has the folder open, or the key may be read by others),
  /// kUnverified (what it remembers of a log was changed), kInvalidArgument (the name), kIo.
  static Result<std::unique_ptr<Witness>> Open(Options options);

  const evidence::VerifierKey& verifier() const { return key_.verifier; }
  /// Answer to a POST to add-checkpoint.
  http::Answer AddCheckpoint(std::string_view body);
  /// Answer to a GET of `path`: the checkpoint of a log that was cosigned last.
  http::Answer Answer(std::string_view path) const;

 private:
  struct Log {
    std::vector<evidence::VerifierKey> keys;
    evidence::TreeHead head;  ///< cosigned last; size 0 and the empty root before
    std::string note;         ///< with the log's and our signatures; empty before
    std::int64_t cosigned_wall_s = 0;
    bool conflict_kept = false;
  };
  struct Submission;

  Witness(Options options, FileLock lock, evidence::NamedKey key);
  Result<> Load(const std::string& origin, Log& log) const;
  http::Answer Judge(Log& log, const Submission& submission);
  http::Answer Cosign(Log& log, const Submission& submission);
  void KeepConflict(Log& log, const Submission& submission);
  std::filesystem::path FileOf(const std::string& origin, std::string_view suffix) const;

  const Options options_;
  const FileLock lock_;
  const evidence::NamedKey key_;
  mutable std::mutex mutex_;
  std::map<std::string, Log> logs_;  // by origin; none is added after Open
  std::map<std::string, std::string, std::less<>> origin_by_path_;  // CosignedCheckpointPath
};

}  // namespace spoor::witness
