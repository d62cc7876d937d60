// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace spoor::undo {

/// What every script begins with behind its comments: its options, and a function for each action.
std::string_view ScriptHead();
/// What it ends with.
std::string_view ScriptEnd();

}  // namespace spoor::undo
