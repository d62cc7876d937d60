// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "event/event.hpp"

namespace spoor::causality {

/// Which way something flows in an event of a kind.
enum class Shape : std::uint8_t { kNone, kObjectToProcess, kProcessToObject, kProcessToProcess };

/// The rules of dependence (docs/design/0004-causal-rules.md). An open counts only when it creates
/// or truncates: Graph::Load looks at its flags.
constexpr Shape ShapeOf(event::EventKind kind) {
  using enum event::EventKind;
  switch (kind) {
    case kRead:
    case kRecv:
    case kExec:
    case kAccept:
      return Shape::kObjectToProcess;
    case kWrite:
    case kSend:
    case kConnect:
    case kOpen:
    case kChmod:
    case kChown:
    case kRename:
    case kLink:
    case kSymlink:
    case kTruncate:
    case kUnlink:
    case kMkdir:
    case kMknod:
    case kSetAttribute:
    case kMount:
      return Shape::kProcessToObject;
    case kFork:
    case kSignal:
      return Shape::kProcessToProcess;
    default:
      return Shape::kNone;
  }
}

/// Flows that bring a process new input from whoever is at the other end.
constexpr bool IsInputKind(event::EventKind kind) {
  using enum event::EventKind;
  return kind == kRead || kind == kRecv || kind == kAccept;
}

}  // namespace spoor::causality
