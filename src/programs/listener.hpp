// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "witness/http_server.hpp"

namespace spoor::programs {

/// Where a subcommand listens.
struct ListenAddress {
  std::string address;
  int port = 0;  ///< 0: any free one

  /// "ADDRESS:PORT", IPv6 in brackets. Fails: kInvalidArgument.
  static Result<ListenAddress> Parse(const std::string& text);
};

/// The options of a subcommand that serves strangers, and its server.
struct Listener {
  std::string listen;  ///< its default before AddOptions
  std::string certificate{};
  std::string private_key{};

  void AddOptions(CLI::App& subcommand);
  /// `limits`: all but the address and the certificate. Fails: as HttpServer::Start.
  Result<std::unique_ptr<witness::HttpServer>> Start(witness::HttpServer::Options limits,
                                                     witness::HttpServer::Routes routes) const;
  /// Prints where it listens, with the port that it got.
  void Announce(const witness::HttpServer& server) const;
};

}  // namespace spoor::programs
