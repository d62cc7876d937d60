// SPDX-License-Identifier: Apache-2.0
#include "analysis/verify_store.hpp"

#include <fmt/format.h>

#include "base/exists.hpp"
#include "base/file.hpp"
#include "evidence/named_key.hpp"

namespace spoor::analysis {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kKeyBytesMax = 4096;

/// The store's own. Nothing is known to be wrong with the evidence when it cannot be used: the
/// evidence cannot be judged by it.
Result<std::string> ReadOwnKey(const StoreLayout& layout) {
  const auto unusable = [&](std::string_view why) {
    return Fail(ErrorCode::kUnavailable,
                "{}: the store cannot be judged by its own key (--key names a copy of it)", why);
  };
  Result<std::string> text = evidence::ReadPublicKey(layout);
  if (!text) return unusable(text.error().message);
  const Result<evidence::VerifierKey> key = evidence::VerifierKey::Parse(*text);
  if (!key) {
    return unusable(fmt::format("{}: {}", layout.public_key().string(), key.error().message));
  }
  return text;
}

/// The verifier key, from --key or from the store itself.
Result<std::string> ReadVerifierKey(const VerifyStoreOptions& options) {
  return options.key_file.empty() ? ReadOwnKey(options.layout) : ReadGivenKey(options.key_file);
}

std::uint64_t BytesBelow(const fs::path& folder) {
  std::uint64_t size_bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator item(folder, error), end; !error && item != end;
       item.increment(error)) {
    if (item->is_regular_file(error)) size_bytes += item->file_size(error);
  }
  return size_bytes;
}

}  // namespace

Result<std::string> ReadGivenKey(const fs::path& path) {
  Result<std::string> text = ReadTextFile(path, kKeyBytesMax);
  if (!text && text.error().code == ErrorCode::kCorrupt) {  // longer than any key
    return Fail(ErrorCode::kInvalidArgument, "--key {}", text.error().message);
  }
  if (!text) return text;
  const Result<evidence::VerifierKey> key = evidence::VerifierKey::Parse(*text);
  if (!key) {
    return Fail(ErrorCode::kInvalidArgument, "--key {}: {}", path.string(), key.error().message);
  }
  return text;
}

Result<StoreProof> VerifyStore(const VerifyStoreOptions& options) {
  const StoreLayout& layout = options.layout;
  ASSIGN_OR_RETURN(const bool evidence_is_there, Exists(layout.evidence()));
  ASSIGN_OR_RETURN(const bool keys_are_there, Exists(layout.private_key().parent_path()));
  if (!evidence_is_there && !keys_are_there) {
    return Fail(ErrorCode::kNotFound, "{}: no store there", layout.root.string());
  }
  if (!evidence_is_there) {
    return Fail(ErrorCode::kUnverified, "{}: missing", layout.evidence().string());
  }
  keys::KeyPointer escrow;
  if (!options.escrow_file.empty()) {
    ASSIGN_OR_RETURN(escrow, keys::LoadPrivateKey(options.escrow_file));
  }
  keys::CertificatePointer authority;
  if (!options.authority_file.empty()) {
    ASSIGN_OR_RETURN(authority, keys::LoadCertificate(options.authority_file));
  }
  StoreProof proof(std::move(escrow), std::move(authority));
  ASSIGN_OR_RETURN(const std::string public_key, ReadVerifierKey(options));
  ASSIGN_OR_RETURN(proof.key, evidence::VerifierKey::Parse(public_key));
  ASSIGN_OR_RETURN(
      proof.log,
      evidence::VerifyLog(
          {.folder = layout.evidence(),
           .public_key = public_key,
           .progress = options.progress,
           .carried = [&](const wire::Carried& carried, std::uint64_t removed) -> Result<> {
             for (const wire::CarriedRecording& recording : carried.recordings) {
               proof.recordings.Continue(recording.recording_id, recording.extent,
                                         recording.last_sha256);
             }
             proof.completeness.Continue(carried);
             proof.canaries.Continue(carried);
             return proof.seals.Continue(carried, removed);
           },
           .visit = [&](std::uint64_t index, std::span<const std::byte> entry) -> Result<> {
             RETURN_IF_ERROR(proof.recordings.Add(index, entry));
             proof.completeness.Add(proof.recordings.last_batch());
             proof.canaries.Add(index, proof.recordings.last_batch());
             RETURN_IF_ERROR(proof.transfers.Add(index, entry));
             return proof.seals.Add(index, entry);
           }}));
  RETURN_IF_ERROR(proof.recordings.Finish());
  RETURN_IF_ERROR(proof.seals.Finish());
  proof.completeness.Finish();
  ASSIGN_OR_RETURN(const std::unique_ptr<evidence::LogReader> log,
                   evidence::LogReader::Open(layout.evidence(), public_key));
  ASSIGN_OR_RETURN(proof.origins, proof.transfers.Finish(*log));
  ASSIGN_OR_RETURN(proof.outside,
                   CheckOutsideViews(options.outside, layout, proof.key, proof.log.checkpoint));
  if (options.segments) {
    ASSIGN_OR_RETURN(proof.segments, options.segments(layout, public_key));
  }
  proof.skipped_segments = !options.segments;
  proof.set_aside_bytes = BytesBelow(layout.set_aside());
  return proof;
}

std::map<std::string, std::set<std::string>> SharedHosts(const StoreProof& proof) {
  std::map<std::string, std::set<std::string>> shared = proof.seals.report().hosts;
  std::erase_if(shared, [](const auto& host) { return host.second.size() < 2; });
  return shared;
}

}  // namespace spoor::analysis
