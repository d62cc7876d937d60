// SPDX-License-Identifier: Apache-2.0
#include "causality/rules.hpp"

#include <string>

namespace spoor::causality {

const std::array<RuleDescription, kRuleCount>& AllRules() {
  static const std::array<RuleDescription, kRuleCount> kRules{{
      {Rule::kNoiseObjects, "noise_objects",
       "objects that everybody uses and that carry nothing between processes: /dev/null, "
       "/dev/urandom, /proc, /sys, utmp, wtmp, lastlog, ld.so.cache, name service sockets; sockets "
       "of which no other end is known: netlink, unix without a name"},
      {Rule::kReadOnlyFiles, "read_only_files",
       "files that are read and were never written in the time looked at: libraries, "
       "configuration"},
      {Rule::kOwnExecImage, "own_exec_image",
       "program files that are executed and were never written in the time looked at: the box of "
       "the process names them"},
      {Rule::kTerminalSides, "terminal_sides",
       "what programs print on a terminal is read by its master end, not by the programs on it"},
      {Rule::kRemoteReplies, "remote_replies",
       "what arrives from a machine that was not recorded is not taken as caused by what was sent "
       "to it before"},
      {Rule::kLatestInput, "latest_input",
       "a process that reads from several connections acts on the one that the same thread last "
       "received from, not on all earlier ones"},
      {Rule::kHelperProcesses, "helper_processes",
       "processes that take from one process only and give to the same process only, with the "
       "pipes between them: $(id -u) in a shell"},
  }};
  return kRules;
}

Result<> RuleSet::Remove(std::string_view name) {
  std::string known;
  for (const RuleDescription& description : AllRules()) {
    if (description.name == name) {
      bits_ &= ~(1u << static_cast<unsigned>(description.rule));
      return {};
    }
    known += known.empty() ? "" : ", ";
    known += description.name;
  }
  return Fail(ErrorCode::kInvalidArgument, "no pruning rule '{}'; there are: {}", name, known);
}

}  // namespace spoor::causality
