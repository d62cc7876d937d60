// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace spoor::event {

/// In `flags` of an open with O_CREAT, beside those of the call: the file was made, or was there.
/// Neither where that is not known.
inline constexpr int kOpenCreated = 0x40000000;
inline constexpr int kOpenFound = 0x20000000;

/// In `flags` of an exec: the program had no name any more.
inline constexpr int kExecDeleted = 1;

}  // namespace spoor::event
