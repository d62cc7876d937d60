// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "contents/act.hpp"
#include "contents/image.hpp"

namespace spoor::contents {

/// What the file held after one process had written to it and before another wrote, or it was
/// emptied or shortened. Version 0, where there is one, was there before anything was written.
struct Version {
  std::int64_t version = 0;
  std::optional<std::int64_t> from_wall_ns = {}, until_wall_ns = {};
  std::optional<std::int64_t> process_id = {};
};

/// Goes from version to version.
class VersionWalk {
 public:
  /// `acts` in the order of their ends; must outlive the walk.
  explicit VersionWalk(std::span<const Act> acts) : acts_(acts) {}
  /// Goes to the end of the next version; false: there is none.
  bool Next();
  const Version& version() const { return version_; }
  /// The file at the end of the version.
  const Image& image() const { return image_; }
  /// How many of the acts made it.
  std::size_t act_count() const { return at_; }

 private:
  bool Begins(const Act& act) const;

  std::span<const Act> acts_;
  std::size_t at_ = 0;
  Version version_;
  bool begun_ = false;
  Image image_;
};

}  // namespace spoor::contents
