// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.hpp"

namespace spoor::causality {

/// The named pruning rules (docs/pruning.md), in the order in which they are applied and in which
/// what they removed is counted.
enum class Rule : std::uint8_t {
  kNoiseObjects,
  kReadOnlyFiles,
  kOwnExecImage,
  kTerminalSides,
  kRemoteReplies,
  kLatestInput,
  kHelperProcesses,
};
inline constexpr std::size_t kRuleCount = 7;

struct RuleDescription {
  Rule rule;
  std::string_view name;
  std::string_view text;  ///< one sentence
};
const std::array<RuleDescription, kRuleCount>& AllRules();

/// Which rules are on; all of them to begin with.
class RuleSet {
 public:
  static RuleSet All() { return RuleSet((1u << kRuleCount) - 1); }
  static RuleSet None() { return RuleSet(0); }
  bool Has(Rule rule) const { return (bits_ >> static_cast<unsigned>(rule) & 1u) != 0; }
  RuleSet With(Rule rule) const { return RuleSet(bits_ | 1u << static_cast<unsigned>(rule)); }
  /// Fails: kInvalidArgument (no rule of that name; the message lists them).
  Result<> Remove(std::string_view name);

 private:
  explicit RuleSet(std::uint32_t bits) : bits_(bits) {}
  std::uint32_t bits_;
};

}  // namespace spoor::causality
