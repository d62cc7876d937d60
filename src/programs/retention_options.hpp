// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "collector/retention.hpp"

namespace spoor::programs {

/// --keep, --keep-bytes and --remove-everything, as `spoor retain` and `spoor serve` take them.
struct RetentionOptions {
  std::string keep;
  std::string keep_bytes;
  bool remove_everything = false;  ///< --keep 0 and --keep-bytes 0 are meant

  void AddTo(CLI::App& subcommand);
  bool given() const { return !keep.empty() || !keep_bytes.empty(); }
  /// Fails: kInvalidArgument (also: it keeps nothing, and that is not said to be meant).
  Result<collector::RetentionPolicy> Policy() const;
};

/// "spoor retain as root (uid 0)": who a retention entry names.
std::string WhoRemoves(const std::string& command);

}  // namespace spoor::programs
