// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

/// What tools write instead of the numbers of calls of Linux.
namespace spoor::importers {

/// "ENOENT", also with words behind it ("ENOENT(No such file or directory)"), as the number.
std::optional<int> ErrnoOf(std::string_view name);
/// "SIGKILL".
std::optional<int> SignalOf(std::string_view name);
/// "O_WRONLY|O_CREAT"; none: a word that is no flag of open(2).
std::optional<std::uint64_t> OpenFlagsOf(std::string_view names);

}  // namespace spoor::importers
