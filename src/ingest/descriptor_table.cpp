// SPDX-License-Identifier: Apache-2.0
// A tree of pieces with kFan slots each, as high as the largest number needs; the lowest hold
// descriptors. A piece that two tables share is never changed: the one that changes it gets a copy.
#include "ingest/descriptor_table.hpp"

#include <algorithm>
#include <array>

#include "base/archive.hpp"
#include "ingest/state_walk.hpp"

namespace spoor::ingest {
namespace {

constexpr unsigned kFanBits = 5;
constexpr std::int64_t kFan = 1 << kFanBits;

/// Numbers below one slot of a piece of this height.
std::int64_t SlotWidth(unsigned height) {
  return std::int64_t{1} << (kFanBits * height);
}

std::size_t SlotOf(std::int64_t fd, unsigned height) {
  return static_cast<std::size_t>(fd / SlotWidth(height) % kFan);
}

}  // namespace

struct DescriptorTable::Piece {
  std::array<PiecePtr, kFan> pieces;                                 // height > 0
  std::unique_ptr<std::array<std::optional<Descriptor>, kFan>> own;  // height 0

  explicit Piece(unsigned height) {
    if (height == 0) own = std::make_unique<std::array<std::optional<Descriptor>, kFan>>();
  }
  Piece(const Piece& other) : pieces(other.pieces) {
    if (other.own) own = std::make_unique<std::array<std::optional<Descriptor>, kFan>>(*other.own);
  }
  Piece& operator=(const Piece&) = delete;
};

const Descriptor* DescriptorTable::Find(std::int32_t fd) const {
  if (fd < 0 || root_ == nullptr || fd >= SlotWidth(height_ + 1)) return nullptr;
  const Piece* piece = root_.get();
  for (unsigned height = height_; height > 0; --height) {
    piece = piece->pieces[SlotOf(fd, height)].get();
    if (piece == nullptr) return nullptr;
  }
  const std::optional<Descriptor>& found = (*piece->own)[SlotOf(fd, 0)];
  return found ? &*found : nullptr;
}

void DescriptorTable::Set(std::int32_t fd, const Descriptor& descriptor) {
  while (fd >= SlotWidth(height_ + 1)) {
    ++height_;
    if (root_ == nullptr) continue;
    const PiecePtr higher = std::make_shared<Piece>(height_);
    higher->pieces[0] = std::move(root_);
    root_ = higher;
  }
  Set(root_, height_, fd, descriptor);
}

void DescriptorTable::Set(PiecePtr& piece, unsigned height, std::int64_t fd,
                          const Descriptor& descriptor) {
  if (piece == nullptr) piece = std::make_shared<Piece>(height);
  if (piece.use_count() > 1) piece = std::make_shared<Piece>(*piece);
  if (height > 0) return Set(piece->pieces[SlotOf(fd, height)], height - 1, fd, descriptor);
  (*piece->own)[SlotOf(fd, 0)] = descriptor;
}

void DescriptorTable::Close(std::int32_t first_fd, std::int32_t last_fd) {
  ChangeAll({first_fd, last_fd}, [](const Descriptor&) { return std::nullopt; });
}

void DescriptorTable::SetCloseOnExec(std::int32_t first_fd, std::int32_t last_fd) {
  ChangeAll({first_fd, last_fd}, [](Descriptor descriptor) {
    descriptor.close_on_exec = true;
    return std::optional(descriptor);
  });
}

void DescriptorTable::CloseOnExec() {
  ChangeAll({0, INT32_MAX}, [](const Descriptor& descriptor) {
    return descriptor.close_on_exec ? std::nullopt : std::optional(descriptor);
  });
}

void DescriptorTable::ChangeAll(const Range& range, const Change& change) {
  if (root_ != nullptr) root_ = Changed(root_, height_, range, change);
}

/// `piece` itself where nothing is changed. `range` is relative to the piece's first number.
DescriptorTable::PiecePtr DescriptorTable::Changed(const PiecePtr& piece, unsigned height,
                                                   const Range& range, const Change& change) {
  PiecePtr changed = piece;
  const auto own = [&]() -> Piece& {
    if (changed == piece) changed = std::make_shared<Piece>(*piece);
    return *changed;
  };
  const std::int64_t width = SlotWidth(height);
  const std::int64_t end = std::min(range.last / width, kFan - 1);
  for (std::int64_t slot = std::max<std::int64_t>(range.first, 0) / width; slot <= end; ++slot) {
    const auto index = static_cast<std::size_t>(slot);
    if (height > 0) {
      const PiecePtr& below = piece->pieces[index];
      if (below == nullptr) continue;
      const std::int64_t first_fd = slot * width;
      PiecePtr next =
          Changed(below, height - 1, {range.first - first_fd, range.last - first_fd}, change);
      if (next != below) own().pieces[index] = std::move(next);
      continue;
    }
    const std::optional<Descriptor>& before = (*piece->own)[index];
    if (!before) continue;
    const std::optional<Descriptor> after = change(*before);
    if (after && after->close_on_exec == before->close_on_exec) continue;
    (*own().own)[index] = after;
  }
  return changed;
}

void DescriptorTable::Inherit(const DescriptorTable& parent) {
  if (root_ == nullptr) {
    *this = parent;
    return;
  }
  if (parent.root_ == nullptr) return;
  ForEach(*parent.root_, parent.height_, 0, [this](std::int32_t fd, const Descriptor& descriptor) {
    if (Find(fd) == nullptr) Set(fd, descriptor);
  });
}

void DescriptorTable::ForEach(const Piece& piece, unsigned height, std::int64_t first_fd,
                              const std::function<void(std::int32_t, const Descriptor&)>& visit) {
  for (std::size_t slot = 0; slot < kFan; ++slot) {
    const std::int64_t fd = first_fd + static_cast<std::int64_t>(slot) * SlotWidth(height);
    if (height > 0) {
      if (piece.pieces[slot]) ForEach(*piece.pieces[slot], height - 1, fd, visit);
    } else if (const std::optional<Descriptor>& descriptor = (*piece.own)[slot]) {
      visit(static_cast<std::int32_t>(fd), *descriptor);
    }
  }
}

void DescriptorTable::AddObjects(Objects& objects) const {
  if (root_ != nullptr) AddObjects(*root_, objects);
}

void DescriptorTable::AddObjects(const Piece& piece, Objects& objects) {
  if (!objects.pieces.insert(&piece).second) return;
  for (const PiecePtr& below : piece.pieces) {
    if (below != nullptr) AddObjects(*below, objects);
  }
  if (piece.own == nullptr) return;
  for (const std::optional<Descriptor>& descriptor : *piece.own) {
    if (descriptor) objects.object_ids.insert(descriptor->object_id);
  }
}

bool DescriptorTable::IsEmpty(const Piece& piece) {
  for (const PiecePtr& below : piece.pieces) {
    if (below != nullptr && !IsEmpty(*below)) return false;
  }
  return piece.own == nullptr ||
         std::ranges::none_of(*piece.own, [](const auto& slot) { return slot.has_value(); });
}

template <typename Archive>
void DescriptorTable::Walk(Archive& archive) {
  // Numbers are below 2^31.
  constexpr std::uint32_t kHeightMax = 6;
  std::uint32_t height = height_;
  archive(height);
  if constexpr (std::is_same_v<Archive, ArchiveReader>) {
    if (height > kHeightMax) return archive.Fail();
    height_ = height;
  }
  WalkPiece(archive, root_, height_, 0);
}

// A piece without descriptors is as good as none. One piece stands at the same numbers in all
// tables, so that no bytes make a table larger than they are.
template <typename Archive>
void DescriptorTable::WalkPiece(Archive& archive, PiecePtr& piece, unsigned height,
                                std::int64_t first_fd) {
  constexpr bool kReads = std::is_same_v<Archive, ArchiveReader>;
  PiecePtr none;
  PiecePtr& whole = piece == nullptr || IsEmpty(*piece) ? none : piece;
  PiecePtr& target = kReads ? piece : whole;
  const std::uint64_t place = static_cast<std::uint64_t>(first_fd) * 8 + height + 1;
  archive.Shared(
      target, place, [&] { return std::make_shared<Piece>(height); },
      [&](Archive& inner, Piece& content) {
        if constexpr (kReads) {
          if (height == 0 && !inner.Charge(sizeof(*content.own))) return;
        }
        std::uint32_t used = 0;
        for (std::size_t slot = 0; slot < kFan; ++slot) {
          const bool there =
              height > 0 ? content.pieces[slot] != nullptr && !IsEmpty(*content.pieces[slot])
                         : (*content.own)[slot].has_value();
          used |= there ? std::uint32_t{1} << slot : 0;
        }
        inner(used);
        for (std::size_t slot = 0; slot < kFan; ++slot) {
          if ((used & std::uint32_t{1} << slot) == 0) continue;
          if (height > 0) {
            WalkPiece(inner, content.pieces[slot], height - 1,
                      first_fd + static_cast<std::int64_t>(slot) * SlotWidth(height));
          } else {
            std::optional<Descriptor>& descriptor = (*content.own)[slot];
            if (!descriptor) descriptor.emplace();
            inner(*descriptor);
          }
        }
      });
}

template void DescriptorTable::Walk(ArchiveWriter& archive);
template void DescriptorTable::Walk(ArchiveReader& archive);

}  // namespace spoor::ingest
