// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace spoor {

/// Base64 of RFC 4648 section 4, with padding.
std::string ToBase64(std::string_view bytes);
/// Nothing when `text` is not exactly what ToBase64 makes.
std::optional<std::string> FromBase64(std::string_view text);

}  // namespace spoor
