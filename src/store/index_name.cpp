// SPDX-License-Identifier: Apache-2.0
#include "store/index_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "base/file.hpp"

namespace spoor::store {

std::string FormatIndexName(std::string_view kind, std::string_view sha256) {
  return fmt::format("{}-{}", kind, sha256);
}

bool IsIndexName(std::string_view name) {
  constexpr std::size_t kDigits = 64;
  for (const std::string_view kind : {"flows-", "nodes-"}) {
    const std::size_t size = kind.size() + kDigits;
    if (!name.starts_with(kind) || name.size() < size) continue;
    const std::string_view finished = name.substr(0, size);
    const bool digits = std::ranges::all_of(finished.substr(kind.size()), [](char digit) {
      return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
    });
    if (digits && (name == finished || IsTemporaryName(name, finished))) return true;
  }
  return false;
}

}  // namespace spoor::store
