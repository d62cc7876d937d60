// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace spoor::contents {

/// So many of a file's first bytes are looked at.
inline constexpr std::size_t kTypeBytesMax = 16 << 10;

/// What kind of file begins with `begin`, in the words of file(1): "ELF 64-bit LSB …". Empty:
/// nothing is known of such, there is no table of kinds on this machine, or `begin` is empty. Of
/// more than kTypeBytesMax the rest is not looked at. Text of somebody else's making may be in it.
std::string FileTypeOf(std::string_view begin);

}  // namespace spoor::contents
