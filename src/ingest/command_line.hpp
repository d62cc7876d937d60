// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace spoor::ingest {

/// The arguments as a shell would take them back: joined by spaces, quoted where needed.
std::string CommandLine(const std::vector<std::string>& arguments);

}  // namespace spoor::ingest
