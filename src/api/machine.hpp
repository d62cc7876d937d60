// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "api/json.hpp"

/// How the machine that serves is doing, as Linux tells.
namespace spoor::api {

/// As openapi.yaml has it (Health.machine). `store`: a path on the file system that holds the
/// store.
Json MachineJson(const std::filesystem::path& store);

/// Bytes under `name` ("MemTotal") in the text of /proc/meminfo; 0: it is not there.
std::int64_t MeminfoBytes(std::string_view meminfo, std::string_view name);
/// A field of /proc/mounts with its octal escapes as what they stand for.
std::string MountField(std::string_view field);

}  // namespace spoor::api
