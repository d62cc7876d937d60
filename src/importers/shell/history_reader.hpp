// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string_view>

#include "event/event_source.hpp"
#include "importers/text/import_options.hpp"

namespace spoor::importers {

/// Reads what shells remember of typed commands: bash, with the times that HISTTIMEFORMAT makes it
/// keep ("#1700000000" before a command) or without any, and zsh (": 1700000000:0;command"). Each
/// line is a line of "shell_history USER", the user being whose home the file's name lies in, as
/// far as that tells. Who can write the file can write anything into it.
std::unique_ptr<event::EventSource> MakeHistoryReader(const ImportOptions& options);
/// Of a file that has times. Without, only its name tells: IsHistoryName.
bool LooksLikeHistory(std::string_view first_bytes);
/// ".bash_history", "zsh_history.1": `file_name` is without folders.
bool IsHistoryName(std::string_view file_name);

}  // namespace spoor::importers
