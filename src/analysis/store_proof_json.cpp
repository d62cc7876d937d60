// SPDX-License-Identifier: Apache-2.0
#include "analysis/store_proof_json.hpp"

#include <nlohmann/json.hpp>

#include "analysis/completeness_json.hpp"
#include "analysis/recordings_json.hpp"
#include "evidence/hash.hpp"

namespace spoor::analysis {
namespace {

nlohmann::json RemovalsJson(const StoreProof& proof) {
  nlohmann::json removals = nlohmann::json::array();
  if (!proof.log.retention) return removals;
  for (const wire::Removal& removal : proof.log.retention->removals) {
    removals.push_back({{"from_entry", removal.from_entry},
                        {"until_entry", removal.until_entry},
                        {"bundle_bytes", removal.bundle_bytes},
                        {"wall_ns", removal.wall_ns},
                        {"policy", removal.policy},
                        {"by", removal.by}});
  }
  return removals;
}

nlohmann::json SegmentsJson(const StoreProof& proof) {
  if (!proof.segments) return {{"checked", false}};
  const ingest::DerivationReport& segments = proof.segments->tables;
  return {{"checked", true},
          {"segment_count", segments.segment_count},
          {"row_count", segments.row_count},
          {"same_bytes_count", segments.same_bytes_count},
          {"provisional_count", segments.provisional_count},
          {"removed_recording_count", segments.removed_count},
          {"index_file_count", proof.segments->index_file_count},
          {"next_entry", segments.next_entry}};
}

}  // namespace

nlohmann::json StoreProofJson(const StoreProof& proof) {
  const evidence::Checkpoint& checkpoint = proof.log.checkpoint;
  const collector::SealAudit::Report& seals = proof.seals.report();
  nlohmann::json origins = nlohmann::json::array();
  for (const proof::TransferAudit::Origin& origin : proof.origins) {
    origins.push_back({{"origin", origin.name},
                       {"key_id", origin.key_id},
                       {"checkpoint_size", origin.checkpoint_size},
                       {"entry_count", origin.entry_count},
                       {"imported_wall_ns", origin.imported_wall_ns}});
  }
  nlohmann::json line{{"verified", true},
                      {"origins", origins},
                      {"seals",
                       {{"chain_count", seals.chain_count},
                        {"closed_chain_count", seals.closed_chain_count},
                        {"sealed_count", seals.sealed_count},
                        {"mac_count", seals.mac_count},
                        {"missing_count", seals.missing_count},
                        {"gap_count", seals.gap_count},
                        {"refused_count", seals.refused_count},
                        {"unsealed_count", seals.unsealed_count},
                        {"shared_hosts", SharedHosts(proof)}}},
                      {"completeness", CompletenessJson(proof.completeness, proof.canaries)},
                      {"entry_count", checkpoint.size},
                      {"entry_bytes", proof.log.entry_bytes},
                      {"root_sha256", evidence::EncodeHex(checkpoint.root)},
                      {"signed_wall_ns", checkpoint.signed_wall_ns},
                      {"signed_by", checkpoint.origin},
                      {"key_id", evidence::EncodeHex(proof.key.key_id)},
                      {"other_signatures", checkpoint.other_signatures},
                      {"log_closed", proof.log.closed},
                      {"unauthenticated_bytes", proof.log.tail_bytes},
                      {"set_aside_bytes", proof.set_aside_bytes},
                      {"segments", SegmentsJson(proof)},
                      {"removals", RemovalsJson(proof)},
                      {"recordings", RecordingsJson(proof.recordings)}};
  proof.outside.AddTo(line);
  return line;
}

}  // namespace spoor::analysis
