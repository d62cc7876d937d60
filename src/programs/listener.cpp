// SPDX-License-Identifier: Apache-2.0
#include "programs/listener.hpp"

#include <fmt/format.h>

#include <charconv>

#include "programs/print.hpp"

namespace spoor::programs {
namespace {

// Who sends half a request holds one, and costs a thread.
constexpr std::size_t kConnectionsMax = 256;

}  // namespace

Result<ListenAddress> ListenAddress::Parse(const std::string& text) {
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

void Listener::AddOptions(CLI::App& subcommand) {
  subcommand.add_option("--listen", listen, "where; port 0 takes a free one")
      ->type_name("ADDR:PORT")
      ->capture_default_str();
  CLI::Option* const with_certificate =
      subcommand.add_option("--certificate", certificate, "serve HTTPS with this (PEM)")
          ->type_name("FILE");
  CLI::Option* const with_key =
      subcommand.add_option("--private-key", private_key, "its key (PEM)")
          ->type_name("FILE")
          ->needs(with_certificate);
  with_certificate->needs(with_key);
}

Result<std::unique_ptr<http::Server>> Listener::Start(std::size_t answers_max,
                                                      std::vector<http::Route> routes) const {
  ASSIGN_OR_RETURN(const ListenAddress where, ListenAddress::Parse(listen));
  http::Server::Options options{
      .address = where.address,
      .port = where.port,
      .guests = {.places = {.of_all = kConnectionsMax, .of_one = kConnectionsMax},
                 .threads = kConnectionsMax,
                 .answers = {.of_all = answers_max, .of_one = answers_max}}};
  if (!certificate.empty()) {
    ASSIGN_OR_RETURN(options.context, http::OpenPublicContext(certificate, private_key));
  }
  return http::Server::Start(std::move(options), std::move(routes));
}

void Listener::Announce(const http::Server& server) const {
  PrintOut("listening {}://{}:{}\n", certificate.empty() ? "http" : "https",
           listen.substr(0, listen.rfind(':')), server.port());
  static_cast<void>(FlushOut());
}

}  // namespace spoor::programs
