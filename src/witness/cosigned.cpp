// SPDX-License-Identifier: Apache-2.0
#include "witness/cosigned.hpp"

#include <algorithm>

#include "base/inside.hpp"
#include "base/time.hpp"
#include "evidence/tree.hpp"

namespace spoor::witness {
namespace {

namespace fs = std::filesystem;
using evidence::Checkpoint;
using evidence::VerifierKey;

/// A witness that names another size each time is not followed further.
constexpr int kAttemptsMax = 4;
constexpr std::size_t kWitnessesMax = 100;
constexpr std::size_t kNamesMax = 10'000;  // in the folder
constexpr std::string_view kSuffix = ".checkpoint";

/// `note` without the lines of others than `log` and `witness`.
Result<std::string> OnlyLinesOf(std::string_view note, const VerifierKey& log,
                                const VerifierKey& witness) {
  ASSIGN_OR_RETURN(const evidence::ParsedNote parsed, evidence::ParseNote(note));
  std::string kept = parsed.text + "\n";
  for (const evidence::SignatureLine& line : parsed.signatures) {
    for (const VerifierKey* key : {&log, &witness}) {
      if (!line.IsBy(*key)) continue;
      kept += FormatSignatureLine(*key, std::string_view(line.bytes).substr(key->key_id.size()));
    }
  }
  return kept;
}

Result<std::unique_ptr<evidence::LogReader>> OpenReader(const LogLocation& log) {
  return evidence::LogReader::Open(log.folder, log.key.Text());
}

/// A refusal that names no more than the witness's size, or nothing.
struct Refusal {
  Error error;
  std::uint64_t size = 0;
};

/// Why the witness refused: what it cosigned last, held against our log. That is read after it was
/// fetched: what any asker showed the witness our log must hold by now.
Error ExplainRefusal(WitnessClient& client, const VerifierKey& witness, const LogLocation& log,
                     const Refusal& refusal) {
  const Result<std::optional<std::string>> latest = client.LatestCheckpoint(log.key.name);
  const Result<std::unique_ptr<evidence::LogReader>> reader = OpenReader(log);
  if (!reader) return reader.error();
  const Error too_slow{
      ErrorCode::kUnavailable,
      fmt::format("witness {}: was asked by someone else meanwhile; try again", witness.name)};
  if (!latest || !*latest) {
    const bool caught_up = refusal.size != 0 && refusal.size <= (*reader)->size();
    return caught_up ? too_slow : refusal.error;
  }
  const Result<Cosigned> seen = OpenCosigned(**latest, log.key, witness);
  if (!seen) {
    return {seen.error().code, fmt::format("witness {}: what it says it cosigned last: {}",
                                           witness.name, seen.error().message)};
  }
  const Result<> extends = CheckExtends(
      **reader, seen->checkpoint,
      fmt::format("witness {} at {}", witness.name, FormatWallTime(seen->cosigned_wall_ns)));
  return extends ? too_slow : extends.error();
}

/// Whether the log went on behind `checkpoint`, so that someone may have asked for more than it.
bool FasterAsker(const LogLocation& log, const Checkpoint& checkpoint) {
  const Result<Checkpoint> now = evidence::ReadCheckpoint(log.folder, log.key);
  return now && now->note != checkpoint.note;
}

}  // namespace

Result<Cosigned> OpenCosigned(std::string_view note, const VerifierKey& log,
                              const VerifierKey& witness) {
  ASSIGN_OR_RETURN(const std::string kept, OnlyLinesOf(note, log, witness));
  Cosigned cosigned;
  ASSIGN_OR_RETURN(cosigned.checkpoint, evidence::OpenCheckpoint(kept, log));
  ASSIGN_OR_RETURN(const evidence::ParsedNote parsed, evidence::ParseNote(kept));
  ASSIGN_OR_RETURN(const std::optional<std::int64_t> wall_ns, CosignedAt(parsed, witness));
  if (!wall_ns) {
    return Fail(ErrorCode::kUnverified, "no cosignature by {} (key {})", witness.name,
                evidence::EncodeHex(witness.key_id));
  }
  cosigned.cosigned_wall_ns = *wall_ns;
  return cosigned;
}

Result<Cosigned> AskForCosignature(WitnessClient& client, const VerifierKey& witness,
                                   const LogLocation& log, const Checkpoint& checkpoint,
                                   std::uint64_t known_size) {
  ASSIGN_OR_RETURN(const auto reader, OpenReader(log));
  const auto node = [&reader](unsigned level, std::uint64_t index) {
    return reader->Node(level, index);
  };
  const auto refused = [&](std::string message, std::uint64_t size) {
    return tl::unexpected<Error>(
        ExplainRefusal(client, witness, log, {{ErrorCode::kUnverified, std::move(message)}, size}));
  };
  std::uint64_t old_size = std::min(known_size, checkpoint.size);
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    AddCheckpointRequest request{.old_size = old_size, .proof = {}, .checkpoint = checkpoint.note};
    ASSIGN_OR_RETURN(request.proof, evidence::ProveConsistency(old_size, checkpoint.size, node));
    ASSIGN_OR_RETURN(const WitnessClient::Reply reply, client.AddCheckpoint(request));
    if (reply.status == 200) {
      Result<Cosigned> cosigned = OpenCosigned(checkpoint.note + reply.body, log.key, witness);
      if (cosigned) return cosigned;
      return Fail(ErrorCode::kUnavailable, "witness {}: its answer is no cosignature: {}",
                  witness.name, cosigned.error().message);
    }
    const bool names_size = reply.status == 409 && reply.content_type == kSizeContentType;
    const Result<std::uint64_t> size = ParseSizeLine(names_size ? reply.body : "0\n");
    if (!size) {
      return Fail(ErrorCode::kUnavailable, "witness {}: {}", witness.name, size.error().message);
    }
    if (*size > checkpoint.size) {
      return refused(
          fmt::format("rolled back: the log has {} entries, signed {}, but witness {} says that it "
                      "saw {}: it was put back to an older state",
                      checkpoint.size, FormatWallTime(checkpoint.signed_wall_ns), witness.name,
                      *size),
          *size);
    }
    if (names_size && *size != old_size) {
      old_size = *size;
      continue;
    }
    // Of a smaller tree it can only say that its size is another one, which it did not.
    const bool same_size = old_size == checkpoint.size;
    if (reply.status == 422 || (reply.status == 409 && same_size)) {
      return refused(
          fmt::format("split view: witness {} refuses {} entries, signed {}, as not "
                      "extending those that it cosigned",
                      witness.name, checkpoint.size, FormatWallTime(checkpoint.signed_wall_ns)),
          0);
    }
    if (reply.status == 403) {
      return Fail(ErrorCode::kUnverified, "witness {}: knows the log {} under another key",
                  witness.name, log.key.name);
    }
    return Fail(ErrorCode::kUnavailable, "witness {}: refuses ({}){}", witness.name, reply.status,
                reply.status == 404 ? ": it does not know this log (its --log)" : "");
  }
  return Fail(ErrorCode::kUnavailable, "witness {}: names another size each time", witness.name);
}

Result<Cosigned> AskForCosignature(const WitnessAddress& address, const LogLocation& log,
                                   std::uint64_t known_size) {
  ASSIGN_OR_RETURN(const std::unique_ptr<WitnessClient> client, WitnessClient::Open(address));
  for (int attempt = 1;; ++attempt) {
    ASSIGN_OR_RETURN(const Checkpoint checkpoint, evidence::ReadCheckpoint(log.folder, log.key));
    Result<Cosigned> cosigned =
        AskForCosignature(*client, address.key, log, checkpoint, known_size);
    const bool again = !cosigned && cosigned.error().code == ErrorCode::kUnavailable &&
                       attempt < kAttemptsMax && FasterAsker(log, checkpoint);
    if (!again) return cosigned;
    known_size = 0;
  }
}

Result<> KeepCosigned(const fs::path& folder, const VerifierKey& witness,
                      const Cosigned& cosigned) {
  RETURN_IF_ERROR(CreateFoldersInside(folder.parent_path(), folder));
  return WriteFileAtomicallyInside(
      folder.parent_path(),
      folder / fmt::format("{}{}", evidence::EncodeHex(witness.key_id), kSuffix),
      AsBytes(cosigned.checkpoint.note));
}

Result<std::vector<std::string>> ReadCosigned(const fs::path& folder) {
  std::vector<std::string> notes;
  const fs::path root = folder.parent_path();
  const Result<std::vector<std::string>> names = ListInside(root, folder, kNamesMax);
  if (!names && names.error().code == ErrorCode::kNotFound) return notes;
  RETURN_IF_ERROR(names);
  for (const std::string& name : *names) {
    if (fs::path(name).extension() != kSuffix || notes.size() == kWitnessesMax) continue;
    Result<std::string> note =
        ReadTextFileInside(root, folder / name, evidence::kCheckpointBytesMax);
    if (!note && note.error().code == ErrorCode::kNotFound) continue;
    RETURN_IF_ERROR(note);
    notes.push_back(*std::move(note));
  }
  return notes;
}

}  // namespace spoor::witness
