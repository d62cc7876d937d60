// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace spoor {

/// A 63-bit id derived from a key: the same key has the same id in every run, tool and table, and
/// it fits the signed 64-bit integer of every database. 0 means "none" and is never derived.
/// XXH3 with a fixed seed; not a secret and not collision-proof against an adversary, which is why
/// the key itself is stored beside it.
class StableIdBuilder {
 public:
  /// `kind` keeps ids of different kinds of thing apart ("process", "object").
  explicit StableIdBuilder(std::string_view kind);
  StableIdBuilder& Add(std::uint64_t value);
  StableIdBuilder& Add(std::string_view text);
  std::int64_t Build() const;

 private:
  // Values as 8 little-endian bytes, texts as their length and then their bytes, so that no two
  // sequences of parts give the same input.
  std::string input_;
};

}  // namespace spoor
