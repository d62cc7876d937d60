// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_set>

namespace spoor::ingest {

/// What a descriptor stands for.
struct Descriptor {
  std::int64_t object_id = 0;
  std::uint64_t serial = 0;  ///< another for each open, dup …: tells uses of one number apart
  bool close_on_exec = false;
  bool pty_master = false;
};

/// The descriptors of a process, by number. What a fork inherits is shared, and copied piece by
/// piece where one of the two changes it: a child costs nothing, whatever its parent has open.
class DescriptorTable {
 public:
  /// Null: not known. Valid until the table changes.
  const Descriptor* Find(std::int32_t fd) const;
  /// `fd` ≥ 0.
  void Set(std::int32_t fd, const Descriptor& descriptor);
  /// Of both ends and all between them.
  void Close(std::int32_t first_fd, std::int32_t last_fd);
  void SetCloseOnExec(std::int32_t first_fd, std::int32_t last_fd);
  void CloseOnExec();
  void Clear() { *this = DescriptorTable(); }
  /// Takes over what `parent` has and this has not.
  void Inherit(const DescriptorTable& parent);

  /// Which pieces were looked at already, and what was found in them.
  struct Objects {
    std::unordered_set<const void*> pieces;
    std::unordered_set<std::int64_t> object_ids;
  };
  /// Adds the objects of all descriptors. A piece that tables share is looked at once.
  void AddObjects(Objects& objects) const;

  /// Its state for base/archive.hpp. Tables that are written into one archive share what they
  /// share.
  template <typename Archive>
  void Walk(Archive& archive);

 private:
  struct Piece;
  using PiecePtr = std::shared_ptr<Piece>;
  using Change = std::function<std::optional<Descriptor>(const Descriptor&)>;
  struct Range {
    std::int64_t first, last;
  };

  void ChangeAll(const Range& range, const Change& change);
  static PiecePtr Changed(const PiecePtr& piece, unsigned height, const Range& range,
                          const Change& change);
  static void Set(PiecePtr& piece, unsigned height, std::int64_t fd, const Descriptor& descriptor);
  static void ForEach(const Piece& piece, unsigned height, std::int64_t first_fd,
                      const std::function<void(std::int32_t, const Descriptor&)>& visit);
  static void AddObjects(const Piece& piece, Objects& objects);
  static bool IsEmpty(const Piece& piece);
  template <typename Archive>
  static void WalkPiece(Archive& archive, PiecePtr& piece, unsigned height, std::int64_t first_fd);

  PiecePtr root_;
  unsigned height_ = 0;  // of the root: it holds the numbers below kFan^(height_ + 1)
};

}  // namespace spoor::ingest
