// SPDX-License-Identifier: Apache-2.0
// The state of an ingest, as somebody else may have written it: the input is what follows the
// beginning that this build's states have. What can be read goes on as any recording does.
#include <array>
#include <cstdint>

#include "base/check.hpp"
#include "base/file.hpp"
#include "ingest/recording_ingest.hpp"

namespace spoor::ingest {
namespace {

/// Takes rows and forgets them.
class NoTable : public store::TableWriter {
 public:
  explicit NoTable(std::size_t column_count) : cells_(column_count) {
    for (std::uint64_t& cell : cells_) vectors_.push_back({&cell, nullptr});
    capacity_ = 1;
  }

 private:
  void PutText(std::size_t, std::string_view) override {}
  void PutTexts(std::size_t, schema::TextList) override {}
  void PutBytes(std::size_t, std::string_view) override {}
  void PutNull(std::size_t) override {}
  void HandOver() override { row_ = 0; }

  std::vector<std::uint64_t> cells_;
};

class NoSegments : public store::SegmentWriter {
 public:
  NoSegments() {
    for (const auto& table : schema::Tables())
      tables_.push_back(std::make_unique<NoTable>(table.columns.size()));
  }

  void NotePartition(std::int64_t, std::string_view, std::int64_t) override {}
  std::uint64_t row_count() const override { return 0; }
  std::uint64_t held_bytes() const override { return 0; }
  const Partitions& partitions() const override { return partitions_; }
  void SetPartitions(Partitions partitions) override { partitions_ = std::move(partitions); }
  Result<std::vector<store::Segment>> Write(const WriteOptions&) override {
    return std::vector<store::Segment>();
  }
  Result<> Restart() override { return {}; }

 private:
  store::TableWriter& writer(std::size_t table) override { return *tables_[table]; }

  std::vector<std::unique_ptr<NoTable>> tables_;
  Partitions partitions_;
};

const std::string kId(32, 'a');

Result<std::unique_ptr<RecordingIngest>> Read(std::string_view bytes,
                                              const CatchUpOptions& options) {
  return RecordingIngest::ReadState(bytes, options, kId, std::make_unique<NoSegments>());
}

void Try(std::string_view input) {
  const CatchUpOptions options{.importers = {}};
  const auto first = Read(RecordingIngest::BeginOfState(kId) + std::string(input), options);
  if (!first) {
    SPOOR_CHECK(first.error().code == ErrorCode::kCorrupt);
    return;
  }
  // In the order of keys from now on.
  const std::string bytes = (*first)->StateBytes();
  const auto second = Read(bytes, options);
  SPOOR_CHECK(second) << second.error().message;
  SPOOR_CHECK((*second)->StateBytes() == bytes);
  wire::Batch batch;
  batch.kind = wire::BatchKind::kRecords;
  batch.boot_ns = batch.complete_until_boot_ns = 1'000'000'000'000;
  SPOOR_CHECK((*second)->Take(batch, (*second)->last_entry() + 1, {}, 0));
  SPOOR_CHECK((*second)->End(true));
}

}  // namespace
}  // namespace spoor::ingest

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  spoor::ingest::Try(spoor::AsText(std::as_bytes(std::span(data, size))));
  return 0;
}
