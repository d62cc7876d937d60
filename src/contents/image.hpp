// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "contents/act.hpp"

namespace spoor::contents {

/// A range of a file whose bytes are known in one way. Never empty.
struct Extent {
  std::int64_t from_bytes = 0, until_bytes = 0;
  Content content = Content::kBytes;
  std::int64_t journal_at = 0;  ///< kBytes: where they are in the journal
  std::int64_t size_bytes() const { return until_bytes - from_bytes; }
  bool operator==(const Extent&) const = default;
};

/// What a file holds after some calls on it, in the order of their ends. Keeps where bytes are, not
/// the bytes: its size follows from how scattered the file is, not from how long.
class Image {
 public:
  /// An offset or size that cannot be (beyond 2^63) is taken for one that is not known.
  void Apply(const Act& act);

  /// Up to the last byte that is known of.
  std::int64_t size_bytes() const { return size_bytes_; }
  /// All of the file is known to be in `size_bytes`. False: it may be longer.
  bool has_known_end() const;
  /// From 0 to size_bytes() without a break, neighbours of one kind joined.
  std::vector<Extent> Extents() const;
  /// How many extents there are at most.
  std::size_t extent_count() const { return extents_.size(); }
  std::int64_t known_bytes() const;
  /// The end is known, and there is no hole.
  bool IsWhole() const;
  /// Somebody had it open for reading and writing: what was written through a mapping is not seen.
  bool could_be_mapped() const { return could_be_mapped_; }

 private:
  struct Rest {
    std::int64_t until_bytes;
    Content content;
    std::int64_t journal_at;
  };
  using Extents_ = std::map<std::int64_t, Rest>;

  Content Seen(Content content) const;
  void Split(std::int64_t at);
  void Put(std::int64_t from, std::int64_t until, Content content, std::int64_t journal_at = 0);
  void LengthenTo(std::int64_t size);
  void Resize(std::int64_t size);
  void Write(const Act& act);
  void Read(const Act& act);
  void FillHoles(std::int64_t from, std::int64_t until, std::int64_t journal_at);

  Extents_ extents_;  ///< by where they begin
  std::int64_t size_bytes_ = 0;
  bool known_end_ = false;
  bool written_ = false;  ///< by a call, since its size was set
  bool could_be_mapped_ = false;
  /// Who wrote to it by calls, and who could have written by a mapping and did not write by calls.
  std::set<std::int64_t> writers_, suspects_;
};

}  // namespace spoor::contents
