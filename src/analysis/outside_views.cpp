// SPDX-License-Identifier: Apache-2.0
#include "analysis/outside_views.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "base/time.hpp"
#include "base/wall_time_text.hpp"
#include "witness/cosigned.hpp"

namespace spoor::analysis {
namespace {

using evidence::VerifierKey;

// A witness that was asked just now says a time that is not older; clocks may differ by that much.
constexpr std::int64_t kClockSkewMaxNs = 5LL * 60 * 1'000'000'000;

Result<std::string> ReadNote(const std::string& file) {
  if (file != "-") return ReadTextFile(file, evidence::kCheckpointBytesMax);
  return ReadTextFile("/dev/stdin", evidence::kCheckpointBytesMax);
}

class OutsideCheck {
 public:
  OutsideCheck(const StoreLayout& layout, const VerifierKey& log) : layout_(layout), log_(log) {}

  Result<> Open(const evidence::Checkpoint& verified) {
    ASSIGN_OR_RETURN(reader_, evidence::LogReader::Open(layout_.evidence(), log_.Text()));
    // Beside a live writer this is a later state than the one whose entries were proved.
    RETURN_IF_ERROR(CheckExtends(*reader_, verified, "this verification"));
    ASSIGN_OR_RETURN(notes_, witness::ReadCosigned(layout_.witnessed()));
    report_.unchecked_count = notes_.size();
    notes_.push_back(reader_->checkpoint().note);
    return {};
  }

  Result<> AddCheckpoint(const std::string& file) {
    Result<std::string> note = ReadNote(file);
    if (!note) return tl::unexpected<Error>(note.error());
    const Result<evidence::Checkpoint> checkpoint = evidence::OpenCheckpoint(*note, log_);
    if (!checkpoint) {
      return Fail(checkpoint.error().code, "{}: {}", file, checkpoint.error().message);
    }
    RETURN_IF_ERROR(CheckExtends(*reader_, *checkpoint, fmt::format("the keeper of {}", file)));
    report_.checkpoints.push_back({file, *checkpoint});
    notes_.push_back(*std::move(note));
    return {};
  }

  /// The newest of all that `witness` cosigned; each of them must be of this log.
  Result<> AddWitness(const VerifierKey& witness) {
    OutsideReport::Witnessed newest{.name = witness.name,
                                    .key_id = evidence::EncodeHex(witness.key_id),
                                    .checkpoint = {},
                                    .cosigned_wall_ns = -1,
                                    .asked = false};
    for (const std::string& note : notes_) {
      const Result<evidence::ParsedNote> parsed = evidence::ParseNote(note);
      if (!parsed)
        return Fail(ErrorCode::kUnverified, "{}: {}", layout_.witnessed().string(),
                    parsed.error().message);
      ASSIGN_OR_RETURN(const std::optional<std::int64_t> wall_ns, CosignedAt(*parsed, witness));
      if (!wall_ns) continue;
      ASSIGN_OR_RETURN(const witness::Cosigned cosigned,
                       witness::OpenCosigned(note, log_, witness));
      RETURN_IF_ERROR(CheckSeen(witness, cosigned));
      if (report_.unchecked_count != 0) --report_.unchecked_count;
      if (newest.cosigned_wall_ns >= 0 && newest.checkpoint.size > cosigned.checkpoint.size) {
        continue;
      }
      newest.checkpoint = cosigned.checkpoint;
      newest.cosigned_wall_ns = cosigned.cosigned_wall_ns;
    }
    if (newest.cosigned_wall_ns < 0) {
      return Fail(ErrorCode::kUnverified, "no cosignature by witness {} (key {}) in {}",
                  witness.name, newest.key_id, layout_.witnessed().string());
    }
    report_.witnesses.push_back(std::move(newest));
    return {};
  }

  Result<> Ask(const std::string& text) {
    ASSIGN_OR_RETURN(const witness::WitnessAddress address, witness::WitnessAddress::Parse(text));
    ASSIGN_OR_RETURN(const witness::Cosigned cosigned,
                     witness::AskForCosignature(address, {layout_.evidence(), log_}, 0));
    const std::int64_t age_ns = WallNow() - cosigned.cosigned_wall_ns;
    if (std::abs(age_ns) > kClockSkewMaxNs) {
      return Fail(
          ErrorCode::kUnverified,
          "witness {}: answers with the time {}, which is not now: an old answer was put in "
          "its place, or a clock is wrong",
          address.key.name, WallTimeText(cosigned.cosigned_wall_ns));
    }
    report_.witnesses.push_back({.name = address.key.name,
                                 .key_id = evidence::EncodeHex(address.key.key_id),
                                 .checkpoint = cosigned.checkpoint,
                                 .cosigned_wall_ns = cosigned.cosigned_wall_ns,
                                 .asked = true});
    return {};
  }

  OutsideReport TakeReport() { return std::move(report_); }

 private:
  Result<> CheckSeen(const VerifierKey& witness, const witness::Cosigned& cosigned) {
    return CheckExtends(
        *reader_, cosigned.checkpoint,
        fmt::format("witness {} at {}", witness.name, WallTimeText(cosigned.cosigned_wall_ns)));
  }

  const StoreLayout& layout_;
  const VerifierKey& log_;
  std::unique_ptr<evidence::LogReader> reader_;
  std::vector<std::string> notes_;  // in which cosignatures may be
  OutsideReport report_;
};

}  // namespace

void OutsideReport::AddTo(nlohmann::json& statement) const {
  statement["checkpoints"] = nlohmann::json::array();
  for (const Kept& kept : checkpoints) {
    statement["checkpoints"].push_back({{"source", kept.source},
                                        {"entry_count", kept.checkpoint.size},
                                        {"signed_wall_ns", kept.checkpoint.signed_wall_ns}});
  }
  statement["witnesses"] = nlohmann::json::array();
  for (const Witnessed& witness : witnesses) {
    statement["witnesses"].push_back({{"name", witness.name},
                                      {"key_id", witness.key_id},
                                      {"entry_count", witness.checkpoint.size},
                                      {"root_sha256", evidence::EncodeHex(witness.checkpoint.root)},
                                      {"cosigned_wall_ns", witness.cosigned_wall_ns},
                                      {"asked", witness.asked}});
  }
  statement["unchecked_cosigned_count"] = unchecked_count;
}

Result<OutsideReport> CheckOutsideViews(const OutsideViews& views, const StoreLayout& layout,
                                        const VerifierKey& log,
                                        const evidence::Checkpoint& verified) {
  OutsideCheck check(layout, log);
  RETURN_IF_ERROR(check.Open(verified));
  for (const std::string& file : views.checkpoint_files) {
    RETURN_IF_ERROR(check.AddCheckpoint(file));
  }
  for (const std::string& file : views.witness_files) {
    ASSIGN_OR_RETURN(const VerifierKey witness,
                     VerifierKey::Load(file, evidence::KeyUse::kCosignature));
    RETURN_IF_ERROR(check.AddWitness(witness));
  }
  for (const std::string& text : views.asked) RETURN_IF_ERROR(check.Ask(text));
  return check.TakeReport();
}

}  // namespace spoor::analysis
