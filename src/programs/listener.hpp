// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "http/server.hpp"

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
  /// Serves `routes` to everybody; so many answers at a time. Fails: as http::Server::Start, and
  /// kNotFound, kCorrupt (certificate or key).
  Result<std::unique_ptr<http::Server>> Start(std::size_t answers_max,
                                              std::vector<http::Route> routes) const;
  /// Prints where it listens, with the port that it got.
  void Announce(const http::Server& server) const;
};

}  // namespace spoor::programs
