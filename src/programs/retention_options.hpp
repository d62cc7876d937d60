// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "collector/retention.hpp"

namespace spoor::programs {

/// --keep and --keep-bytes, as `spoor retain` and `spoor serve` take them.
struct RetentionOptions {
  std::string keep;
  std::string keep_bytes;

  void AddTo(CLI::App& subcommand);
  bool given() const { return !keep.empty() || !keep_bytes.empty(); }
  /// Fails: kInvalidArgument.
  Result<collector::RetentionPolicy> Policy() const;
};

/// "spoor retain as root (uid 0)": who a retention entry names.
std::string WhoRemoves(const std::string& command);

}  // namespace spoor::programs
