// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "causal_index/index.hpp"

namespace spoor::store {
class Store;
}

namespace spoor::causal_index {

struct OpenIndexOptions {
  /// Called with how many events were looked at, and of how many; may be empty.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress = {};
  /// Hears one sentence of each file that is not what it must be; may be empty.
  std::function<void(const std::string&)> tell = {};
  /// Believes no file that is there.
  bool anew = false;
};

/// The index of `store`. What STORE/index has of it is checked and mapped; what is missing, or is
/// not what it must be, is made of the segments, and written there where the folder is ours to
/// write; files of segments that are gone are removed. Of a store that is somebody else's no file
/// is believed. Fails: kCorrupt (a segment), kUnsupported (too many events), kUnavailable.
Result<std::shared_ptr<const Index>> OpenIndex(store::Store& store,
                                               const OpenIndexOptions& options = {});

/// Makes again what STORE/index has of the segments of `store` and compares: a file that was made
/// up has a digest that fits, too. Returns how many files are there and are what the segments give;
/// of a store that is somebody else's none is looked at, for none is believed. Costs what making
/// the index costs. Fails: kUnverified (a file is not what the segments give), as OpenIndex.
Result<std::uint64_t> CheckIndex(store::Store& store);

}  // namespace spoor::causal_index
