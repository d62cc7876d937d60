// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "programs/subcommand.hpp"

namespace spoor::programs {

// clang-format off
void RegisterRecord(CLI::App& application, Action& action);
void RegisterKeys(CLI::App& application, Action& action);
void RegisterServe(CLI::App& application, Action& action);
void RegisterAnalyst(CLI::App& application, Action& action);
void RegisterPublish(CLI::App& application, Action& action);
void RegisterWatch(CLI::App& application, Action& action);
void RegisterWitness(CLI::App& application, Action& action);
void RegisterCosign(CLI::App& application, Action& action);
void RegisterImport(CLI::App& application, Action& action);
void RegisterQuery(CLI::App& application, Action& action);
void RegisterSql(CLI::App& application, Action& action);
void RegisterTrack(CLI::App& application, Action& action);
void RegisterPcap(CLI::App& application, Action& action);
void RegisterReplay(CLI::App& application, Action& action);
void RegisterRecover(CLI::App& application, Action& action);
void RegisterUndo(CLI::App& application, Action& action);
void RegisterReport(CLI::App& application, Action& action);
void RegisterStatus(CLI::App& application, Action& action);
void RegisterProve(CLI::App& application, Action& action);
void RegisterExport(CLI::App& application, Action& action);
void RegisterVerify(CLI::App& application, Action& action);
void RegisterRebuild(CLI::App& application, Action& action);
void RegisterRetain(CLI::App& application, Action& action);
void RegisterManual(CLI::App& application, Action& action);

const std::vector<RegisterFunction>& Subcommands() {
  static const std::vector<RegisterFunction> kSubcommands{
      RegisterRecord,
      RegisterKeys,
      RegisterServe,
      RegisterAnalyst,
      RegisterPublish,
      RegisterWatch,
      RegisterWitness,
      RegisterCosign,
      RegisterImport,
      RegisterQuery,
      RegisterSql,
      RegisterTrack,
      RegisterPcap,
      RegisterReplay,
      RegisterRecover,
      RegisterUndo,
      RegisterReport,
      RegisterStatus,
      RegisterProve,
      RegisterExport,
      RegisterVerify,
      RegisterRebuild,
      RegisterRetain,
      RegisterManual,
  };
  return kSubcommands;
}
// clang-format on

void AddStoreOption(CLI::App& subcommand, std::string& store, const char* name) {
  const char* from_environment = std::getenv("SPOOR_STORE");
  store =
      from_environment != nullptr && *from_environment != '\0' ? from_environment : "spoor-store";
  subcommand.add_option(name, store, "the store ($SPOOR_STORE, then ./spoor-store)")
      ->type_name("STORE")
      // What help and manual show is nobody's environment.
      ->default_str("spoor-store");
}

}  // namespace spoor::programs
