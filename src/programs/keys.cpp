// SPDX-License-Identifier: Apache-2.0
// spoor keys: the private authority, and enrolment of the host this runs on.
#include <nlohmann/json.hpp>

#include "base/time.hpp"
#include "base/wall_time_text.hpp"
#include "keys/authority.hpp"
#include "programs/print.hpp"
#include "programs/secret.hpp"
#include "programs/subcommand.hpp"
#include "sensor/collector_client.hpp"

namespace spoor::programs {
namespace {

using keys::Authority;
using keys::IdentityLayout;
using keys::Role;

struct KeysOptions {
  std::string folder;
  std::string name;
  std::string out;
  std::vector<std::string> addresses;
  std::int64_t lifetime_days = 0;
  std::string token_lifetime = "1h";
  std::string token_argument;
  std::string token_file;
  std::string collector_url;
  bool keep_newest = false;
  bool json = false;
};

Result<ExitCode> Init(const KeysOptions& options) {
  RETURN_IF_ERROR(Authority::Create(options.folder));
  ASSIGN_OR_RETURN(const Authority authority, Authority::Open(options.folder));
  PrintError("authority made in {}; its fingerprint:\n", options.folder);
  PrintOut("{}\n", keys::FingerprintOf(authority.root()));
  return ExitCode::kDone;
}

Result<ExitCode> Issue(const KeysOptions& options, Role role) {
  ASSIGN_OR_RETURN(const Authority authority, Authority::Open(options.folder));
  const std::filesystem::path folder =
      options.out.empty() ? std::filesystem::path(options.folder) /
                                fmt::format("{}s", keys::RoleName(role)) / options.name
                          : std::filesystem::path(options.out);
  RETURN_IF_ERROR(keys::CheckName(options.name));
  RETURN_IF_ERROR(authority.Issue({.role = role,
                                   .name = options.name,
                                   .addresses = options.addresses,
                                   .lifetime_days = options.lifetime_days},
                                  folder));
  PrintOut("{}\n", folder.string());
  return ExitCode::kDone;
}

Result<ExitCode> MakeToken(const KeysOptions& options) {
  ASSIGN_OR_RETURN(const std::int64_t lifetime_ns, ParseDuration(options.token_lifetime));
  ASSIGN_OR_RETURN(const Authority authority, Authority::Open(options.folder));
  ASSIGN_OR_RETURN(const keys::Token token, authority.MakeToken(options.name, lifetime_ns));
  PrintError("works once, until {}:\n", WallTimeText(WallNow() + lifetime_ns));
  PrintOut("{}\n", token.Text());
  return ExitCode::kDone;
}

Result<ExitCode> Enrol(const KeysOptions& options) {
  if (!options.token_argument.empty() && options.token_argument != "-") {
    return Fail(ErrorCode::kInvalidArgument,
                "a token in the arguments can be read by everybody on this host: give it in a file "
                "(--token-file FILE) or on standard input (-)");
  }
  ASSIGN_OR_RETURN(const std::string text, ReadSecret(options.token_file, "token"));
  ASSIGN_OR_RETURN(const keys::Token token, keys::Token::Parse(text));
  RETURN_IF_ERROR(sensor::Enrol(options.collector_url, token, options.folder));
  PrintError("enrolled as {}; record with:\n", token.name);
  PrintOut("spoor record --to {} --keys {}\n", options.collector_url, options.folder);
  return ExitCode::kDone;
}

Result<ExitCode> Revoke(const KeysOptions& options) {
  ASSIGN_OR_RETURN(const Authority authority, Authority::Open(options.folder));
  ASSIGN_OR_RETURN(const std::size_t count, authority.Revoke(options.name, options.keep_newest));
  PrintError("{} certificate{} of {} revoked\n", count, count == 1 ? "" : "s", options.name);
  return count == 0 ? ExitCode::kNone : ExitCode::kDone;
}

Result<ExitCode> List(const KeysOptions& options) {
  ASSIGN_OR_RETURN(const Authority authority, Authority::Open(options.folder));
  ASSIGN_OR_RETURN(const std::vector<keys::Issued> issued, authority.List());
  const std::int64_t now_wall_ns = WallNow();
  for (const keys::Issued& entry : issued) {
    const char* state = entry.revoked_wall_ns != 0               ? "revoked"
                        : entry.not_after_wall_ns <= now_wall_ns ? "expired"
                                                                 : "good";
    if (options.json) {
      PrintJson(nlohmann::json{{"role", keys::RoleName(entry.role)},
                               {"name", entry.name},
                               {"serial", entry.serial},
                               {"state", state},
                               {"issued_wall_ns", entry.issued_wall_ns},
                               {"not_after_wall_ns", entry.not_after_wall_ns},
                               {"revoked_wall_ns", entry.revoked_wall_ns}});
    } else {
      PrintOut("{:9}  {:20}  {:7}  until {:.10}  {}\n", keys::RoleName(entry.role), entry.name,
               state, WallTimeText(entry.not_after_wall_ns), entry.serial);
    }
  }
  return issued.empty() ? ExitCode::kNone : ExitCode::kDone;
}

CLI::App* Add(CLI::App* keys, KeysOptions& options, const char* name, const char* what) {
  CLI::App* subcommand = keys->add_subcommand(name, what);
  const char* from_environment = std::getenv("SPOOR_KEYS");
  options.folder =
      from_environment != nullptr && *from_environment != '\0' ? from_environment : "spoor-keys";
  subcommand->add_option("--dir", options.folder, "the authority ($SPOOR_KEYS, then ./spoor-keys)")
      ->type_name("DIR")
      // What help and manual show is nobody's environment.
      ->default_str("spoor-keys");
  return subcommand;
}

void AddIssuing(CLI::App* keys, const std::shared_ptr<KeysOptions>& options, Action& action,
                Role role, const char* what) {
  CLI::App* subcommand = Add(keys, *options, std::string(keys::RoleName(role)).c_str(), what);
  subcommand->add_option("NAME", options->name, "a-z, 0-9, '-' and '.'")->required();
  subcommand->add_option("--out", options->out, "folder to write (default: in --dir)")
      ->type_name("FOLDER");
  subcommand->add_option("--days", options->lifetime_days, "how long the certificate is good")
      ->default_val(role == Role::kCollector ? 825 : 397)
      ->check(CLI::Range(1, 3650));
  if (role == Role::kCollector) {
    subcommand->add_option("--address", options->addresses, "host name or IP address it serves at")
        ->type_name("HOST")
        ->required();
  }
  subcommand->callback(
      [options, &action, role] { action = [options, role] { return Issue(*options, role); }; });
}

}  // namespace

void RegisterKeys(CLI::App& application, Action& action) {
  CLI::App* keys = application.add_subcommand("keys", "make, enrol, rotate and revoke keys");
  keys->require_subcommand(1);
  keys->footer(
      "  spoor keys init                                   once, where the authority lives\n"
      "  spoor keys collector hub --address hub.example    for spoor serve --keys\n"
      "  spoor keys enrol-token web-1                      prints a token, and on the host web-1:\n"
      "  spoor keys enrol --to https://hub.example:8443 --keys /etc/spoor     asks for it\n"
      "Issuing to a name again rotates its key; then: spoor keys revoke NAME --older.");
  // Shared by the subcommands, of which only one runs; lives as long as the actions that use it.
  const auto options = std::make_shared<KeysOptions>();
  const auto run = [options, &action](CLI::App* subcommand,
                                      Result<ExitCode> (*what)(const KeysOptions&)) {
    subcommand->callback(
        [options, &action, what] { action = [options, what] { return what(*options); }; });
  };
  run(Add(keys, *options, "init", "make an authority; prints its fingerprint"), Init);
  AddIssuing(keys, options, action, Role::kCollector, "key and certificate for spoor serve");
  AddIssuing(keys, options, action, Role::kSensor, "key and certificate for a sensor, made here");
  AddIssuing(keys, options, action, Role::kAnalyst, "key and certificate for a person");

  CLI::App* token = Add(keys, *options, "enrol-token", "a token with which a sensor enrols once");
  token->add_option("NAME", options->name, "the sensor's name")->required();
  token->add_option("--for", options->token_lifetime, "how long it may be used")
      ->type_name("DURATION")
      ->capture_default_str();
  run(token, MakeToken);

  CLI::App* enrol = keys->add_subcommand("enrol", "enrol this host as a sensor");
  enrol->add_option("TOKEN", options->token_argument,
                    "-: the token comes on standard input, as it does without any (at a terminal "
                    "it is asked for). Not the token itself");
  enrol
      ->add_option("--token-file", options->token_file,
                   "the token, from spoor keys enrol-token; -: standard input")
      ->type_name("FILE");
  enrol->add_option("--to", options->collector_url, "the collector")
      ->type_name("https://HOST:PORT")
      ->required();
  enrol->add_option("--keys", options->folder, "folder for this host's keys")
      ->type_name("DIR")
      ->required();
  run(enrol, Enrol);

  CLI::App* revoke = Add(keys, *options, "revoke", "make the certificates of a name invalid");
  revoke->add_option("NAME", options->name, "whose")->required();
  revoke->add_flag("--older", options->keep_newest, "keep the newest one (after a rotation)");
  run(revoke, Revoke);

  CLI::App* list = Add(keys, *options, "list", "what the authority issued");
  list->add_flag("--json", options->json, "one JSON object a line");
  run(list, List);
}

}  // namespace spoor::programs
