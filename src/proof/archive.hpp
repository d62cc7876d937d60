// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"
#include "evidence/excerpt.hpp"
#include "store/sha256.hpp"

/// The file that bundles are: a POSIX ustar archive that every tar reads, of which each byte has
/// one spelling. Its last member, SHA256SUMS, binds all others. docs/formats/proof-bundle.md
namespace spoor::proof {

inline constexpr std::string_view kSumsName = "SHA256SUMS";

/// Whether a file that begins with `bytes` is meant to be a bundle; says nothing of whether it is
/// one.
bool LooksLikeBundle(std::string_view bytes);

/// Writes members one after the other to a file without a name in the folder of `path`, which gets
/// its name when all is there, so that nothing stays of one that is not finished (where the file
/// system cannot do that: a file beside it, which a process that is killed leaves). Not
/// thread-safe.
class ArchiveWriter {
 public:
  /// Its owner's alone (0600): it holds what was recorded. Fails: kInvalidArgument (there is
  /// something at `path`), kNotFound (no such folder), kIo.
  static Result<std::unique_ptr<ArchiveWriter>> Create(const std::filesystem::path& path);
  ArchiveWriter(const ArchiveWriter&) = delete;
  ArchiveWriter& operator=(const ArchiveWriter&) = delete;
  ~ArchiveWriter();  ///< without Finish: nothing stays

  Result<> Add(std::string_view name, std::string_view bytes);
  /// A member whose size is not known yet: Begin, Write as often as needed, End.
  Result<> Begin(std::string_view name);
  Result<> Write(std::span<const std::byte> bytes);
  Result<> End();  ///< Fails also above 8 GiB, the most that ustar can say: kInvalidArgument
  /// Adds SHA256SUMS, makes all durable, gives the file its name. Fails: kInvalidArgument
  /// (something got that name meanwhile), kIo.
  Result<> Finish();

  std::uint64_t size_bytes() const { return at_; }

 private:
  explicit ArchiveWriter(std::filesystem::path path) : path_(std::move(path)) {}
  Result<> OpenUnfinished();
  Result<> GiveName();
  Result<> Put(std::span<const std::byte> bytes);

  const std::filesystem::path path_;
  FileDescriptor file_;
  std::filesystem::path temporary_;  // empty: the file has no name yet
  std::uint64_t at_ = 0;
  std::string name_;  // of the member that is being written
  std::uint64_t member_at_ = 0;
  std::unique_ptr<store::Sha256Stream> digest_;
  std::string sums_;
};

/// An archive all of whose bytes were found to be what they must be.
class ArchiveReader {
 public:
  struct Member {
    std::string name;
    std::uint64_t offset = 0;
    std::uint64_t size_bytes = 0;
    std::string sha256;  ///< hex
  };
  /// Reads the whole file once. Fails: kNotFound, kUnverified (names the first member that is not
  /// what it must be, or says that it is no bundle), kIo.
  static Result<std::unique_ptr<ArchiveReader>> Open(const std::filesystem::path& path);

  const std::vector<Member>& members() const { return members_; }  ///< without SHA256SUMS
  /// Fails: kUnverified (there is none).
  Result<const Member*> Find(std::string_view name) const;
  /// The bytes of a member. Fails: kUnverified (none, or above `size_bytes_max`), kIo.
  Result<std::string> Read(std::string_view name, std::uint64_t size_bytes_max) const;
  /// The same from its begin, part by part; lives as long as the archive.
  Result<evidence::ByteSource> Stream(std::string_view name) const;
  const std::filesystem::path& path() const { return path_; }

 private:
  ArchiveReader(std::filesystem::path path, FileDescriptor file)
      : path_(std::move(path)), file_(std::move(file)) {}
  Result<> ReadMembers();
  Result<> CheckSums(const Member& sums) const;

  const std::filesystem::path path_;
  const FileDescriptor file_;
  std::vector<Member> members_;
};

}  // namespace spoor::proof
