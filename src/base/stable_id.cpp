// SPDX-License-Identifier: Apache-2.0
#include "base/stable_id.hpp"

#include <xxhash.h>

namespace spoor {

StableIdBuilder::StableIdBuilder(std::string_view kind) {
  Add(kind);
}

StableIdBuilder& StableIdBuilder::Add(std::uint64_t value) {
  for (unsigned shift = 0; shift < 64; shift += 8) {
    input_.push_back(static_cast<char>(value >> shift));
  }
  return *this;
}

StableIdBuilder& StableIdBuilder::Add(std::string_view text) {
  Add(static_cast<std::uint64_t>(text.size()));
  input_.append(text);
  return *this;
}

std::int64_t StableIdBuilder::Build() const {
  constexpr std::uint64_t kSeed = 0x53706f6f72;  // "Spoor"
  const auto id =
      static_cast<std::int64_t>(XXH3_64bits_withSeed(input_.data(), input_.size(), kSeed) >> 1);
  return id == 0 ? 1 : id;
}

}  // namespace spoor
