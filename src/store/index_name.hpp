// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

/// Names of files in STORE/index: "KIND-DIGEST", the digest (64 hex digits) of what the file was
/// derived from. docs/formats/causal-index.md.
namespace spoor::store {

std::string FormatIndexName(std::string_view kind, std::string_view sha256);

/// Whether `name` is that of such a file, or of one that was being written (TemporaryPathFor).
bool IsIndexName(std::string_view name);

}  // namespace spoor::store
