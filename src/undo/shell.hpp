// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

/// Text of others in a shell script that people read before they run it.
namespace spoor::undo {

/// `name=WORD` on one line: every POSIX shell then has exactly the bytes of `text` (no NUL) in it.
/// Printable ASCII stands in quotes; anything else is made of printf and octal numbers, so that no
/// byte of the script draws, hides or turns anything.
std::string ShellAssignment(std::string_view name, std::string_view text);

/// Text for a comment or a message: one line of ASCII.
std::string ShellComment(std::string_view text);

}  // namespace spoor::undo
