// SPDX-License-Identifier: Apache-2.0
// `spoor manual` and `spoor completion`: the man pages and the shell completion, made from the same
// declarations that parse the command line, so that they can't say anything else.
#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <vector>

#include "programs/print.hpp"
#include "programs/subcommand.hpp"

namespace spoor::programs {
namespace {

/// Text for troff: backslashes and a leading dot or quote would be commands.
std::string Roff(const std::string& text) {
  std::string out;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    out += c == '\\' ? "\\e" : c == '-' ? "\\-" : std::string(1, c);
    line_start = c == '\n';
  }
  return out;
}

std::vector<const CLI::App*> SubcommandsOf(const CLI::App& application) {
  const auto all = application.get_subcommands([](const CLI::App*) { return true; });
  return {all.begin(), all.end()};
}

void PrintOptions(const CLI::App& application) {
  for (const CLI::Option* option : application.get_options()) {
    const std::string name = option->get_name(/*positional=*/option->get_positional(), true);
    PrintText(fmt::format(".TP\n.B {}\n{}", Roff(name), Roff(option->get_description())));
    if (!option->get_default_str().empty()) {
      PrintOut(" (default: {})", Roff(option->get_default_str()));
    }
    PrintOut("\n");
  }
}

void PrintManual(const CLI::App& application, const CLI::App* subcommand) {
  const CLI::App& subject = subcommand != nullptr ? *subcommand : application;
  const std::string name =
      subcommand != nullptr ? "spoor-" + subcommand->get_name() : application.get_name();
  const std::string description = subject.get_description();
  const std::string summary = description.substr(0, description.find('\n'));
  PrintOut(".TH {} 1 \"\" \"spoor {}\"\n.SH NAME\n{} \\- {}\n", Roff(name), SPOOR_VERSION,
           Roff(name), Roff(summary));
  PrintOut(".SH SYNOPSIS\n.B spoor {}\n[OPTIONS]", subcommand ? subcommand->get_name() : "");
  for (const CLI::Option* option : subject.get_options()) {
    if (option->get_positional()) PrintOut(" {}", Roff(option->get_name(true)));
  }
  PrintText(fmt::format("\n.SH DESCRIPTION\n.nf\n{}\n.fi\n.SH OPTIONS\n", Roff(description)));
  PrintOptions(subject);
  if (subcommand == nullptr) {
    PrintOut(".SH SUBCOMMANDS\n");
    for (const CLI::App* each : SubcommandsOf(application)) {
      const std::string text = each->get_description();
      PrintOut(".TP\n.BR spoor\\-{} (1)\n{}\n", Roff(each->get_name()),
               Roff(text.substr(0, text.find('\n'))));
    }
  }
  const std::string footer =
      subject.get_footer().empty() ? application.get_footer() : subject.get_footer();
  PrintText(fmt::format(".SH NOTES\n.nf\n{}\n.fi\n", Roff(footer)));
}

std::string OptionWords(const CLI::App& application) {
  std::string words;
  for (const CLI::Option* option : application.get_options()) {
    for (const std::string& name : option->get_lnames()) words += " --" + name;
  }
  return words;
}

/// One function for bash; zsh reads it through bashcompinit.
void PrintBashCompletion(const CLI::App& application) {
  std::string names;
  std::string cases;
  for (const CLI::App* each : SubcommandsOf(application)) {
    names += " " + each->get_name();
    cases += fmt::format("    {}) words=\"{}\" ;;\n", each->get_name(), OptionWords(*each));
  }
  PrintText(fmt::format(
      R"BASH(# bash completion for spoor: source this, or put it into /etc/bash_completion.d
_spoor() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}} words=
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W "{}{}" -- "$word")
    return
  fi
  if [[ ${{COMP_WORDS[1]}} == query && $COMP_CWORD -ge 2 && $word != -* && $previous != --* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(spoor query --list --names 2>/dev/null)" -- "$word")
    return
  fi
  case ${{COMP_WORDS[1]}} in
{}  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
  fi
}}
complete -o filenames -F _spoor spoor
)BASH",
      names, OptionWords(application), cases));
}

}  // namespace

void RegisterManual(CLI::App& application, Action& action) {
  auto* manual =
      application.add_subcommand("manual",
                                 "Print a man page (troff): of spoor, or of one subcommand.\n\n"
                                 "  spoor manual track | man -l -");
  auto name = std::make_shared<std::string>();
  manual->add_option("SUBCOMMAND", *name, "the subcommand to describe");
  manual->callback([&application, &action, name] {
    action = [&application, name]() -> Result<ExitCode> {
      const CLI::App* subcommand = nullptr;
      for (const CLI::App* each : SubcommandsOf(application)) {
        if (each->get_name() == *name) subcommand = each;
      }
      if (subcommand == nullptr && !name->empty()) {
        return Fail(ErrorCode::kInvalidArgument, "no subcommand '{}'", *name);
      }
      PrintManual(application, subcommand);
      return ExitCode::kDone;
    };
  });

  auto* completion = application.add_subcommand(
      "completion",
      "Print the completion script for bash (zsh: after bashcompinit).\n\n"
      "  source <(spoor completion)");
  completion->callback([&application, &action] {
    action = [&application]() -> Result<ExitCode> {
      PrintBashCompletion(application);
      return ExitCode::kDone;
    };
  });
}

}  // namespace spoor::programs
