// SPDX-License-Identifier: Apache-2.0
// spoor: one program with subcommands, as git and perf are. stdout is data, stderr is narration.
#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <exception>

#include "programs/subcommand.hpp"

namespace {

int Run(int argc, char** argv) {
  using spoor::ExitCode;
  CLI::App application{"Spoor reconstructs intrusions on Linux hosts from what the kernel saw."};
  application.name("spoor");
  application.set_version_flag("--version", "spoor " SPOOR_VERSION);
  application.require_subcommand(1);
  application.footer(
      "Exit codes: 0 done, 1 the answer is none, 2 usage, 3 evidence does not verify,\n"
      "4 evidence incomplete (a gap overlaps the answer), 5 could not run.");
  spoor::programs::Action action;
  for (const auto& add : spoor::programs::Subcommands()) add(application, action);
  try {
    application.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = application.exit(error);
    return code == 0 ? 0 : static_cast<int>(ExitCode::kUsage);
  }
  const spoor::Result<ExitCode> result = action();
  if (result) return static_cast<int>(*result);
  fmt::print(stderr, "spoor {}: {}\n", application.get_subcommands().front()->get_name(),
             result.error().message);
  return static_cast<int>(spoor::ExitCodeOf(result.error()));
}

}  // namespace

int main(int argc, char** argv) {
  // A reader that goes away (spoor query … | head) ends the write with an error, not the program.
  std::signal(SIGPIPE, SIG_IGN);
  // A file that reaches its limit (ulimit -f) ends the write with an error, too.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return Run(argc, argv);
  } catch (const std::exception& error) {  // no memory, stdout closed: nothing else gets here
    std::fputs("spoor: ", stderr);
    std::fputs(error.what(), stderr);
    std::fputc('\n', stderr);
    return static_cast<int>(spoor::ExitCode::kCannotRun);
  }
}
