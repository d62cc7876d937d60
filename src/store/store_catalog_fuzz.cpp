// SPDX-License-Identifier: Apache-2.0
// A catalog from hostile bytes. Whatever is accepted names only files that a segment can have, says
// the same when it was written and read again, and its names lead nowhere out of a store.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "base/check.hpp"
#include "base/scratch_folder.hpp"
#include "store/catalog.hpp"
#include "store/catalog_check.hpp"

namespace spoor::store {
namespace {

void CheckFile(const std::string& file) {
  SPOOR_CHECK(ParseSegmentName(file).has_value()) << file;
  const std::filesystem::path path(file);
  SPOOR_CHECK(path.is_relative() && path.lexically_normal() == path) << file;
  for (const std::filesystem::path& part : path) SPOOR_CHECK(part != "..") << file;
}

}  // namespace
}  // namespace spoor::store

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  using namespace spoor::store;  // NOLINT(google-build-using-namespace)
  static const spoor::ScratchFolder scratch(spoor::ScratchFolder::MemoryFolder());
  const auto catalog = ParseCatalog({reinterpret_cast<const char*>(data), size_bytes});
  if (!catalog) {
    SPOOR_CHECK(catalog.error().message.size() < 4096) << "a message without an end";
    return 0;
  }
  const spoor::StoreLayout layout{scratch.path()};
  for (const Segment& segment : catalog->segments) {
    CheckFile(segment.file);
    SPOOR_CHECK(!CheckSegment(layout, segment, false)) << "a segment of an empty store";
  }
  for (const std::string& file : catalog->retired) CheckFile(file);
  SPOOR_CHECK(SaveCatalog(layout, *catalog).has_value());
  const auto again = LoadCatalog(layout);
  SPOOR_CHECK(again.has_value() && again->segments.size() == catalog->segments.size() &&
              again->recordings.size() == catalog->recordings.size() &&
              again->retired == catalog->retired && again->next_entry == catalog->next_entry)
      << "a catalog that cannot be read back";
  return 0;
}
