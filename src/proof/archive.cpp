// SPDX-License-Identifier: Apache-2.0
// A reader makes each header again from the name and size in it and compares all 512 bytes, so that
// owner, time and padding, which tar would let be anything, cannot carry anything either.
#include "proof/archive.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/check.hpp"

namespace spoor::proof {
namespace {

constexpr std::size_t kBlockBytes = 512;
constexpr std::size_t kNameBytesMax = 99;
constexpr std::uint64_t kMemberBytesMax = (std::uint64_t{1} << 33) - 1;  // eleven octal digits
constexpr std::size_t kMembersMax = 4096;
constexpr std::size_t kReadBytes = 1 << 16;

using Block = std::array<std::byte, kBlockBytes>;

/// The one header that a member of this name and size can have.
Block HeaderOf(std::string_view name, std::uint64_t size_bytes) {
  std::string text(name);
  text.resize(100);
  text += std::string(
      "0000644\0"
      "0000000\0"
      "0000000\0",
      24);  // mode, owner, group
  text += fmt::format("{:011o}", size_bytes) + '\0';
  text += std::string("00000000000\0", 12);  // time: that is in the manifest
  text += std::string(8, ' ') + '0';         // checksum below; a regular file
  text.resize(257);
  text += std::string(
      "ustar\0"
      "00",
      8);
  text.resize(329);
  text += std::string(
      "0000000\0"
      "0000000\0",
      16);
  text.resize(kBlockBytes);
  unsigned sum = 0;
  for (const char c : text) sum += static_cast<unsigned char>(c);
  text.replace(148, 7, fmt::format("{:06o}", sum) + '\0');
  Block block{};
  std::copy_n(AsBytes(text).begin(), kBlockBytes, block.begin());
  return block;
}

bool IsMemberName(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax && name.front() != '/' &&
         name.find("..") == name.npos && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '.' || c == '/' || c == '-';
         });
}

std::uint64_t PaddingAfter(std::uint64_t size_bytes) {
  return (kBlockBytes - size_bytes % kBlockBytes) % kBlockBytes;
}

std::string SumsLine(std::string_view sha256, std::string_view name) {
  return fmt::format("{}  {}\n", sha256, name);
}

/// As much as there is, up to the buffer's size.
Result<std::size_t> ReadAt(int fd, std::uint64_t offset, std::span<std::byte> buffer,
                           const std::filesystem::path& path) {
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    const ssize_t got = ::pread(fd, buffer.data() + filled, buffer.size() - filled,
                                static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailErrno(errno, "{}: cannot read", path.string());
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

}  // namespace

bool LooksLikeBundle(std::string_view bytes) {
  return bytes.size() >= kBlockBytes && bytes.substr(257, 5) == "ustar";
}

Result<std::unique_ptr<ArchiveWriter>> ArchiveWriter::Create(const std::filesystem::path& path) {
  std::error_code unreadable;  // what cannot be written either, as is found next
  if (std::filesystem::exists(std::filesystem::symlink_status(path, unreadable))) {
    return Fail(ErrorCode::kInvalidArgument, "{}: is there already", path.string());
  }
  std::unique_ptr<ArchiveWriter> writer(new ArchiveWriter(path));
  RETURN_IF_ERROR(writer->OpenUnfinished());
  return writer;
}

Result<> ArchiveWriter::OpenUnfinished() {
  const std::filesystem::path folder = std::filesystem::absolute(path_).parent_path();
  Result<FileDescriptor> nameless = OpenFile(folder, O_RDWR | O_TMPFILE, 0600);
  if (nameless) {
    file_ = *std::move(nameless);
    return {};
  }
  // Not every file system has files without names; what else is wrong is wrong with this, too.
  const std::filesystem::path temporary = TemporaryPathFor(path_);
  Result<FileDescriptor> file = OpenFile(temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
  if (!file) {
    return Fail(file.error().code, "{}: cannot be written: {}", path_.string(),
                file.error().message);
  }
  file_ = *std::move(file);
  temporary_ = temporary;
  return {};
}

/// Never in place of another file.
Result<> ArchiveWriter::GiveName() {
  const std::string from =
      temporary_.empty() ? fmt::format("/proc/self/fd/{}", file_.get()) : temporary_.string();
  if (::linkat(AT_FDCWD, from.c_str(), AT_FDCWD, path_.c_str(),
               temporary_.empty() ? AT_SYMLINK_FOLLOW : 0) == 0) {
    return {};
  }
  if (errno == EEXIST) {
    return Fail(ErrorCode::kInvalidArgument, "{}: is there already", path_.string());
  }
  return FailErrno(errno, "{}: cannot give it its name", path_.string());
}

ArchiveWriter::~ArchiveWriter() {
  if (temporary_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
}

Result<> ArchiveWriter::Put(std::span<const std::byte> bytes) {
  at_ += bytes.size();
  return WriteAll(file_.get(), bytes, path_);
}

Result<> ArchiveWriter::Add(std::string_view name, std::string_view bytes) {
  RETURN_IF_ERROR(Begin(name));
  RETURN_IF_ERROR(Write(AsBytes(bytes)));
  return End();
}

Result<> ArchiveWriter::Begin(std::string_view name) {
  SPOOR_CHECK(name_.empty() && IsMemberName(name)) << "member " << name;
  name_ = name;
  member_at_ = at_;
  digest_ = std::make_unique<store::Sha256Stream>();
  return Put(Block{});
}

Result<> ArchiveWriter::Write(std::span<const std::byte> bytes) {
  digest_->Add(bytes);
  return Put(bytes);
}

Result<> ArchiveWriter::End() {
  const std::uint64_t size_bytes = at_ - member_at_ - kBlockBytes;
  if (size_bytes > kMemberBytesMax) {
    return Fail(ErrorCode::kInvalidArgument, "{}: {} would have {} bytes, at most {} fit",
                path_.string(), name_, size_bytes, kMemberBytesMax);
  }
  const Block zeros{};
  RETURN_IF_ERROR(Put(std::span(zeros).first(PaddingAfter(size_bytes))));
  const Block header = HeaderOf(name_, size_bytes);
  if (::pwrite(file_.get(), header.data(), header.size(), static_cast<off_t>(member_at_)) !=
      static_cast<ssize_t>(header.size())) {
    return FailErrno(errno, "{}: cannot write", path_.string());
  }
  sums_ += SumsLine(digest_->Finish(), name_);
  name_.clear();
  return {};
}

Result<> ArchiveWriter::Finish() {
  const std::string sums = sums_;
  RETURN_IF_ERROR(Add(kSumsName, sums));
  RETURN_IF_ERROR(Put(Block{}));
  RETURN_IF_ERROR(Put(Block{}));
  if (::fsync(file_.get()) != 0) return FailErrno(errno, "{}: cannot sync", path_.string());
  RETURN_IF_ERROR(GiveName());
  return SyncFolder(std::filesystem::absolute(path_).parent_path());
}

Result<std::unique_ptr<ArchiveReader>> ArchiveReader::Open(const std::filesystem::path& path) {
  ASSIGN_OR_RETURN(FileDescriptor file, OpenFile(path, O_RDONLY | O_NONBLOCK));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return FailErrno(errno, "{}: cannot stat", path.string());
  if (!S_ISREG(status.st_mode)) {
    return Fail(ErrorCode::kIo, "{}: is not a regular file", path.string());
  }
  std::unique_ptr<ArchiveReader> archive(new ArchiveReader(path, std::move(file)));
  RETURN_IF_ERROR(archive->ReadMembers());
  return archive;
}

Result<> ArchiveReader::ReadMembers() {
  const auto bad = [this](std::string_view what) {
    return Fail(ErrorCode::kUnverified, "{}: {}", path_.string(), what);
  };
  std::vector<std::byte> buffer(kReadBytes);
  std::uint64_t at = 0;
  for (;;) {
    Block header{};
    ASSIGN_OR_RETURN(const std::size_t got, ReadAt(file_.get(), at, header, path_));
    const std::string_view text = AsText(header);
    const std::string_view name = text.substr(0, std::min<std::size_t>(text.find('\0'), 100));
    std::uint64_t size_bytes = 0;
    const auto [end, error] = std::from_chars(text.data() + 124, text.data() + 135, size_bytes, 8);
    const bool proper = got == kBlockBytes && IsMemberName(name) && error == std::errc() &&
                        end == text.data() + 135 && header == HeaderOf(name, size_bytes);
    if (!proper && members_.empty()) return bad("not a bundle of spoor prove or spoor export");
    if (!proper) return bad(fmt::format("the header behind {} is damaged", members_.back().name));
    if (members_.size() == kMembersMax) return bad("too many members");
    if (Find(name)) return bad(fmt::format("{} is there twice", name));
    Member member{.name = std::string(name),
                  .offset = at + kBlockBytes,
                  .size_bytes = size_bytes,
                  .sha256 = {}};
    store::Sha256Stream digest;
    at = member.offset;
    for (std::uint64_t rest = size_bytes; rest > 0;) {
      const std::span<std::byte> part =
          std::span(buffer).first(std::min<std::uint64_t>(rest, buffer.size()));
      ASSIGN_OR_RETURN(const std::size_t count, ReadAt(file_.get(), at, part, path_));
      if (count < part.size()) return bad(fmt::format("cut off inside {}", member.name));
      digest.Add(part);
      at += count;
      rest -= count;
    }
    member.sha256 = digest.Finish();
    Block padding{};
    const std::span<std::byte> rest = std::span(padding).first(PaddingAfter(size_bytes));
    ASSIGN_OR_RETURN(const std::size_t padded, ReadAt(file_.get(), at, rest, path_));
    if (padded != rest.size() || padding != Block{}) {
      return bad(fmt::format("bytes that are no zeros behind {}", member.name));
    }
    at += rest.size();
    if (member.name != kSumsName) {
      members_.push_back(std::move(member));
      continue;
    }
    RETURN_IF_ERROR(CheckSums(member));
    std::array<std::byte, 2 * kBlockBytes + 1> ending{};
    ASSIGN_OR_RETURN(const std::size_t behind, ReadAt(file_.get(), at, ending, path_));
    const bool zeros = std::all_of(ending.begin(), ending.end(),
                                   [](std::byte byte) { return byte == std::byte{0}; });
    if (behind != 2 * kBlockBytes || !zeros) return bad("does not end behind SHA256SUMS");
    return {};
  }
}

Result<> ArchiveReader::CheckSums(const Member& sums) const {
  std::string text(std::min<std::uint64_t>(sums.size_bytes, kMembersMax * 256), '\0');
  ASSIGN_OR_RETURN(const std::size_t got, ReadAt(file_.get(), sums.offset,
                                                 std::as_writable_bytes(std::span(text)), path_));
  std::string_view rest = std::string_view(text).substr(0, got);
  for (const Member& member : members_) {
    const std::string line = SumsLine(member.sha256, member.name);
    if (!rest.starts_with(line)) {
      return Fail(ErrorCode::kUnverified, "{}: {}: is not what SHA256SUMS says", path_.string(),
                  member.name);
    }
    rest.remove_prefix(line.size());
  }
  if (!rest.empty()) {
    return Fail(ErrorCode::kUnverified, "{}: SHA256SUMS names more than there is", path_.string());
  }
  return {};
}

Result<const ArchiveReader::Member*> ArchiveReader::Find(std::string_view name) const {
  const auto member = std::find_if(members_.begin(), members_.end(),
                                   [&](const Member& candidate) { return candidate.name == name; });
  if (member != members_.end()) return &*member;
  return Fail(ErrorCode::kUnverified, "{}: has no {}", path_.string(), name);
}

Result<std::string> ArchiveReader::Read(std::string_view name, std::uint64_t size_bytes_max) const {
  ASSIGN_OR_RETURN(const Member* const member, Find(name));
  if (member->size_bytes > size_bytes_max) {
    return Fail(ErrorCode::kUnverified, "{}: {}: {} bytes, at most {} are read", path_.string(),
                name, member->size_bytes, size_bytes_max);
  }
  std::string bytes(member->size_bytes, '\0');
  ASSIGN_OR_RETURN(const std::size_t got, ReadAt(file_.get(), member->offset,
                                                 std::as_writable_bytes(std::span(bytes)), path_));
  store::Sha256Stream digest;
  digest.Add(AsBytes(bytes));
  if (got == bytes.size() && digest.Finish() == member->sha256) return bytes;
  return Fail(ErrorCode::kUnverified, "{}: {}: changed while it was read", path_.string(), name);
}

Result<evidence::ByteSource> ArchiveReader::Stream(std::string_view name) const {
  ASSIGN_OR_RETURN(const Member* const member, Find(name));
  return [this, member,
          done = std::uint64_t{0}](std::span<std::byte> buffer) mutable -> Result<std::size_t> {
    const std::uint64_t count = std::min<std::uint64_t>(buffer.size(), member->size_bytes - done);
    ASSIGN_OR_RETURN(const std::size_t got,
                     ReadAt(file_.get(), member->offset + done, buffer.first(count), path_));
    done += got;
    return got;
  };
}

}  // namespace spoor::proof
