// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "api/service.hpp"
#include "base/result.hpp"

namespace spoor::programs {

/// The options of `spoor serve` that are about the API and the pages.
struct PagesOptions {
  std::string listen{};  ///< of the pages beside a collector; empty: there are none
  std::string ui{};
  std::string state{};
  std::string certificate{};
  std::string private_key{};
  std::string time_max = "10s";
  bool insecure_local = false;

  void AddTo(CLI::App& subcommand);
};

/// Where analysts, their audit trail and pins are kept: `state`, or a folder of the store.
std::filesystem::path StateFolder(const std::string& state, const std::string& store);

/// Serves the API and the pages of `store` at `listen`. `live`: sensors write to it meanwhile.
/// Fails: kInvalidArgument (an address that takes passwords or TLS), and as api::Service::Start.
Result<std::unique_ptr<api::Service>> StartPages(const PagesOptions& options,
                                                 const std::string& listen,
                                                 const std::string& store, bool live);

/// Prints where the pages are, and the set-up link where nobody can sign in yet.
void AnnouncePages(const PagesOptions& options, const std::string& listen,
                   const api::Service& service, const std::string& name);

}  // namespace spoor::programs
