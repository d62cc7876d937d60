// SPDX-License-Identifier: Apache-2.0
// Makes the log of a store for tests: recordings of COUNT batches in STORE.
// usage: spoor_make_log STORE COUNT closed|killed|acknowledging|events|open|interleaved
// "closed": the recording and the log end in order. "killed": neither; some batches are behind the
// last checkpoint when the process ends itself with SIGKILL. "acknowledging": as closed, with many
// checkpoints, each told on stdout as "acknowledged ENTRIES" when it is durable. "events": as
// closed, of a host, with records in each batch. "open": as events, and the recording does not end.
// "interleaved": as closed, two recordings of COUNT batches, their batches by turns.
#include <fmt/format.h>

#include <charconv>
#include <csignal>

#include "base/store_layout.hpp"
#include "base/time.hpp"
#include "evidence/log.hpp"
#include "wire/batch_sealer.hpp"
#include "wire/made_up_events.hpp"

namespace {

using spoor::Result;
using spoor::wire::BatchKind;

constexpr std::uint64_t kNsPerBatch = 1'000'000;
constexpr std::uint32_t kRecordsPerBatch = 4;
constexpr std::string_view kDescription =
    R"({"format":1,"boot_id":"00000000-0000-4000-8000-000000000001",)"
    R"("scopes":[{"host":"made-up","kind":"machine"}]})";

/// The batches of one recording, one after the other.
class Recording {
 public:
  Recording(std::uint64_t count, bool ends, bool has_events)
      : count_(count), ends_(ends), has_events_(has_events) {
    batch_.recording_id = spoor::wire::MakeRecordingId();
  }
  bool done() const { return batch_.batch_index == count_; }
  std::uint64_t batch_index() const { return batch_.batch_index; }

  Result<> AppendNext(spoor::evidence::LogWriter& log) {
    const bool first = batch_.batch_index == 0;
    const bool last = batch_.batch_index + 1 == count_ && ends_;
    batch_.kind = first  ? BatchKind::kRecordingOpen
                  : last ? BatchKind::kRecordingClose
                         : BatchKind::kRecords;
    batch_.wall_ns = spoor::WallNow();
    batch_.payload.clear();
    if (has_events_) {
      batch_.boot_ns = begin_boot_ns_ + (batch_.batch_index + 1) * kNsPerBatch;
      batch_.complete_until_boot_ns = batch_.boot_ns;
    }
    if (first || last) {
      const std::string_view text = first && has_events_ ? kDescription : "{}";
      const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
      batch_.payload.assign(bytes.begin(), bytes.end());
    } else if (has_events_) {
      // Well before the batch is sealed.
      events_.Append(kRecordsPerBatch, batch_.boot_ns - kNsPerBatch / 2,
                     kNsPerBatch / kRecordsPerBatch / 4, batch_.payload);
    }
    ASSIGN_OR_RETURN(const std::vector<std::byte> entry, spoor::wire::EncodeBatch(batch_));
    RETURN_IF_ERROR(log.Append(entry));
    batch_.previous_sha256 = spoor::wire::DigestOf(entry);
    ++batch_.batch_index;
    return {};
  }

 private:
  const std::uint64_t count_;
  const bool ends_;
  const bool has_events_;
  const std::uint64_t begin_boot_ns_ = spoor::BootNow();
  spoor::wire::MadeUpEvents events_{1};
  spoor::wire::Batch batch_;
};

Result<> MakeLog(const spoor::StoreLayout& layout, std::uint64_t count, std::string_view mode) {
  const bool killed = mode == "killed";
  const bool events = mode == "events" || mode == "open";
  ASSIGN_OR_RETURN(const auto log,
                   spoor::evidence::LogWriter::Open(
                       {.folder = layout.evidence(), .key_file = layout.private_key()}));
  Recording recording(count, !killed && mode != "open", events);
  Recording other(mode == "interleaved" ? count : 0, true, false);
  while (!recording.done()) {
    RETURN_IF_ERROR(recording.AppendNext(*log));
    if (!other.done()) RETURN_IF_ERROR(other.AppendNext(*log));
    const std::uint64_t at = recording.batch_index() - 1;
    if (mode == "acknowledging" && at % 23 == 7) {
      RETURN_IF_ERROR(log->Checkpoint());
      fmt::print("acknowledged {}\n", log->size());
      std::fflush(stdout);
    }
    if (killed && at == count / 2) RETURN_IF_ERROR(log->Checkpoint());
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
    fmt::print(stderr,
               "usage: spoor_make_log STORE COUNT "
               "closed|killed|acknowledging|events|open|interleaved\n");
    return 2;
  }
  const Result<> made = MakeLog(spoor::StoreLayout{argv[1]}, count, mode);
  if (!made) fmt::print(stderr, "spoor_make_log: {}\n", made.error().message);
  return made ? 0 : 5;
}
