// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "event/event_source.hpp"

namespace spoor::importers {

/// A program that turns a binary file on its standard input into text on its standard output.
struct Client {
  std::string name;  ///< found by PATH
  std::vector<std::string> arguments;
  std::string package;  ///< that has it, for the error message
};

/// What a binary file for a client may be long.
inline constexpr std::uint64_t kClientFileBytesMax = std::uint64_t{1} << 30;

/// Hands the bytes to `inner`; of a file for which `is_binary` holds of the first 4 bytes, what
/// `client` makes of it. The client runs at the end of the file, with an environment of PATH,
/// TZ=UTC and LC_ALL=C alone and at most ten minutes of CPU time, and sees the file as its standard
/// input. Fails as `inner`, and kUnavailable (the client is not installed), kCorrupt (it failed, or
/// the file is too long for it), kIo.
std::unique_ptr<event::EventSource> MakeClientSource(Client client,
                                                     bool (*is_binary)(std::string_view beginning),
                                                     std::unique_ptr<event::EventSource> inner);

}  // namespace spoor::importers
