// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "evidence/hash.hpp"

namespace spoor::witness {

/// A body of a POST to add-checkpoint may have that much: 63 lines of proof and a checkpoint.
inline constexpr std::size_t kRequestBytesMax = 64 << 10;
inline constexpr std::size_t kProofHashesMax = 63;
/// What a refusal that names the witness's size has as its Content-Type.
inline constexpr std::string_view kSizeContentType = "text/x.tlog.size";

/// What a witness is asked (C2SP tlog-witness): to cosign `checkpoint`, which extends the tree of
/// `old_size` that it cosigned last.
struct AddCheckpointRequest {
  std::uint64_t old_size = 0;
  std::vector<evidence::Hash> proof;
  std::string checkpoint;  ///< a signed note, not looked into
};

/// Fails: kInvalidArgument, saying which line is wrong.
Result<AddCheckpointRequest> ParseAddCheckpoint(std::string_view body);
std::string FormatAddCheckpoint(const AddCheckpointRequest& request);

/// A decimal number in its one spelling, with its newline: the body of a refusal that names a size.
/// Fails: kInvalidArgument.
Result<std::uint64_t> ParseSizeLine(std::string_view body);

/// Where a witness serves the checkpoint of the log `origin` that it cosigned last:
/// "/HASH/checkpoint" with the SHA-256 of the name in lower-case hexadecimal.
std::string CosignedCheckpointPath(std::string_view origin);

}  // namespace spoor::witness
