// SPDX-License-Identifier: Apache-2.0
// spoor serve: takes sealed batches from many sensors into one evidence log.
#include <charconv>

#include "base/store_layout.hpp"
#include "collector/server.hpp"
#include "programs/stop_signals.hpp"
#include "programs/subcommand.hpp"

namespace spoor::programs {
namespace {

struct ServeOptions {
  std::string store;
  std::string listen = "127.0.0.1:8443";
  std::string keys;
  std::string authority;
};

struct ListenAddress {
  std::string address;
  int port = 0;
};

Result<ListenAddress> ParseListen(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  ListenAddress listen;
  bool good = colon != text.npos && colon != 0;
  if (good) {
    listen.address = text.substr(0, colon);
    if (listen.address.starts_with('[') && listen.address.ends_with(']')) {
      listen.address = listen.address.substr(1, listen.address.size() - 2);
    }
    const char* end = text.data() + text.size();
    const auto [stopped, status] = std::from_chars(text.data() + colon + 1, end, listen.port);
    good = status == std::errc{} && stopped == end && listen.port >= 0 && listen.port <= 65535;
  }
  if (!good) return Fail(ErrorCode::kInvalidArgument, "--listen {}: must be ADDRESS:PORT", text);
  return listen;
}

Result<ExitCode> Serve(const ServeOptions& options) {
  ASSIGN_OR_RETURN(const ListenAddress listen, ParseListen(options.listen));
  // Before threads are made, so that they inherit the mask.
  StopSignals signals;
  const keys::IdentityLayout identity{options.keys};
  collector::Intake::Options intake_options{
      .store = StoreLayout{options.store}, .escrow_private = nullptr, .root = nullptr};
  ASSIGN_OR_RETURN(intake_options.escrow_private, keys::LoadPrivateKey(identity.escrow_private()));
  ASSIGN_OR_RETURN(intake_options.root, keys::LoadCertificate(identity.root()));
  ASSIGN_OR_RETURN(const auto intake, collector::Intake::Open(std::move(intake_options)));
  collector::Server::Options server_options{.address = listen.address,
                                            .port = listen.port,
                                            .identity = identity,
                                            .authority = std::nullopt};
  if (!options.authority.empty()) server_options.authority = options.authority;
  ASSIGN_OR_RETURN(const auto server, collector::Server::Start(server_options, *intake));
  const collector::Intake::Counts before = intake->counts();
  fmt::print(stderr, "spoor serve: {} entries and {} chains in {}{}; Ctrl-C ends it\n",
             before.log_size, before.chains, options.store,
             options.authority.empty() ? "" : "; enrols sensors");
  fmt::print("listening https://{}:{}\n", options.listen.substr(0, options.listen.rfind(':')),
             server->port());
  std::fflush(stdout);
  signals.Wait();
  intake->Stop();
  server->Stop();
  const collector::Intake::Counts counts = intake->counts();
  fmt::print(stderr, "spoor serve: ended; {} frames taken, {} seen again, {} refused\n",
             counts.frames_taken, counts.frames_duplicate, counts.frames_refused);
  return ExitCode::kDone;
}

}  // namespace

void RegisterServe(CLI::App& application, Action& action) {
  CLI::App* subcommand = application.add_subcommand(
      "serve", "collect what sensors ship: verify its seals, make it evidence, acknowledge");
  const auto options = std::make_shared<ServeOptions>();
  AddStoreOption(*subcommand, options->store, "--store");
  subcommand->add_option("--listen", options->listen, "where; port 0 takes a free one")
      ->type_name("ADDR:PORT")
      ->capture_default_str();
  subcommand->add_option("--keys", options->keys, "the collector's keys (spoor keys collector)")
      ->type_name("DIR")
      ->required();
  subcommand
      ->add_option("--authority", options->authority,
                   "enrol sensors with tokens of this authority (spoor keys enrol-token)")
      ->type_name("DIR");
  subcommand->footer(
      "Example:\n"
      "  spoor serve --listen 0.0.0.0:8443 --store /var/lib/spoor \\\n"
      "              --keys spoor-keys/collectors/hub --authority spoor-keys\n"
      "prints the address it listens at. The store can be read and verified meanwhile.");
  subcommand->callback([options, &action] { action = [options] { return Serve(*options); }; });
}

}  // namespace spoor::programs
