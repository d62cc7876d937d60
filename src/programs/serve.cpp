// SPDX-License-Identifier: Apache-2.0
// spoor serve: takes sealed batches from many sensors into one evidence log, and serves the pages
// and the API over it; --read-only: those alone, over any store.
#include <malloc.h>

#include "analysis/resident_ingest.hpp"
#include "base/store_layout.hpp"
#include "collector/quota.hpp"
#include "collector/retention_keeper.hpp"
#include "collector/server.hpp"
#include "ingest/catch_up.hpp"
#include "programs/listener.hpp"
#include "programs/open_store.hpp"
#include "programs/print.hpp"
#include "programs/retention_options.hpp"
#include "programs/serve_pages.hpp"
#include "programs/stop_signals.hpp"
#include "programs/subcommand.hpp"
#include "witness/cosigner.hpp"

namespace spoor::programs {
namespace {

struct ServeOptions {
  std::string store;
  std::string listen = "127.0.0.1:8443";
  std::string keys;
  std::string authority;
  std::vector<std::string> witnesses;
  std::string origin;
  RetentionOptions retention;
  std::uint64_t sensor_bytes_per_day = 0;
  bool append_only_attribute = false;
  bool read_only = false;
  bool live = false;
  PagesOptions pages;
};

void Narrate(const std::string& line) {
  PrintError("spoor serve: {}\n", line);
}

/// Nothing when there are no witnesses to ask.
Result<std::unique_ptr<witness::Cosigner>> StartCosigner(const ServeOptions& options) {
  witness::Cosigner::Options wanted{
      .store = StoreLayout{options.store}, .witnesses = {}, .narrate = Narrate};
  for (const std::string& text : options.witnesses) {
    ASSIGN_OR_RETURN(witness::WitnessAddress address, witness::WitnessAddress::Parse(text));
    wanted.witnesses.push_back(std::move(address));
  }
  if (wanted.witnesses.empty()) return nullptr;
  return witness::Cosigner::Start(std::move(wanted));
}

// Bodies and batches come and go in blocks of up to 4 MiB. Given back to the system each time, they
// would be zeroed and faulted in again for each: a tenth of the collector's work.
void KeepFreedMemory() {
  mallopt(M_MMAP_THRESHOLD, 8 << 20);
  mallopt(M_TRIM_THRESHOLD, 16 << 20);
  mallopt(M_ARENA_MAX, 4);
}

/// What arrives in the store is ingested for as long as this lives.
std::unique_ptr<analysis::ResidentIngest> StartIngest(const ServeOptions& options) {
  return analysis::ResidentIngest::Start({.store = StoreLayout{options.store}, .tell = Narrate});
}

/// The pages and the API alone. What the evidence has and the tables have not is ingested first, as
/// before any question; where that cannot be, what is not shown is told. So is what arrives while
/// they are served.
Result<ExitCode> ServeReadOnly(const ServeOptions& options) {
  StopSignals signals;
  { ASSIGN_OR_RETURN(const analysis::ReadableStore store, OpenStoreForReading(options.store)); }
  const bool live = options.live || ingest::HasWriter(StoreLayout{options.store});
  ASSIGN_OR_RETURN(const std::unique_ptr<api::Service> pages,
                   StartPages(options.pages, options.listen, options.store, live));
  const auto ingest = StartIngest(options);
  PrintError("spoor serve: the pages of {}; Ctrl-C ends it\n", options.store);
  AnnouncePages(options.pages, options.listen, *pages, "listening");
  signals.Wait();
  pages->Stop();
  ingest->Stop();
  return ExitCode::kDone;
}

Result<ExitCode> Serve(const ServeOptions& options) {
  if (options.read_only) return ServeReadOnly(options);
  if (options.keys.empty()) {
    return Fail(ErrorCode::kInvalidArgument, "--keys is required, but for --read-only");
  }
  KeepFreedMemory();
  ASSIGN_OR_RETURN(const ListenAddress listen, ListenAddress::Parse(options.listen));
  // Before threads are made, so that they inherit the mask.
  StopSignals signals;
  const keys::IdentityLayout identity{options.keys};
  collector::Intake::Options intake_options{.store = StoreLayout{options.store},
                                            .escrow_private = nullptr,
                                            .origin = options.origin,
                                            .root = nullptr,
                                            .append_only_attribute = options.append_only_attribute,
                                            .sensor_bytes_per_day = options.sensor_bytes_per_day,
                                            .narrate = Narrate};
  ASSIGN_OR_RETURN(intake_options.escrow_private, keys::LoadPrivateKey(identity.escrow_private()));
  ASSIGN_OR_RETURN(intake_options.root, keys::LoadCertificate(identity.root()));
  ASSIGN_OR_RETURN(const auto intake, collector::Intake::Open(std::move(intake_options)));
  ASSIGN_OR_RETURN(const auto cosigner, StartCosigner(options));
  std::unique_ptr<collector::RetentionKeeper> keeper;
  if (options.retention.given()) {
    ASSIGN_OR_RETURN(collector::RetentionPolicy policy, options.retention.Policy());
    keeper = collector::RetentionKeeper::Start({.store = StoreLayout{options.store},
                                                .policy = std::move(policy),
                                                .by = WhoRemoves("spoor serve"),
                                                .narrate = Narrate},
                                               *intake);
  }
  collector::Server::Options server_options{.address = listen.address,
                                            .port = listen.port,
                                            .identity = identity,
                                            .authority = std::nullopt,
                                            .cosigner = cosigner.get()};
  if (!options.authority.empty()) server_options.authority = options.authority;
  ASSIGN_OR_RETURN(const auto server, collector::Server::Start(server_options, *intake));
  const collector::Intake::Counts before = intake->counts();
  PrintError("spoor serve: {} entries and {} chains in {}{}; Ctrl-C ends it\n", before.log_size,
             before.chains, options.store, options.authority.empty() ? "" : "; enrols sensors");
  PrintOut("listening https://{}:{}\n", options.listen.substr(0, options.listen.rfind(':')),
           server->port());
  static_cast<void>(FlushOut());
  const auto ingest = StartIngest(options);
  std::unique_ptr<api::Service> pages;
  if (!options.pages.listen.empty()) {
    ASSIGN_OR_RETURN(pages,
                     StartPages(options.pages, options.pages.listen, options.store, /*live=*/true));
    AnnouncePages(options.pages, options.pages.listen, *pages, "pages");
  }
  signals.Wait();
  if (pages != nullptr) pages->Stop();
  ingest->Stop();
  keeper.reset();
  intake->Stop();
  if (cosigner != nullptr) cosigner->Stop();
  server->Stop();
  const collector::Intake::Counts counts = intake->counts();
  PrintError("spoor serve: ended; {} frames taken, {} seen again, {} refused\n",
             counts.frames_taken, counts.frames_duplicate, counts.frames_refused);
  return ExitCode::kDone;
}

}  // namespace

void RegisterServe(CLI::App& application, Action& action) {
  CLI::App* subcommand = application.add_subcommand(
      "serve", "collect what sensors ship, and serve the pages and the API over a store");
  const auto options = std::make_shared<ServeOptions>();
  AddStoreOption(*subcommand, options->store, "--store");
  subcommand->add_option("--listen", options->listen, "where; port 0 takes a free one")
      ->type_name("ADDR:PORT")
      ->capture_default_str();
  CLI::Option* const keys =
      subcommand->add_option("--keys", options->keys, "the collector's keys (spoor keys collector)")
          ->type_name("DIR");
  subcommand
      ->add_flag("--read-only", options->read_only,
                 "collect nothing: the pages and the API at --listen, over any store")
      ->excludes(keys);
  subcommand
      ->add_flag(
          "--live", options->live,
          "with --read-only: the store grows meanwhile (spoor import, spoor record), and the "
          "pages tell what arrives; default: whether somebody writes to it at the start")
      ->excludes(keys);
  subcommand
      ->add_option("--authority", options->authority,
                   "enrol sensors with tokens of this authority (spoor keys enrol-token)")
      ->type_name("DIR");
  subcommand
      ->add_option("--origin", options->origin,
                   "the log's name at first use, as the URL it is published at without its scheme; "
                   "default: made from its key")
      ->type_name("NAME");
  subcommand
      ->add_option("--witness", options->witnesses,
                   "have this witness cosign the log (spoor witness); may be repeated")
      ->type_name("URL=VKEYFILE")
      ->expected(1)
      ->take_all();
  options->pages.AddTo(*subcommand);
  options->retention.AddTo(*subcommand);
  subcommand
      ->add_option(
          "--sensor-bytes-per-day", options->sensor_bytes_per_day,
          "a sensor that sends more is told to come later, and keeps it: 20G; at least 1M; "
          "default: no limit")
      ->type_name("SIZE")
      ->transform(CLI::AsSizeValue(false))
      ->check(CLI::Range(collector::Quota::kBytesPerDayMin, UINT64_MAX));
  subcommand->add_flag(
      "--append-only-attribute", options->append_only_attribute,
      "chattr +a what grows in the log and +i what is complete: not even root then "
      "changes it by accident (needs CAP_LINUX_IMMUTABLE and ext4, XFS or Btrfs)");
  subcommand->footer(
      "Examples:\n"
      "  spoor serve --listen 0.0.0.0:8443 --store /var/lib/spoor \\\n"
      "              --keys spoor-keys/collectors/hub --authority spoor-keys\n"
      "  spoor serve --read-only --store demo-store --listen 127.0.0.1:8080 --insecure-local\n"
      "prints the address it listens at. The store can be read and verified meanwhile.");
  subcommand->callback([options, &action] { action = [options] { return Serve(*options); }; });
}

}  // namespace spoor::programs
