// SPDX-License-Identifier: Apache-2.0
// spoor cosign: asks witnesses for cosignatures of a store that nothing writes to just now, or that
// a recorder without witnesses writes to.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/store_layout.hpp"
#include "base/wall_time_text.hpp"
#include "evidence/named_key.hpp"
#include "programs/print.hpp"
#include "programs/subcommand.hpp"
#include "witness/cosigned.hpp"

namespace spoor::programs {
namespace {

struct CosignOptions {
  std::string store;
  std::vector<std::string> witnesses;
  bool json = false;
};

Result<witness::Cosigned> CosignAt(const StoreLayout& layout, const evidence::VerifierKey& log,
                                   const witness::WitnessAddress& address) {
  std::uint64_t known_size = 0;
  ASSIGN_OR_RETURN(const std::vector<std::string> kept, witness::ReadCosigned(layout.witnessed()));
  for (const std::string& note : kept) {
    const Result<witness::Cosigned> before = witness::OpenCosigned(note, log, address.key);
    if (before) known_size = before->checkpoint.size;
  }
  ASSIGN_OR_RETURN(witness::Cosigned cosigned,
                   witness::AskForCosignature(address, {layout.evidence(), log}, known_size));
  RETURN_IF_ERROR(witness::KeepCosigned(layout.witnessed(), address.key, cosigned));
  return cosigned;
}

Result<ExitCode> Cosign(const CosignOptions& options) {
  const StoreLayout layout{options.store};
  ASSIGN_OR_RETURN(const std::string key, evidence::ReadPublicKey(layout));
  ASSIGN_OR_RETURN(const evidence::VerifierKey log, evidence::VerifierKey::Parse(key));
  std::vector<witness::WitnessAddress> addresses;
  for (const std::string& text : options.witnesses) {
    ASSIGN_OR_RETURN(witness::WitnessAddress address, witness::WitnessAddress::Parse(text));
    addresses.push_back(std::move(address));
  }
  // Each is asked whatever another one says; the gravest error is the answer.
  std::optional<Error> error;
  for (const witness::WitnessAddress& address : addresses) {
    const Result<witness::Cosigned> cosigned = CosignAt(layout, log, address);
    if (cosigned && options.json) {
      const nlohmann::json line{{"witness", address.key.name},
                                {"key_id", evidence::EncodeHex(address.key.key_id)},
                                {"entry_count", cosigned->checkpoint.size},
                                {"root_sha256", evidence::EncodeHex(cosigned->checkpoint.root)},
                                {"cosigned_wall_ns", cosigned->cosigned_wall_ns}};
      PrintJson(line);
    } else if (cosigned) {
      PrintOut("cosigned   {} entries by {} at {}\n", cosigned->checkpoint.size, address.key.name,
               WallTimeText(cosigned->cosigned_wall_ns));
    } else {
      if (error) PrintError("spoor cosign: {}\n", error->message);
      if (!error || cosigned.error().code == ErrorCode::kUnverified) error = cosigned.error();
    }
  }
  if (error) return tl::unexpected<Error>(*error);
  return ExitCode::kDone;
}

}  // namespace

void RegisterCosign(CLI::App& application, Action& action) {
  CLI::App* subcommand =
      application.add_subcommand("cosign", "have witnesses cosign what a store's log holds now");
  const auto options = std::make_shared<CosignOptions>();
  AddStoreOption(*subcommand, options->store);
  subcommand
      ->add_option("--witness", options->witnesses,
                   "where a witness answers and the file with its key; repeatable")
      ->type_name("URL=VKEYFILE")
      ->required()
      ->expected(1)
      ->take_all();
  subcommand->add_flag("--json", options->json, "one JSON object a witness, each on one line");
  subcommand->footer(
      "The cosignatures are kept in STORE/witnessed. A collector does this by itself (spoor serve\n"
      "--witness); this is for stores of spoor record and spoor import.\n\n"
      "Exit codes: 0 all cosigned; 3 a witness saw a longer log (rolled back) or another history\n"
      "(split view); 5 a witness cannot be asked.\n\n"
      "Example:\n"
      "  spoor cosign --store spoor-store --witness http://witness.example:8444=witness.vkey\n");
  subcommand->callback([options, &action] { action = [options] { return Cosign(*options); }; });
}

}  // namespace spoor::programs
