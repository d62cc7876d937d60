// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "event/event.hpp"

namespace spoor::event {

/// Turns the bytes of a foreign file into events; one object for one file. Not thread-safe.
class EventSource {
 public:
  virtual ~EventSource() = default;
  /// Takes the next bytes (any number, cut anywhere) and appends the events that they complete.
  /// Fails: kCorrupt, saying where in the file; then it takes nothing more.
  virtual Result<> Feed(std::span<const std::byte> bytes, std::vector<Event>& events) = 0;
  /// There are no more bytes. Fails: kCorrupt when the file ends in the middle of something.
  virtual Result<> Finish(std::vector<Event>& events) = 0;
};

}  // namespace spoor::event
