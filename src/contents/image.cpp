// SPDX-License-Identifier: Apache-2.0
// The extents cover the file without a break; each change cuts them at its ends and replaces what
// lies between. A write makes what it covers unknown, then known as far as it was captured; a read
// only adds to what is unknown, for it changes nothing.
//
// Zeros are believed where the file is lengthened only if nobody could have filled them unseen:
// whoever maps a file for writing opens it for both, gives it its size, and makes no call for what
// he writes then.
#include "contents/image.hpp"

#include <algorithm>

namespace spoor::contents {

std::string_view NameOf(Content content) {
  switch (content) {
    case Content::kBytes:
      return "bytes";
    case Content::kZeros:
      return "zeros";
    case Content::kExistedBefore:
      return "existed_before";
    case Content::kCut:
      return "cut";
    case Content::kLeftOut:
      return "left_out";
    case Content::kNotCaptured:
      return "not_captured";
    case Content::kMoved:
      return "moved";
    case Content::kUnplaced:
      return "unplaced";
    case Content::kMapped:
      return "mapped";
    case Content::kUnseen:
      return "unseen";
  }
  return "unseen";
}

std::string_view ReasonOf(Content hole) {
  switch (hole) {
    case Content::kExistedBefore:
      return "was there before anything recorded was written";
    case Content::kCut:
      return "only the first bytes of each call were captured";
    case Content::kLeftOut:
      return "left out by the budget for captured bytes";
    case Content::kNotCaptured:
      return "the policy of the recording captures no such bytes";
    case Content::kMoved:
      return "moved by copy_file_range, sendfile or splice, whose bytes nobody sees";
    case Content::kUnplaced:
      return "something was written, and where is not recorded";
    case Content::kMapped:
      return "may have been written through a mapping, which no call shows";
    case Content::kBytes:
    case Content::kZeros:
    case Content::kUnseen:
      break;
  }
  return "was read there, and how it came there is not recorded";
}

Content Image::Seen(Content content) const {
  return content == Content::kZeros && !suspects_.empty() ? Content::kMapped : content;
}

bool Image::has_known_end() const {
  // Opened for both, given a size, and nothing written: how a mapping is used.
  return known_end_ && (written_ || suspects_.empty());
}

void Image::Split(std::int64_t at) {
  auto next = extents_.upper_bound(at);
  if (next == extents_.begin()) return;
  const auto extent = std::prev(next);
  if (extent->first == at || extent->second.until_bytes <= at) return;
  Rest behind = extent->second;
  if (behind.content == Content::kBytes) behind.journal_at += at - extent->first;
  extent->second.until_bytes = at;
  extents_.emplace_hint(next, at, behind);
}

void Image::Put(std::int64_t from, std::int64_t until, Content content, std::int64_t journal_at) {
  if (from >= until) return;
  Split(from);
  Split(until);
  auto next = extents_.erase(extents_.lower_bound(from), extents_.lower_bound(until));
  size_bytes_ = std::max(size_bytes_, until);
  const auto joins = [](std::int64_t begin, const Rest& first, const Rest& second) {
    return first.content == second.content &&
           (first.content != Content::kBytes ||
            first.journal_at + (first.until_bytes - begin) == second.journal_at);
  };
  Rest put{.until_bytes = until, .content = content, .journal_at = journal_at};
  if (next != extents_.end() && next->first == until && joins(from, put, next->second)) {
    put.until_bytes = next->second.until_bytes;
    next = extents_.erase(next);
  }
  if (next != extents_.begin()) {
    const auto before = std::prev(next);
    if (before->second.until_bytes == from && joins(before->first, before->second, put)) {
      before->second.until_bytes = put.until_bytes;
      return;
    }
  }
  extents_.emplace_hint(next, from, put);
}

void Image::LengthenTo(std::int64_t size) {
  if (size > size_bytes_) {
    Put(size_bytes_, size, known_end_ ? Content::kZeros : Content::kExistedBefore);
  }
}

void Image::Resize(std::int64_t size) {
  if (size < size_bytes_) {
    Split(size);
    extents_.erase(extents_.lower_bound(size), extents_.end());
    size_bytes_ = size;
  }
  LengthenTo(size);
  known_end_ = true;
  if (size == 0) written_ = false;
}

void Image::Write(const Act& act) {
  if (act.size_bytes <= 0) return;
  written_ = true;
  writers_.insert(act.process_id);
  suspects_.erase(act.process_id);
  if (!act.offset_bytes || *act.offset_bytes < 0 ||
      *act.offset_bytes > INT64_MAX - act.size_bytes) {
    // Somewhere something was written: nothing that was known can be relied on, but that as much
    // as was written is there.
    Put(0, std::max(size_bytes_, act.size_bytes),
        act.rest == Content::kMoved ? Content::kMoved : Content::kUnplaced);
    known_end_ = false;
    return;
  }
  const std::int64_t from = *act.offset_bytes;
  const std::int64_t captured = std::clamp<std::int64_t>(act.captured_bytes, 0, act.size_bytes);
  LengthenTo(from);
  Put(from, from + captured, Content::kBytes, act.journal_at);
  Put(from + captured, from + act.size_bytes, act.rest);
}

void Image::FillHoles(std::int64_t from, std::int64_t until, std::int64_t journal_at) {
  std::vector<Extent> holes;
  for (auto extent = extents_.lower_bound(from); extent != extents_.end() && extent->first < until;
       ++extent) {
    if (IsHole(extent->second.content)) {
      holes.push_back({.from_bytes = extent->first, .until_bytes = extent->second.until_bytes});
    }
  }
  for (const Extent& hole : holes) {
    Put(hole.from_bytes, hole.until_bytes, Content::kBytes, journal_at + hole.from_bytes - from);
  }
}

void Image::Read(const Act& act) {
  if (act.size_bytes <= 0 || !act.offset_bytes || *act.offset_bytes < 0 ||
      *act.offset_bytes > INT64_MAX - act.size_bytes) {
    return;
  }
  const std::int64_t from = *act.offset_bytes;
  if (from + act.size_bytes > size_bytes_) {
    // Bytes beyond a known end came there by a way that no call showed.
    Put(size_bytes_, from + act.size_bytes,
        known_end_ ? Content::kUnseen : Content::kExistedBefore);
    known_end_ = false;
  }
  const std::int64_t captured = std::clamp<std::int64_t>(act.captured_bytes, 0, act.size_bytes);
  if (captured == 0) return;
  Split(from);
  Split(from + captured);
  FillHoles(from, from + captured, act.journal_at);
}

void Image::Apply(const Act& act) {
  switch (act.kind) {
    case Act::Kind::kWrite:
      return Write(act);
    case Act::Kind::kRead:
      return Read(act);
    case Act::Kind::kResize:
      return Resize(std::max<std::int64_t>(0, act.size_bytes));
    case Act::Kind::kMap:
      could_be_mapped_ = true;
      if (!writers_.contains(act.process_id)) suspects_.insert(act.process_id);
      return;
  }
}

std::vector<Extent> Image::Extents() const {
  std::vector<Extent> extents;
  for (const auto& [from, rest] : extents_) {
    const Content content = Seen(rest.content);
    // Zeros that are not believed may touch.
    if (!extents.empty() && content != Content::kBytes && extents.back().content == content) {
      extents.back().until_bytes = rest.until_bytes;
      continue;
    }
    extents.push_back({.from_bytes = from,
                       .until_bytes = rest.until_bytes,
                       .content = content,
                       .journal_at = rest.journal_at});
  }
  return extents;
}

std::int64_t Image::known_bytes() const {
  std::int64_t known = 0;
  for (const auto& [from, rest] : extents_) {
    if (!IsHole(Seen(rest.content))) known += rest.until_bytes - from;
  }
  return known;
}

bool Image::IsWhole() const {
  return has_known_end() && std::ranges::none_of(extents_, [this](const auto& extent) {
           return IsHole(Seen(extent.second.content));
         });
}

}  // namespace spoor::contents
