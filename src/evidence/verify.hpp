// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "base/result.hpp"
#include "evidence/checkpoint.hpp"
#include "evidence/log.hpp"

namespace spoor::evidence {

struct VerifyReport {
  struct Checkpoint checkpoint;   ///< all of its `size` entries are proved
  std::uint64_t entry_bytes = 0;  ///< of the entries, without their length prefixes
  /// Behind the checkpoint: what a live writer has not committed yet, or a killed one left. Not
  /// authenticated; the next writer sets it aside.
  std::uint64_t tail_bytes = 0;
  std::optional<wire::Retention> retention;  ///< what of the entries was removed by policy
  bool closed = true;  ///< no growing files: the last writer closed the log in order
};

struct VerifyOptions {
  std::filesystem::path folder;  ///< STORE/evidence
  std::string public_key;        ///< C2SP verifier key text
  /// Called now and then with the entries proved so far and their total. May be empty.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
  /// Called before all entries with what is carried over from the removed beginning of the log (its
  /// entry count is the second argument), if that is removed. May be empty.
  std::function<Result<>(const wire::Carried&, std::uint64_t removed_until)> carried{};
  /// Called for every entry right after it was checked; its error ends the verification. May be
  /// empty.
  LogReader::Visit visit;
};

/// The whole proof: the checkpoint's signature; every hash tile from the signed root down; every
/// entry against its leaf hash; and that the folder holds no file, and no file a byte, which is
/// neither covered nor a writer's unfinished tail. Works beside a live writer (proves what was
/// committed at the start). Streams: memory does not grow with the log.
/// Fails: kNotFound (no such folder), kUnverified (names the first bad entry, tile or file and says
/// what is wrong with it), kInvalidArgument (no verifier key), kIo, what `visit` returned.
Result<VerifyReport> VerifyLog(const VerifyOptions& options);

}  // namespace spoor::evidence
