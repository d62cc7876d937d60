// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "evidence/hash.hpp"
#include "evidence/note.hpp"

namespace spoor::evidence {

inline constexpr std::uint64_t kCheckpointBytesMax = 1 << 16;  ///< of the note

/// What the log commits to (C2SP tlog-checkpoint): its first `size` entries have this root.
struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  Hash root{};
  std::int64_t signed_wall_ns = 0;  ///< what the writer's clock said: a claim, as all wall time
  unsigned other_signatures = 0;    ///< lines by other keys (witnesses), not checked here
  std::string note{};               ///< as it was read, with every signature line; else empty
};

/// The three lines that every C2SP checkpoint has, of any log.
struct TreeHead {
  std::string origin;
  std::uint64_t size = 0;
  Hash root{};
};
/// `text`: of a note, not checked here; lines behind the third are passed over. Fails: kUnverified.
Result<TreeHead> ParseTreeHead(std::string_view text);

std::string FormatCheckpoint(const Checkpoint& checkpoint);

/// Checks the signature and the form. Fails: kUnverified, saying what is wrong.
Result<Checkpoint> OpenCheckpoint(std::string_view note, const VerifierKey& key);

/// The checkpoint of the log in `folder`. Fails: kNotFound (no such file), kUnverified (naming the
/// file), kIo.
Result<Checkpoint> ReadCheckpoint(const std::filesystem::path& folder, const VerifierKey& key);

}  // namespace spoor::evidence
