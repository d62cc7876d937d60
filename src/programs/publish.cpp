// SPDX-License-Identifier: Apache-2.0
// spoor publish: a store's log over HTTP, for readers who check everything themselves.
#include <fmt/format.h>

#include <filesystem>

#include "base/exists.hpp"
#include "base/store_layout.hpp"
#include "programs/listener.hpp"
#include "programs/print.hpp"
#include "programs/stop_signals.hpp"
#include "programs/subcommand.hpp"
#include "witness/publication.hpp"

namespace spoor::programs {
namespace {

// Each may hold a bundle of 16 MiB.
constexpr std::size_t kAnswersMax = 16;

struct PublishOptions {
  std::string store;
  Listener listener{.listen = "127.0.0.1:8480"};
  std::size_t cosignatures_min = 0;
  bool hashes_only = false;
};

Result<ExitCode> Publish(const PublishOptions& options) {
  const StoreLayout layout{options.store};
  ASSIGN_OR_RETURN(const bool log_is_there, Exists(layout.evidence() / evidence::kCheckpointName));
  if (!log_is_there) {
    return Fail(ErrorCode::kNotFound, "{}: no evidence log there", layout.evidence().string());
  }
  // Before threads are made, so that they inherit the mask.
  StopSignals signals;
  const witness::Publication publication({.evidence = layout.evidence(),
                                          .witnessed = layout.witnessed(),
                                          .entries = !options.hashes_only,
                                          .cosignatures_min = options.cosignatures_min});
  ASSIGN_OR_RETURN(
      const auto server,
      options.listener.Start(
          kAnswersMax,
          {{.method = "GET", .pattern = "/{path...}", .answer = [&](const http::Request& request) {
              return publication.Answer(request.path);
            }}}));
  PrintError("spoor publish: {} of {}, to read only; Ctrl-C ends it\n",
             options.hashes_only ? "hashes" : "hashes and entries", layout.evidence().string());
  options.listener.Announce(*server);
  signals.Wait();
  server->Stop();
  return ExitCode::kDone;
}

}  // namespace

void RegisterPublish(CLI::App& application, Action& action) {
  CLI::App* subcommand = application.add_subcommand(
      "publish", "serve a store's log read-only over HTTP, in the C2SP tlog-tiles layout");
  const auto options = std::make_shared<PublishOptions>();
  AddStoreOption(*subcommand, options->store);
  options->listener.AddOptions(*subcommand);
  subcommand
      ->add_option(
          "--cosignatures", options->cosignatures_min,
          "serve the newest checkpoint that has that many witnesses' cosignatures, not the "
          "newest of all")
      ->type_name("N")
      ->capture_default_str();
  subcommand->add_flag("--hashes-only", options->hashes_only,
                       "no entries: readers can hold the log to its word and see nothing of it");
  subcommand->footer(
      "Serves /checkpoint, /tile/L/N[.p/W] and /tile/entries/N[.p/W] while the log is written.\n"
      "Run it as a user of its own that may read STORE/evidence and STORE/witnessed and write "
      "nothing.\n"
      "Entries are what was recorded: whoever can connect reads it.\n\n"
      "Examples:\n"
      "  spoor publish --store /var/lib/spoor --listen 127.0.0.1:8480\n"
      "  spoor publish --store /var/lib/spoor --hashes-only --listen 0.0.0.0:8480\n");
  subcommand->callback([options, &action] { action = [options] { return Publish(*options); }; });
}

}  // namespace spoor::programs
