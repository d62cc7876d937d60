// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "evidence/cosignature.hpp"
#include "evidence/log.hpp"
#include "witness/client.hpp"

namespace spoor::witness {

/// A checkpoint with a witness's cosignature, both verified.
struct Cosigned {
  evidence::Checkpoint checkpoint;  ///< its note has the log's signature and this witness's lines
  std::int64_t cosigned_wall_ns = 0;
};

/// `note` as a checkpoint of `log` that `witness` cosigned. Fails: kUnverified (it is not signed by
/// the log, or not by the witness).
Result<Cosigned> OpenCosigned(std::string_view note, const evidence::VerifierKey& log,
                              const evidence::VerifierKey& witness);

/// A log that is to be cosigned, read anew for each question, as a writer may be going on.
struct LogLocation {
  std::filesystem::path folder;  ///< STORE/evidence
  evidence::VerifierKey key;
};

/// Has the witness behind `client`, whose key is `witness`, cosign `checkpoint` of `log`.
/// `known_size`: what the witness cosigned last, if one knows; wrong costs a request. Fails:
/// kUnavailable (no answer, none of the protocol, or another asker was faster); kUnverified: the
/// witness knows the log under another key, or saw a longer log or another history. Then the
/// witness's own checkpoint, signed by the log, is fetched where it is served, so that the error
/// names both.
Result<Cosigned> AskForCosignature(WitnessClient& client, const evidence::VerifierKey& witness,
                                   const LogLocation& log, const evidence::Checkpoint& checkpoint,
                                   std::uint64_t known_size);

/// The same for what the log holds now, and again while another asker is faster.
Result<Cosigned> AskForCosignature(const WitnessAddress& address, const LogLocation& log,
                                   std::uint64_t known_size);

/// Keeps `cosigned` in `folder` (STORE/witnessed), in place of what `witness` cosigned before.
Result<> KeepCosigned(const std::filesystem::path& folder, const evidence::VerifierKey& witness,
                      const Cosigned& cosigned);

/// All notes in `folder`, not checked; none when there is no folder. Fails: kIo.
Result<std::vector<std::string>> ReadCosigned(const std::filesystem::path& folder);

}  // namespace spoor::witness
