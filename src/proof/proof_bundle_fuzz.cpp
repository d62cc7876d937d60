// SPDX-License-Identifier: Apache-2.0
// What a bundle says, from hostile bytes. First byte: 'a': the rest is the archive as it is. 'm':
// it is the manifest of a good archive. 't': the account of an import. Whatever is accepted has one
// spelling and, of an archive, is all that is there.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.hpp"
#include "base/file.hpp"
#include "base/scratch_folder.hpp"
#include "proof/archive.hpp"
#include "proof/manifest.hpp"
#include "proof/transfer_account.hpp"

namespace spoor::proof {
namespace {

void ReadArchive(const std::filesystem::path& path, std::string_view bytes) {
  SPOOR_CHECK(WriteFileAtomically(path, AsBytes(bytes)).has_value());
  const auto archive = ArchiveReader::Open(path);
  if (!archive) return;
  // Written again from what was read, it is the same file.
  const std::filesystem::path again = path.string() + ".again";
  std::filesystem::remove(again);
  auto writer = ArchiveWriter::Create(again);
  SPOOR_CHECK(writer.has_value());
  for (const ArchiveReader::Member& member : (*archive)->members()) {
    const auto content = (*archive)->Read(member.name, member.size_bytes);
    SPOOR_CHECK(content.has_value() && (*writer)->Add(member.name, *content).has_value());
  }
  SPOOR_CHECK((*writer)->Finish().has_value());
  SPOOR_CHECK(*ReadTextFile(again, 1 << 20) == bytes) << "two spellings of one archive";
}

}  // namespace
}  // namespace spoor::proof

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  using namespace spoor::proof;  // NOLINT(google-build-using-namespace)
  static const spoor::ScratchFolder scratch(spoor::ScratchFolder::MemoryFolder());
  if (size_bytes == 0) return 0;
  const std::string input(reinterpret_cast<const char*>(data) + 1, size_bytes - 1);
  if (data[0] == 'a') ReadArchive(scratch.path() / "bundle", input);
  if (data[0] == 'm') {
    const auto manifest = ParseManifest(input);
    SPOOR_CHECK(!manifest || ManifestJson(*manifest) == input) << "two spellings of one manifest";
  }
  if (data[0] == 't') {
    const auto account = ParseTransfer(input);
    SPOOR_CHECK(!account || ParseTransfer(TransferText(*account)).has_value())
        << "an account that cannot be read back";
  }
  return 0;
}
