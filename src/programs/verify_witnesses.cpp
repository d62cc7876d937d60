// SPDX-License-Identifier: Apache-2.0
#include "programs/verify_witnesses.hpp"
#include "programs/print.hpp"

#include "base/wall_time_text.hpp"

namespace spoor::programs {

void AddOptions(CLI::App& subcommand, analysis::OutsideViews& views) {
  const std::string group = "What others know of the log";
  subcommand
      .add_option("--checkpoint", views.checkpoint_files,
                  "a checkpoint of this log that you or another reader kept ('-': stdin): this log "
                  "must extend it. Repeatable")
      ->type_name("FILE")
      ->expected(1)
      ->take_all()
      ->group(group);
  subcommand
      .add_option("--witness", views.witness_files,
                  "a witness's verifier key: there must be a cosignature by it, of this log. "
                  "Repeatable")
      ->type_name("VKEYFILE")
      ->expected(1)
      ->take_all()
      ->group(group);
  subcommand
      .add_option("--ask", views.asked,
                  "ask this witness now: it must not have seen a longer log or another history. "
                  "Repeatable")
      ->type_name("URL=VKEYFILE")
      ->expected(1)
      ->take_all()
      ->group(group);
}

void PrintOutsideReport(const analysis::OutsideReport& report) {
  for (const analysis::OutsideReport::Kept& kept : report.checkpoints) {
    PrintOut("extends    {} entries, signed {}, kept as {}\n", kept.checkpoint.size,
             WallTimeText(kept.checkpoint.signed_wall_ns), kept.source);
  }
  for (const analysis::OutsideReport::Witnessed& witness : report.witnesses) {
    PrintOut("witnessed  {} entries at {} by {} (key {}){}\n", witness.checkpoint.size,
             WallTimeText(witness.cosigned_wall_ns), witness.name, witness.key_id,
             witness.asked ? ", asked now" : "");
  }
  if (report.unchecked_count != 0) {
    PrintOut("           {} cosigned checkpoints are kept, not checked (--witness)\n",
             report.unchecked_count);
  }
}

}  // namespace spoor::programs
