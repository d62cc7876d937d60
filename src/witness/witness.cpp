// SPDX-License-Identifier: Apache-2.0
// The order is what keeps the promise: under one lock the request is held against the last cosigned
// checkpoint, the new one is made durable with its cosignature, and only then does anybody get that
// cosignature. Killed in between, the witness remembers more than it said, never less.
#include "witness/witness.hpp"

#include <algorithm>

#include "base/exists.hpp"
#include "base/time.hpp"
#include "evidence/cosignature.hpp"
#include "evidence/tree.hpp"
#include "witness/request.hpp"

namespace spoor::witness {
namespace {

namespace fs = std::filesystem;
using evidence::VerifierKey;

constexpr std::uint64_t kStateBytesMax = 1 << 20;
constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::string_view kPlainText = "text/plain; charset=utf-8";

using http::PlainRefusal;

http::Answer NameSize(std::uint64_t size) {
  return {.status = 409,
          .content_type = std::string(kSizeContentType),
          .body = fmt::format("{}\n", size),
          .headers = {{"Cache-Control", "no-store"}}};
}

/// Fails: kUnverified (no line is by one of `keys`, or one that says so is not).
Result<> CheckSigned(std::string_view note, const std::vector<VerifierKey>& keys) {
  std::optional<Error> error;
  bool is_signed = false;
  for (const VerifierKey& key : keys) {
    const Result<evidence::OpenedNote> opened = OpenNote(note, key);
    is_signed = is_signed || opened.has_value();
    if (!opened) error = opened.error();
  }
  if (is_signed) return {};
  return tl::unexpected<Error>(*error);
}

}  // namespace

/// A request whose checkpoint the log signed.
struct Witness::Submission {
  AddCheckpointRequest request;
  evidence::ParsedNote note;
  evidence::TreeHead head;
};

Witness::Witness(Options options, FileLock lock, evidence::NamedKey key)
    : options_(std::move(options)), lock_(std::move(lock)), key_(std::move(key)) {}

Result<std::unique_ptr<Witness>> Witness::Open(Options options) {
  ASSIGN_OR_RETURN(const bool exists, Exists(options.folder));
  RETURN_IF_ERROR(CreateFolders(options.folder / "logs"));
  if (!exists) {
    const fs::path parent = fs::absolute(options.folder).parent_path();
    RETURN_IF_ERROR(SyncFolder(options.folder));
    RETURN_IF_ERROR(SyncFolder(parent));
  }
  Result<FileLock> lock = FileLock::AcquireFolder(options.folder, FileLock::Mode::kTry);
  if (!lock && lock.error().code == ErrorCode::kUnavailable) {
    return Fail(ErrorCode::kUnavailable, "{}: another witness has this folder open",
                options.folder.string());
  }
  if (!lock) return tl::unexpected<Error>(lock.error());
  // A witness that cosigned before and lost its key must not come back as another one.
  std::error_code failed;
  const bool cosigned_before = !fs::is_empty(options.folder / "logs", failed);
  if (failed) {
    return Fail(ErrorCode::kIo, "{}: cannot list: {}", (options.folder / "logs").string(),
                failed.message());
  }
  ASSIGN_OR_RETURN(evidence::NamedKey key,
                   evidence::NamedKey::Open({.key_file = options.folder / "key/witness.pem",
                                             .use = evidence::KeyUse::kCosignature,
                                             .name = options.name,
                                             .new_name_prefix = "spoor.local/witness/",
                                             .may_create = !cosigned_before}));
  std::unique_ptr<Witness> witness(
      new Witness(std::move(options), std::move(*lock), std::move(key)));
  const evidence::Hash empty_root = evidence::TreeHasher().Plain({});
  for (const VerifierKey& log_key : witness->options_.logs) {
    Log& log = witness->logs_[log_key.name];
    log.keys.push_back(log_key);
    log.head = {.origin = log_key.name, .size = 0, .root = empty_root};
    witness->origin_by_path_[CosignedCheckpointPath(log_key.name)] = log_key.name;
  }
  for (auto& [origin, log] : witness->logs_) RETURN_IF_ERROR(witness->Load(origin, log));
  return witness;
}

fs::path Witness::FileOf(const std::string& origin, std::string_view suffix) const {
  const std::string path = CosignedCheckpointPath(origin);
  return options_.folder / "logs" /
         fmt::format("{}{}", path.substr(1, path.rfind('/') - 1), suffix);
}

Result<> Witness::Load(const std::string& origin, Log& log) const {
  const fs::path path = FileOf(origin, "");
  std::error_code no_file;
  log.conflict_kept = fs::exists(FileOf(origin, ".conflict"), no_file);
  Result<std::string> note = ReadTextFile(path, kStateBytesMax);
  if (!note && note.error().code == ErrorCode::kNotFound) return {};
  RETURN_IF_ERROR(note);
  const auto bad = [&](std::string_view why) {
    return Fail(ErrorCode::kUnverified,
                "{}: what was cosigned last for {} cannot be trusted: {}; a witness that lost it "
                "must not go on under its key",
                path.string(), origin, why);
  };
  const Result<evidence::ParsedNote> parsed = evidence::ParseNote(*note);
  if (!parsed) return bad(parsed.error().message);
  const Result<std::optional<std::int64_t>> cosigned = CosignedAt(*parsed, key_.verifier);
  if (!cosigned) return bad(cosigned.error().message);
  if (!*cosigned) return bad("it does not bear our cosignature");
  const Result<evidence::TreeHead> head = evidence::ParseTreeHead(parsed->text);
  if (!head) return bad(head.error().message);
  if (head->origin != origin) return bad("it is of another log");
  log.head = *head;
  log.note = *std::move(note);
  log.cosigned_wall_s = **cosigned / kNsPerSecond;
  return {};
}

// The checks in the order of the protocol text, so that each refusal means what it says there.
http::Answer Witness::AddCheckpoint(std::string_view body) {
  Result<AddCheckpointRequest> request = ParseAddCheckpoint(body);
  if (!request) return PlainRefusal(400, request.error().message);
  Result<evidence::ParsedNote> note = evidence::ParseNote(request->checkpoint);
  if (!note) return PlainRefusal(400, note.error().message);
  const Result<evidence::TreeHead> head = evidence::ParseTreeHead(note->text);
  if (!head) return PlainRefusal(400, head.error().message);
  const auto found = logs_.find(head->origin);
  if (found == logs_.end()) return PlainRefusal(404, "this witness does not know that log");
  if (const Result<> checked = CheckSigned(request->checkpoint, found->second.keys); !checked) {
    return PlainRefusal(403, checked.error().message);
  }
  if (request->old_size > head->size)
    return PlainRefusal(400, "the old size is above the checkpoint's");
  const Submission submission{*std::move(request), *std::move(note), *head};
  const std::lock_guard lock(mutex_);
  return Judge(found->second, submission);
}

http::Answer Witness::Judge(Log& log, const Submission& submission) {
  const AddCheckpointRequest& request = submission.request;
  const evidence::TreeHead& head = submission.head;
  if (head.size == log.head.size && head.root != log.head.root) KeepConflict(log, submission);
  if (request.old_size != log.head.size) return NameSize(log.head.size);
  if (head.size == log.head.size && head.root != log.head.root) {
    return PlainRefusal(409, "split view: another root of that size was cosigned before");
  }
  if (!evidence::VerifyConsistency({.old_size = log.head.size,
                                    .old_root = log.head.root,
                                    .size = head.size,
                                    .root = head.root},
                                   request.proof)) {
    return PlainRefusal(422,
                        "the proof does not show that this tree extends the one cosigned last");
  }
  return Cosign(log, submission);
}

http::Answer Witness::Cosign(Log& log, const Submission& submission) {
  // A clock put back must not make an older tree look like the newest one.
  const std::int64_t wall_s =
      std::max({WallNow() / kNsPerSecond, log.cosigned_wall_s, std::int64_t{0}});
  const std::string line = evidence::Cosign(submission.note.text, key_.verifier, key_.key, wall_s);
  // Lines of others are not ours to vouch for; what would be stored is what was checked.
  std::string note = submission.note.text + "\n";
  for (const evidence::SignatureLine& signature : submission.note.signatures) {
    for (const VerifierKey& key : log.keys) {
      if (!signature.IsBy(key)) continue;
      note += FormatSignatureLine(key, std::string_view(signature.bytes).substr(key.key_id.size()));
    }
  }
  note += line;
  if (const Result<> kept = WriteFileAtomically(FileOf(log.head.origin, ""), AsBytes(note));
      !kept) {
    if (options_.narrate) options_.narrate(kept.error().message);
    return PlainRefusal(503, "cannot remember it now, so it is not cosigned");
  }
  log.head = submission.head;
  log.note = std::move(note);
  log.cosigned_wall_s = wall_s;
  return {.status = 200,
          .content_type = std::string(kPlainText),
          .body = line,
          .headers = {{"Cache-Control", "no-store"}}};
}

// Two signed checkpoints of one size with two roots prove by themselves that the log lied. The
// first is kept: whoever holds the log's key could make any number.
void Witness::KeepConflict(Log& log, const Submission& submission) {
  if (std::exchange(log.conflict_kept, true)) return;
  const fs::path path = FileOf(log.head.origin, ".conflict");
  const Result<> kept = WriteFileAtomically(path, AsBytes(submission.request.checkpoint));
  if (!options_.narrate) return;
  options_.narrate(fmt::format(
      "SPLIT VIEW: the log {} signed two histories of {} entries; the second is kept as {}{}",
      log.head.origin, log.head.size, path.string(),
      kept ? "" : fmt::format(", if it can be: {}", kept.error().message)));
}

http::Answer Witness::Answer(std::string_view path) const {
  const auto origin = origin_by_path_.find(path);
  if (origin == origin_by_path_.end()) return PlainRefusal(404, "no such thing here");
  const std::lock_guard lock(mutex_);
  const Log& log = logs_.at(origin->second);
  if (log.note.empty()) return PlainRefusal(404, "nothing of that log was cosigned");
  return {.status = 200,
          .content_type = std::string(kPlainText),
          .body = log.note,
          .headers = {{"Cache-Control", "no-store"}}};
}

}  // namespace spoor::witness
