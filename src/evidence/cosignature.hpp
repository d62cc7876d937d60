// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "evidence/checkpoint.hpp"
#include "evidence/log.hpp"
#include "evidence/note.hpp"

/// Cosignatures of witnesses (C2SP tlog-cosignature, Ed25519) and what they prove about a log.
namespace spoor::evidence {

/// A witness's signature line for a checkpoint's `text`, with its newline. It says: at `wall_s`
/// (seconds since the Unix epoch, the witness's clock) this was the largest tree of that log that
/// the witness had seen, and it extended all earlier ones.
std::string Cosign(std::string_view text, const VerifierKey& witness, const SigningKey& key,
                   std::int64_t wall_s);

/// When `witness` cosigned `note`, ns since the Unix epoch in whole seconds, the newest time if it
/// did so more than once; nothing if it did not. Fails: kUnverified (a line that claims to be the
/// witness's and is not).
Result<std::optional<std::int64_t>> CosignedAt(const ParsedNote& note, const VerifierKey& witness);

/// `note` with those of the signature lines `lines` that it lacks. Fails: kUnverified (either is
/// malformed).
Result<std::string> AddSignatureLines(std::string_view note, std::string_view lines);

/// Holds the log behind `reader` against a checkpoint that its key signed and someone kept. `who`
/// had it, for the message ("witness w1, at 2026-…"). Fails: kUnverified: the log is shorter ("put
/// back to an older state") or another one of that size ("split view"); what reading fails with.
Result<> CheckExtends(LogReader& reader, const Checkpoint& seen, std::string_view who);

}  // namespace spoor::evidence
