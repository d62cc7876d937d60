// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "undo/plan.hpp"

/// A plan as people and programs read it.
namespace spoor::undo {

/// A POSIX shell script in ASCII. Without --apply it changes nothing and tells what it would do;
/// it checks before each action that things are as they were left, keeps what it moves, and has
/// everything that is not certain commented out with the reason. `notes`: sentences for its head
/// (gaps).
std::string RenderScript(const Plan& plan, const std::vector<std::string>& notes);

/// One line for each change: its number in the script, whether it is certain, what and where.
std::string RenderList(const Plan& plan);

/// One object: docs/formats/undo.md.
nlohmann::ordered_json ToJson(const Plan& plan);

}  // namespace spoor::undo
