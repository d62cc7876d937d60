// SPDX-License-Identifier: Apache-2.0
// spoor: one program with subcommands, as git and perf are. stdout is data, stderr is narration.
#include <fmt/format.h>

#include <csignal>
#include <exception>
#include <sstream>

#include "programs/print.hpp"
#include "programs/subcommand.hpp"

namespace {

using spoor::ExitCode;
using spoor::programs::PrintError;

/// Help and version are printed; a wrong command line ends as one line that names the word.
int EndParsing(const CLI::App& application, const CLI::ParseError& error) {
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
    std::ostringstream text;
    application.exit(error, text, text);
    spoor::programs::PrintText(text.str());
    return static_cast<int>(spoor::programs::FlushOut() ? ExitCode::kDone : ExitCode::kCannotRun);
  }
  std::string command = application.get_name();
  const CLI::App* chosen = &application;
  while (!chosen->get_subcommands().empty()) {
    chosen = chosen->get_subcommands().front();
    command += " " + chosen->get_name();
  }
  std::string message = error.what();
  // CLI11 looks for what is missing first, and so would not name the word that is wrong.
  const std::vector<std::string> words = chosen->remaining();
  if (error.get_name() == "RequiredError" && !words.empty()) {
    const bool takes_subcommand = chosen->get_require_subcommand_min() > 0;
    message = fmt::format("{} '{}'",
                          words.front().starts_with('-') ? "no option"
                          : takes_subcommand             ? "no subcommand"
                                                         : "unexpected word",
                          words.front());
  }
  PrintError("{}: {} ({} --help)\n", command, message, command);
  return static_cast<int>(ExitCode::kUsage);
}

int Run(int argc, char** argv) {
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
    return EndParsing(application, error);
  }
  spoor::Result<ExitCode> result = action();
  if (const spoor::Result<> flushed = spoor::programs::FlushOut(); result && !flushed) {
    result = tl::unexpected<spoor::Error>(flushed.error());
  }
  if (result) return static_cast<int>(*result);
  PrintError("spoor {}: {}\n", application.get_subcommands().front()->get_name(),
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
    PrintError("spoor: {}\n", error.what());
    return static_cast<int>(spoor::ExitCode::kCannotRun);
  }
}
