// SPDX-License-Identifier: Apache-2.0
// spoor witness: cosigns the checkpoints of logs, so that none can show two histories.
#include <fmt/format.h>

#include "programs/listener.hpp"
#include "programs/print.hpp"
#include "programs/stop_signals.hpp"
#include "programs/subcommand.hpp"
#include "witness/request.hpp"
#include "witness/witness.hpp"

namespace spoor::programs {
namespace {

constexpr std::size_t kAnswersMax = 32;

struct WitnessOptions {
  Listener listener{.listen = "127.0.0.1:8444"};
  std::string state;
  std::string name;
  std::vector<std::string> logs;
};

Result<ExitCode> RunWitness(const WitnessOptions& options) {
  witness::Witness::Options wanted{
      .folder = options.state,
      .name = options.name,
      .logs = {},
      .narrate = [](const std::string& line) { PrintError("spoor witness: {}\n", line); }};
  for (const std::string& file : options.logs) {
    ASSIGN_OR_RETURN(evidence::VerifierKey key,
                     evidence::VerifierKey::Load(file, evidence::KeyUse::kNote));
    wanted.logs.push_back(std::move(key));
  }
  // Before threads are made, so that they inherit the mask.
  StopSignals signals;
  ASSIGN_OR_RETURN(const auto witness, witness::Witness::Open(std::move(wanted)));
  ASSIGN_OR_RETURN(
      const auto server,
      options.listener.Start(
          kAnswersMax,
          {{.method = "GET",
            .pattern = "/{path...}",
            .answer = [&](const http::Request& request) { return witness->Answer(request.path); }},
           {.method = "POST",
            .pattern = "/add-checkpoint",
            .answer =
                [&](const http::Request& request) { return witness->AddCheckpoint(request.body); },
            .body_bytes_max = witness::kRequestBytesMax}}));
  PrintError("spoor witness: cosigns {} logs, remembers in {}; Ctrl-C ends it\n",
             options.logs.size(), options.state);
  PrintOut("witness {}\n", witness->verifier().Text());
  options.listener.Announce(*server);
  signals.Wait();
  server->Stop();
  return ExitCode::kDone;
}

}  // namespace

void RegisterWitness(CLI::App& application, Action& action) {
  CLI::App* subcommand = application.add_subcommand(
      "witness", "cosign the checkpoints of logs, each only if it extends the one before");
  const auto options = std::make_shared<WitnessOptions>();
  options->listener.AddOptions(*subcommand);
  subcommand
      ->add_option("--state", options->state,
                   "the key and what was cosigned last; made at first use. Never put it back to an "
                   "older copy")
      ->type_name("DIR")
      ->required();
  subcommand->add_option("--log", options->logs, "a log's verifier key (key/log.vkey); repeatable")
      ->type_name("VKEYFILE")
      ->required()
      ->expected(1)
      ->take_all();
  subcommand
      ->add_option("--name", options->name,
                   "the witness's name at first use; default: made from its key")
      ->type_name("NAME");
  subcommand->footer(
      "Prints its verifier key and where it listens. Run it on a machine that neither the\n"
      "collector's operator nor an intruder there can change. All it says is signed, so plain "
      "HTTP\n"
      "is usual. Protocol: C2SP tlog-witness.\n\n"
      "Example:\n"
      "  spoor witness --state /var/lib/spoor-witness --log hub.vkey --listen 0.0.0.0:8444\n");
  subcommand->callback([options, &action] { action = [options] { return RunWitness(*options); }; });
}

}  // namespace spoor::programs
