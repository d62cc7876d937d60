// SPDX-License-Identifier: Apache-2.0
// Makes the log of a store for verify_test.py: one recording of COUNT batches in STORE.
// usage: spoor_make_log STORE COUNT closed|killed|acknowledging
// "closed": the recording and the log end in order. "killed": neither; some batches are behind the
// last checkpoint when the process ends itself with SIGKILL. "acknowledging": as closed, with many
// checkpoints, each told on stdout as "acknowledged ENTRIES" when it is durable.
#include <fmt/format.h>

#include <charconv>
#include <csignal>

#include "base/store_layout.hpp"
#include "base/time.hpp"
#include "evidence/log.hpp"
#include "wire/batch_sealer.hpp"

namespace {

using spoor::Result;

Result<> MakeLog(const spoor::StoreLayout& layout, std::uint64_t count, std::string_view mode) {
  const bool killed = mode == "killed";
  ASSIGN_OR_RETURN(const auto log,
                   spoor::evidence::LogWriter::Open(
                       {.folder = layout.evidence(), .key_file = layout.private_key()}));
  spoor::wire::Batch batch;
  batch.recording_id = spoor::wire::MakeRecordingId();
  for (; batch.batch_index < count; ++batch.batch_index) {
    const bool first = batch.batch_index == 0;
    const bool last = batch.batch_index + 1 == count && !killed;
    batch.kind = first  ? spoor::wire::BatchKind::kRecordingOpen
                 : last ? spoor::wire::BatchKind::kRecordingClose
                        : spoor::wire::BatchKind::kRecords;
    batch.payload.assign(first || last ? 2 : 0, std::byte{'{'});
    if (!batch.payload.empty()) batch.payload[1] = std::byte{'}'};
    batch.wall_ns = spoor::WallNow();
    ASSIGN_OR_RETURN(const std::vector<std::byte> entry, spoor::wire::EncodeBatch(batch));
    RETURN_IF_ERROR(log->Append(entry));
    batch.previous_sha256 = spoor::wire::DigestOf(entry);
    if (mode == "acknowledging" && batch.batch_index % 23 == 7) {
      RETURN_IF_ERROR(log->Checkpoint());
      fmt::print("acknowledged {}\n", log->size());
      std::fflush(stdout);
    }
    if (killed && batch.batch_index == count / 2) RETURN_IF_ERROR(log->Checkpoint());
  }
  if (killed) return std::raise(SIGKILL), Result<>();
  return log->Close();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc == 4 ? argv[3] : "";
  std::uint64_t count = 0;
  if (mode.empty() ||
      std::from_chars(argv[2], argv[2] + std::string_view(argv[2]).size(), count).ec !=
          std::errc()) {
    fmt::print(stderr, "usage: spoor_make_log STORE COUNT closed|killed|acknowledging\n");
    return 2;
  }
  const Result<> made = MakeLog(spoor::StoreLayout{argv[1]}, count, mode);
  if (!made) fmt::print(stderr, "spoor_make_log: {}\n", made.error().message);
  return made ? 0 : 5;
}
