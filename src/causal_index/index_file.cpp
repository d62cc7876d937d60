// SPDX-License-Identifier: Apache-2.0
#include "causal_index/index_file.hpp"

#include <sys/mman.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/check.hpp"

namespace spoor::causal_index {
namespace {

constexpr std::string_view kMagic = "SPOORCIX";
constexpr std::uint32_t kVersion = 1;

/// As it lies in the file. The digest is over all that follows it.
struct Header {
  std::array<char, 8> magic;
  std::array<std::uint64_t, 2> digest;  // XXH3, 128 bits
  std::uint32_t version;
  std::uint32_t kind;
  SourceDigest source;
  std::uint64_t size_bytes;  // of the file
  std::uint64_t section_count;
};
static_assert(sizeof(Header) == 80);

struct Place {
  std::uint64_t offset, size_bytes;
};

std::array<std::uint64_t, 2> DigestOf(std::span<const std::byte> file) {
  constexpr std::size_t kCovered = offsetof(Header, version);
  const XXH128_hash_t hash = XXH3_128bits(file.data() + kCovered, file.size() - kCovered);
  return {hash.low64, hash.high64};
}

class Held : public Bytes {
 public:
  explicit Held(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
  std::span<const std::byte> get() const override { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

class Mapped : public Bytes {
 public:
  Mapped(void* place, std::size_t size_bytes) : place_(place), size_bytes_(size_bytes) {}
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;
  ~Mapped() override { munmap(place_, size_bytes_); }
  std::span<const std::byte> get() const override {
    return {static_cast<const std::byte*>(place_), size_bytes_};
  }

 private:
  void* place_;
  std::size_t size_bytes_;
};

}  // namespace

std::vector<std::byte> MakeIndexFile(FileKind kind, const SourceDigest& source,
                                     const std::vector<std::vector<std::byte>>& sections) {
  std::vector<Place> places;
  std::uint64_t end = sizeof(Header) + sections.size() * sizeof(Place);
  for (const std::vector<std::byte>& section : sections) {
    places.push_back({end, section.size()});
    end += section.size();
  }
  Header header{.magic = {},
                .digest = {},
                .version = kVersion,
                .kind = static_cast<std::uint32_t>(kind),
                .source = source,
                .size_bytes = end,
                .section_count = sections.size()};
  kMagic.copy(header.magic.data(), kMagic.size());
  std::vector<std::byte> file(end);
  const auto put_header = [&] { std::memcpy(file.data(), &header, sizeof header); };
  put_header();
  if (!places.empty()) {
    std::memcpy(file.data() + sizeof header, places.data(), places.size() * sizeof(Place));
  }
  for (std::size_t i = 0; i < sections.size(); ++i) {
    if (sections[i].empty()) continue;
    std::memcpy(file.data() + places[i].offset, sections[i].data(), sections[i].size());
  }
  header.digest = DigestOf(file);
  put_header();
  return file;
}

std::shared_ptr<const Bytes> HeldBytes(std::vector<std::byte> bytes) {
  return std::make_shared<Held>(std::move(bytes));
}

Result<std::shared_ptr<const Bytes>> MappedBytes(int fd, std::uint64_t size_bytes) {
  if (size_bytes == 0) return HeldBytes({});
  void* const place = mmap(nullptr, size_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
  if (place == MAP_FAILED) return Fail(ErrorCode::kIo, "cannot map: {}", std::strerror(errno));
  return std::make_shared<Mapped>(place, size_bytes);
}

Result<IndexFile> IndexFile::Open(std::shared_ptr<const Bytes> bytes, FileKind kind,
                                  const SourceDigest& source, std::size_t section_count) {
  const auto wrong = [](std::string_view what) { return Fail(ErrorCode::kCorrupt, "{}", what); };
  const std::span<const std::byte> file = bytes->get();
  Header header{};
  if (file.size() < sizeof header) return wrong("is too short to be an index");
  std::memcpy(&header, file.data(), sizeof header);
  if (std::string_view(header.magic.data(), header.magic.size()) != kMagic) {
    return wrong("is no index");
  }
  if (header.version != kVersion) {
    return Fail(ErrorCode::kUnsupported, "is an index of version {}, this build reads {}",
                header.version, kVersion);
  }
  if (header.size_bytes != file.size()) return wrong("is cut off, or has something behind its end");
  if (header.digest != DigestOf(file)) return wrong("is not what was written: its digest differs");
  if (header.kind != static_cast<std::uint32_t>(kind)) return wrong("is an index of another kind");
  if (header.source != source) return wrong("is derived from something else");
  if (header.section_count != section_count ||
      (file.size() - sizeof header) / sizeof(Place) < section_count) {
    return wrong("has other sections");
  }
  IndexFile opened;
  for (std::size_t i = 0; i < section_count; ++i) {
    Place place{};
    std::memcpy(&place, file.data() + sizeof header + i * sizeof place, sizeof place);
    if (place.offset > file.size() || place.size_bytes > file.size() - place.offset) {
      return wrong("has a section outside of itself");
    }
    opened.sections_.push_back(file.subspan(place.offset, place.size_bytes));
  }
  opened.bytes_ = std::move(bytes);
  return opened;
}

}  // namespace spoor::causal_index
