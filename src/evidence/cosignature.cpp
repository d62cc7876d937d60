// SPDX-License-Identifier: Apache-2.0
#include "evidence/cosignature.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "base/check.hpp"
#include "base/time.hpp"
#include "evidence/tree.hpp"

namespace spoor::evidence {
namespace {

constexpr std::size_t kKeyIdBytes = 4;
constexpr std::size_t kTimeBytes = 8;
constexpr std::int64_t kNsPerSecond = 1'000'000'000;

std::string CosignedMessage(std::string_view text, std::int64_t wall_s) {
  return fmt::format("cosignature/v1\ntime {}\n{}", wall_s, text);
}

}  // namespace

std::string Cosign(std::string_view text, const VerifierKey& witness, const SigningKey& key,
                   std::int64_t wall_s) {
  SPOOR_CHECK(wall_s >= 0 && witness.use == KeyUse::kCosignature) << witness.name << " " << wall_s;
  std::string signature;
  for (unsigned shift = 8 * kTimeBytes; shift != 0; shift -= 8) {
    signature += static_cast<char>(static_cast<std::uint64_t>(wall_s) >> (shift - 8) & 0xFF);
  }
  signature.append(TextOf(key.Sign(CosignedMessage(text, wall_s))));
  return FormatSignatureLine(witness, signature);
}

Result<std::optional<std::int64_t>> CosignedAt(const ParsedNote& note, const VerifierKey& witness) {
  std::optional<std::int64_t> newest;
  for (const SignatureLine& line : note.signatures) {
    if (!line.IsBy(witness)) continue;
    std::uint64_t wall_s = 0;
    if (line.bytes.size() < kKeyIdBytes + kTimeBytes) {
      return Fail(ErrorCode::kUnverified, "the cosignature of {} is too short", witness.name);
    }
    for (std::size_t i = 0; i < kTimeBytes; ++i) {
      wall_s = wall_s << 8 | static_cast<unsigned char>(line.bytes[kKeyIdBytes + i]);
    }
    // What 64 bits of ns can't hold (after 2262) is no time at which anybody signed.
    if (wall_s > static_cast<std::uint64_t>(INT64_MAX / kNsPerSecond) ||
        !witness.Verifies(CosignedMessage(note.text, static_cast<std::int64_t>(wall_s)),
                          std::string_view(line.bytes).substr(kKeyIdBytes + kTimeBytes))) {
      return Fail(ErrorCode::kUnverified, "the cosignature of {} does not fit the checkpoint",
                  witness.name);
    }
    newest = std::max(newest.value_or(0), static_cast<std::int64_t>(wall_s) * kNsPerSecond);
  }
  return newest;
}

Result<std::string> AddSignatureLines(std::string_view note, std::string_view lines) {
  ASSIGN_OR_RETURN(const ParsedNote parsed, ParseNote(note));
  std::string merged(note);
  std::string_view rest = lines;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    if (end == rest.npos) {
      return Fail(ErrorCode::kUnverified, "not signature lines: no newline at the end");
    }
    const std::string_view line = rest.substr(0, end + 1);
    rest.remove_prefix(end + 1);
    const std::string_view have = std::string_view(merged).substr(parsed.text.size());
    if (have.find(fmt::format("\n{}", line)) == have.npos) merged.append(line);
  }
  // An empty line in between would make what is above it the text.
  ASSIGN_OR_RETURN(const ParsedNote checked, ParseNote(merged));
  if (checked.text != parsed.text) {
    return Fail(ErrorCode::kUnverified, "not signature lines: an empty one");
  }
  return merged;
}

Result<> CheckExtends(LogReader& reader, const Checkpoint& seen, std::string_view who) {
  const Checkpoint& own = reader.checkpoint();
  if (seen.size > own.size) {
    return Fail(ErrorCode::kUnverified,
                "rolled back: the log has {} entries, signed {}, but {} saw {} entries, signed {}: "
                "it was put back to an older state",
                own.size, FormatWallTime(own.signed_wall_ns), who, seen.size,
                FormatWallTime(seen.signed_wall_ns));
  }
  ASSIGN_OR_RETURN(const Hash root,
                   PrefixRoot(seen.size, [&reader](unsigned level, std::uint64_t index) {
                     return reader.Node(level, index);
                   }));
  if (root == seen.root) return {};
  return Fail(ErrorCode::kUnverified,
              "split view: the first {} entries have the root {} here, but {} saw {}, signed {} "
              "with the same key: two histories of one log were shown",
              seen.size, EncodeHex(root), who, EncodeHex(seen.root),
              FormatWallTime(seen.signed_wall_ns));
}

}  // namespace spoor::evidence
