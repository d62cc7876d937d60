// SPDX-License-Identifier: Apache-2.0
// spoor analyst: who may sign in where `spoor serve` serves the pages of a store.
#include "api/access.hpp"
#include "programs/print.hpp"
#include "programs/secret.hpp"
#include "programs/serve_pages.hpp"
#include "programs/subcommand.hpp"

namespace spoor::programs {
namespace {

struct AnalystOptions {
  std::string store;
  std::string state;
  std::string name;
  std::string role = "viewer";
  std::string password_file;
};

Result<std::unique_ptr<api::Access>> OpenAccess(const AnalystOptions& options) {
  return api::Access::Open({.folder = StateFolder(options.state, options.store)});
}

Result<ExitCode> Add(const AnalystOptions& options) {
  const std::optional<api::Role> role = api::ParseRole(options.role);
  if (!role) return Fail(ErrorCode::kInvalidArgument, "--role: there is no {}", options.role);
  ASSIGN_OR_RETURN(const auto access, OpenAccess(options));
  ASSIGN_OR_RETURN(const std::string password, ReadSecret(options.password_file, "password"));
  RETURN_IF_ERROR(access->AddUser(options.name, *role, password));
  PrintError("spoor analyst: {} may sign in as {}\n", options.name, options.role);
  return ExitCode::kDone;
}

Result<ExitCode> Remove(const AnalystOptions& options) {
  ASSIGN_OR_RETURN(const auto access, OpenAccess(options));
  RETURN_IF_ERROR(access->RemoveUser(options.name));
  return ExitCode::kDone;
}

Result<ExitCode> Token(const AnalystOptions& options) {
  ASSIGN_OR_RETURN(const auto access, OpenAccess(options));
  ASSIGN_OR_RETURN(const std::string token, access->AddToken(options.name));
  PrintOut("{}\n", token);
  return ExitCode::kDone;
}

Result<ExitCode> List(const AnalystOptions& options) {
  ASSIGN_OR_RETURN(const auto access, OpenAccess(options));
  const auto users = access->Users();
  for (const auto& [name, role] : users) PrintOut("{} {}\n", name, api::RoleName(role));
  return users.empty() ? ExitCode::kNone : ExitCode::kDone;
}

}  // namespace

void RegisterAnalyst(CLI::App& application, Action& action) {
  CLI::App* const subcommand = application.add_subcommand(
      "analyst", "who may sign in at the pages that `spoor serve` serves");
  const auto options = std::make_shared<AnalystOptions>();
  subcommand->require_subcommand(1);
  const auto add = [&](const char* name, const char* meaning, auto run) {
    CLI::App* const one = subcommand->add_subcommand(name, meaning);
    AddStoreOption(*one, options->store);
    one->add_option("--state", options->state, "as of spoor serve; default: analysts in the store")
        ->type_name("DIR");
    one->callback([&action, options, run] { action = [options, run] { return run(*options); }; });
    return one;
  };
  const auto with_name = [&](CLI::App* one) {
    one->add_option("name", options->name, "of the analyst")->type_name("NAME")->required();
    return one;
  };
  CLI::App* const one = with_name(add("add", "make one, or give another password or role", Add));
  one->add_option("--role", options->role,
                  "viewer reads; analyst also asks SQL, takes captured bytes out and pins; admin")
      ->check(CLI::IsMember({"viewer", "analyst", "admin"}))
      ->capture_default_str();
  one->add_option("--password-file", options->password_file,
                  "the password; default: from standard input")
      ->type_name("FILE");
  with_name(add("remove", "take one out, with all tokens and sessions", Remove));
  with_name(add("token", "make a token for a program that acts as NAME; printed once", Token));
  add("list", "names and roles", List);
  subcommand->footer(
      "A server that runs takes changes at once.\n"
      "Examples:\n"
      "  spoor analyst add --store /var/lib/spoor alice --role analyst\n"
      "  curl -H \"Authorization: Bearer $(spoor analyst token alice)\" …/api/v1/sessions");
}

}  // namespace spoor::programs
