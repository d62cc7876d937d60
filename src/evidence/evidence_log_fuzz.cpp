// SPDX-License-Identifier: Apache-2.0
// A hostile log folder: the input says which files there are, in which form and with which bytes.
// Input: 1 byte flags, 2 bytes tree size, then the files, each a byte that selects its name, 2
// bytes length and its bytes. Flag 1: the checkpoint is one of the files; without it the harness
// signs one that fits the incomplete tiles, so that what lies behind the signature is reached.
#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "evidence/checkpoint.hpp"
#include "evidence/fuzz_support.hpp"
#include "evidence/tile_tree.hpp"
#include "evidence/verify.hpp"

namespace spoor::evidence {
namespace {

namespace fs = std::filesystem;

constexpr std::uint8_t kCheckpointInInput = 1;

std::string NameOf(std::uint8_t selector) {
  if (selector == 255) return std::string(kCheckpointName);
  if (selector == 254) return "checkpoint.0123456789abcdef.tmp";
  const TileId id{.entries = (selector & 1) != 0,
                  .level = (selector & 1) != 0 ? 0U : (selector >> 1) & 1U,
                  .index = (selector >> 2) & 3U};
  const auto form = static_cast<TileForm>((selector >> 4) % 3);
  return TilePath(id, form, 1 + (selector >> 6));
}

void WriteQuickly(const fs::path& path, std::span<const std::uint8_t> bytes) {
  fs::create_directories(path.parent_path());
  const auto file = OpenFile(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file) (void)WriteAll(file->get(), std::as_bytes(bytes), path);
}

/// Signs a checkpoint of `size` whose root is what the incomplete tiles give, if they are there.
void SignFittingCheckpoint(const FuzzLog& log, const fs::path& folder, std::uint64_t size) {
  TreeHasher hasher;
  std::vector<std::vector<Hash>> edges(kTileLevelsMax);
  Hash root{};
  bool complete = true;
  for (unsigned level = 0; level < kTileLevelsMax; ++level) {
    const TileId id{
        .entries = false, .level = level, .index = HashesAtLevel(size, level) / kTileWidth};
    if (EdgeWidth(size, level) == 0) continue;
    auto hashes = ReadHashes(folder, id, EdgeWidth(size, level));
    complete = complete && hashes.has_value();
    if (hashes) edges[level] = std::move(*hashes);
  }
  if (complete) root = CompactTree(size, edges, hasher).Root(hasher);
  const std::string text = FormatCheckpoint({.origin = log.verifier.name,
                                             .size = size,
                                             .root = root,
                                             .signed_wall_ns = 7,
                                             .other_signatures = 0});
  const std::string note = SignNote(text, log.verifier, log.key);
  WriteQuickly(folder / kCheckpointName,
               std::span(reinterpret_cast<const std::uint8_t*>(note.data()), note.size()));
}

}  // namespace
}  // namespace spoor::evidence

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  using namespace spoor::evidence;  // NOLINT(google-build-using-namespace)
  static const FuzzLog log;
  if (size_bytes < 3) return 0;
  const fs::path folder = log.scratch.path() / "evidence";
  fs::remove_all(folder);
  fs::remove_all(log.scratch.path() / "set-aside");
  fs::create_directories(folder);
  std::span<const std::uint8_t> rest(data + 3, size_bytes - 3);
  for (int files = 0; rest.size() >= 3 && files < 16; ++files) {
    const std::size_t wanted = rest[1] | static_cast<std::size_t>(rest[2]) << 8;
    const std::size_t length = std::min(wanted, rest.size() - 3);
    WriteQuickly(folder / NameOf(rest[0]), rest.subspan(3, length));
    rest = rest.subspan(3 + length);
  }
  if ((data[0] & kCheckpointInInput) == 0) {
    SignFittingCheckpoint(log, folder, data[1] | static_cast<std::uint64_t>(data[2]) << 8);
  }
  const VerifyOptions verify{
      .folder = folder, .public_key = log.verifier.Text(), .progress = {}, .visit = {}};
  const bool verified = VerifyLog(verify).has_value();
  const auto writer =
      LogWriter::Open({.folder = folder, .key_file = log.key_file, .origin = log.verifier.name});
  SPOOR_CHECK(!verified || writer.has_value())
      << "verified, but cannot be continued: " << writer.error().message;
  if (!writer) return 0;
  const std::array<std::byte, 1> entry{};
  SPOOR_CHECK((*writer)->Append(entry).has_value()) << "append";
  SPOOR_CHECK((*writer)->Close().has_value()) << "close";
  SPOOR_CHECK(!verified || VerifyLog(verify).has_value()) << "no longer verifies";
  return 0;
}
