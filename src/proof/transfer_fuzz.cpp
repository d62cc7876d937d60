// SPDX-License-Identifier: Apache-2.0
// Evidence of another store from hostile bytes. The input is entries, each with its length (16
// bits, big-endian) in front; the harness logs and exports them, so that the file verifies and what
// is behind the proof is reached. What is imported is proved by the account that the import writes,
// is there byte for byte, and is not brought a second time.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/check.hpp"
#include "base/scratch_folder.hpp"
#include "evidence/excerpt.hpp"
#include "evidence/named_key.hpp"
#include "proof/archive.hpp"
#include "proof/manifest.hpp"
#include "proof/transfer.hpp"

namespace spoor::proof {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> EntriesOf(std::string_view input) {
  std::vector<std::string> entries;
  while (input.size() > 2 && entries.size() < 8) {
    const std::size_t size_bytes = (static_cast<unsigned char>(input[0]) & 0xFFU) << 8 |
                                   (static_cast<unsigned char>(input[1]) & 0xFFU);
    entries.emplace_back(input.substr(2, size_bytes));
    input.remove_prefix(std::min(input.size(), 2 + size_bytes));
    if (entries.back().empty()) entries.pop_back();
  }
  return entries;
}

void WriteLog(const StoreLayout& layout, const std::vector<std::string>& entries) {
  const auto log = evidence::LogWriter::Open(
      {.folder = layout.evidence(), .key_file = layout.private_key(), .origin = "fuzz.example"});
  SPOOR_CHECK(log.has_value()) << log.error().message;
  for (const std::string& entry : entries) SPOOR_CHECK((*log)->Append(AsBytes(entry)).has_value());
  SPOOR_CHECK((*log)->Close().has_value());
}

std::unique_ptr<evidence::LogReader> OpenLog(const StoreLayout& layout) {
  auto log = evidence::LogReader::Open(layout.evidence(), *evidence::ReadPublicKey(layout));
  SPOOR_CHECK(log.has_value()) << log.error().message;
  return *std::move(log);
}

void Export(const StoreLayout& layout, const fs::path& file) {
  const auto log = OpenLog(layout);
  auto archive = *ArchiveWriter::Create(file);
  const Manifest manifest{.made_by = "fuzz", .made_wall_ns = 7, .answer = {}};
  SPOOR_CHECK(archive->Add(kReadmeName, "x").has_value());
  SPOOR_CHECK(archive->Add(kManifestName, ManifestJson(manifest)).has_value());
  SPOOR_CHECK(archive->Add(kKeyName, *evidence::ReadPublicKey(layout)).has_value());
  SPOOR_CHECK(archive->Begin(kExcerptName).has_value());
  const evidence::EntryRange all{0, log->size()};
  SPOOR_CHECK(
      evidence::WriteExcerpt(*log, std::span(&all, 1), [&](std::span<const std::byte> bytes) {
        return archive->Write(bytes);
      }).has_value());
  SPOOR_CHECK(archive->End().has_value() && archive->Finish().has_value());
}

/// That the account proves what came, and that it is what was sent.
void CheckImported(const StoreLayout& layout, const std::vector<std::string>& sent,
                   const TransferReport& report) {
  const auto log = OpenLog(layout);
  TransferAudit audit;
  std::uint64_t found = 0;
  SPOOR_CHECK(log->ForEach(0,
                           [&](std::uint64_t index, std::span<const std::byte> entry) {
                             for (const std::string& one : sent) {
                               if (AsText(entry) != one) continue;
                               ++found;
                               break;
                             }
                             return audit.Add(index, entry);
                           })
                  .has_value());
  SPOOR_CHECK(found == report.added_count) << found << " of " << report.added_count;
  const auto origins = audit.Finish(*log);
  SPOOR_CHECK(origins.has_value()) << origins.error().message;
}

}  // namespace
}  // namespace spoor::proof

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  using namespace spoor::proof;  // NOLINT(google-build-using-namespace)
  static const spoor::ScratchFolder scratch(spoor::ScratchFolder::MemoryFolder());
  const std::vector<std::string> entries =
      EntriesOf({reinterpret_cast<const char*>(data), size_bytes});
  if (entries.empty()) return 0;
  const spoor::StoreLayout from{scratch.path() / "from"};
  const spoor::StoreLayout to{scratch.path() / "to"};
  const std::filesystem::path file = scratch.path() / "export";
  for (const std::filesystem::path& old : {from.root, to.root, file}) {
    std::filesystem::remove_all(old);
  }
  WriteLog(from, entries);
  Export(from, file);
  const auto report = ImportEvidence({.file = file, .public_key = {}, .layout = to});
  if (!report) return 0;
  CheckImported(to, entries, *report);
  const auto again = ImportEvidence({.file = file, .public_key = {}, .layout = to});
  SPOOR_CHECK(again.has_value() && again->added_count == 0) << "brought twice";
  return 0;
}
