// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "base/exit_code.hpp"

namespace spoor::programs {

/// What the chosen subcommand does once the whole command line has been accepted. An error is
/// printed as the one line "spoor NAME: message" and ends the program with ExitCodeOf(error).
using Action = std::function<Result<ExitCode>()>;

/// One subcommand, one file: declares its flags on the application and sets `action` when chosen.
using RegisterFunction = void (*)(CLI::App& application, Action& action);

/// All subcommands in the order of the help text (subcommands.cpp).
const std::vector<RegisterFunction>& Subcommands();

/// Adds `name` (default: $SPOOR_STORE, then ./spoor-store).
void AddStoreOption(CLI::App& subcommand, std::string& store, const char* name = "--store");

}  // namespace spoor::programs
