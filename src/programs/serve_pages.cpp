// SPDX-License-Identifier: Apache-2.0
#include "programs/serve_pages.hpp"

#include <fmt/format.h>

#include <array>

#include "base/time.hpp"
#include "http/tls.hpp"
#include "programs/listener.hpp"
#include "programs/print.hpp"

namespace spoor::programs {
namespace {

bool IsLoopback(const std::string& address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

/// The built UI beside this program: installed, else of the tree that it was built in.
std::filesystem::path UsualPages() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  const std::filesystem::path folder = program.parent_path();
  const std::array<std::filesystem::path, 2> places{folder / "../share/spoor/web",
                                                    folder / "../../web/dist"};
  for (const std::filesystem::path& place : places) {
    if (std::filesystem::exists(place / "index.html", error)) return place.lexically_normal();
  }
  return places.front().lexically_normal();
}

std::string UrlOf(const PagesOptions& options, const std::string& listen,
                  const api::Service& service) {
  return fmt::format("{}://{}:{}", options.certificate.empty() ? "http" : "https",
                     listen.substr(0, listen.rfind(':')), service.port());
}

}  // namespace

void PagesOptions::AddTo(CLI::App& subcommand) {
  const std::string group = "Pages and API";
  subcommand
      .add_option("--pages", listen, "beside the collector: serve the pages and the API here")
      ->type_name("ADDR:PORT")
      ->group(group);
  subcommand.add_option("--ui", ui, "the built pages; default: those installed with this program")
      ->type_name("DIR")
      ->group(group);
  subcommand
      .add_option("--state", state,
                  "analysts, their audit trail and pins; default: analysts in the store")
      ->type_name("DIR")
      ->group(group);
  CLI::Option* const with_certificate =
      subcommand.add_option("--certificate", certificate, "serve them over HTTPS with this (PEM)")
          ->type_name("FILE")
          ->group(group);
  CLI::Option* const with_key =
      subcommand.add_option("--private-key", private_key, "its key (PEM)")
          ->type_name("FILE")
          ->needs(with_certificate)
          ->group(group);
  with_certificate->needs(with_key);
  subcommand
      .add_option("--time-max", time_max,
                  "questions of pages end after 30 s, SQL and the library after 60 s, but not "
                  "before this")
      ->type_name("DURATION")
      ->capture_default_str()
      ->group(group);
  subcommand
      .add_flag("--insecure-local", insecure_local,
                "nobody signs in: whoever is on this machine may do everything; loopback only")
      ->group(group);
}

std::filesystem::path StateFolder(const std::string& state, const std::string& store) {
  return state.empty() ? std::filesystem::path(store) / "analysts" : std::filesystem::path(state);
}

Result<std::unique_ptr<api::Service>> StartPages(const PagesOptions& options,
                                                 const std::string& listen,
                                                 const std::string& store, bool live) {
  ASSIGN_OR_RETURN(const ListenAddress where, ListenAddress::Parse(listen));
  const bool loopback = IsLoopback(where.address);
  if (options.insecure_local && !loopback) {
    return Fail(ErrorCode::kInvalidArgument,
                "--insecure-local: {} can be reached from other machines; take 127.0.0.1 or [::1]",
                where.address);
  }
  if (options.certificate.empty() && !loopback) {
    return Fail(ErrorCode::kInvalidArgument,
                "{} can be reached from other machines: give --certificate and --private-key, or "
                "take 127.0.0.1 and reach it over ssh",
                where.address);
  }
  ASSIGN_OR_RETURN(const std::int64_t time_ns, ParseDuration(options.time_max));
  api::Service::Options wanted;
  wanted.time_max = std::chrono::milliseconds(time_ns / 1'000'000);
  wanted.store = store;
  wanted.state = StateFolder(options.state, store);
  wanted.pages = options.ui.empty() ? UsualPages() : std::filesystem::path(options.ui);
  wanted.address = where.address;
  wanted.port = where.port;
  if (!options.certificate.empty()) {
    ASSIGN_OR_RETURN(wanted.tls, http::OpenPublicContext(options.certificate, options.private_key));
  }
  wanted.everybody = options.insecure_local;
  wanted.live = live;
  wanted.version = SPOOR_VERSION;
  wanted.tell = [](const std::string& sentence) { PrintError("spoor serve: {}\n", sentence); };
  return api::Service::Start(std::move(wanted));
}

void AnnouncePages(const PagesOptions& options, const std::string& listen,
                   const api::Service& service, const std::string& name) {
  const std::string url = UrlOf(options, listen, service);
  PrintOut("{} {}\n", name, url);
  if (const std::string token = service.set_up_token(); !token.empty()) {
    PrintOut("set-up {}/set-up?token={}\n", url, token);
  }
  static_cast<void>(FlushOut());
}

}  // namespace spoor::programs
