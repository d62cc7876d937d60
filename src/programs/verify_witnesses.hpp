// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

#include "analysis/outside_views.hpp"

/// The part of `spoor verify` that asks others (analysis/outside_views.hpp): its flags and lines.
namespace spoor::programs {

void AddOptions(CLI::App& subcommand, analysis::OutsideViews& views);
void PrintOutsideReport(const analysis::OutsideReport& report);

}  // namespace spoor::programs
