// SPDX-License-Identifier: Apache-2.0
// Imports between small logs, and accounts of imports that lie: those a log's writer could sign.
#include "proof/transfer.hpp"

#include <gmock/gmock.h>

#include "base/file.hpp"
#include "base/scratch_folder.hpp"
#include "evidence/excerpt.hpp"
#include "proof/prove.hpp"
#include "wire/batch_chain.hpp"
#include "wire/batch_sealer.hpp"

namespace spoor::proof {
namespace {

using testing::HasSubstr;

class TransferTest : public testing::Test {
 protected:
  StoreLayout Store(const std::string& name) const { return {scratch_.path() / name}; }

  static std::unique_ptr<evidence::LogWriter> Writer(const StoreLayout& store) {
    auto log =
        evidence::LogWriter::Open({.folder = store.evidence(), .key_file = store.private_key()});
    EXPECT_TRUE(log) << log.error().message;
    return std::move(*log);
  }
  static std::unique_ptr<evidence::LogReader> Reader(const StoreLayout& store) {
    auto log = evidence::LogReader::Open(store.evidence(), *ReadTextFile(store.public_key(), 4096));
    EXPECT_TRUE(log) << log.error().message;
    return std::move(*log);
  }
  static wire::BatchSealer Sealer(evidence::LogWriter& log) {
    return {wire::MakeRecordingId(), [&log](const wire::DigestedBytes& batch) -> Result<> {
              RETURN_IF_ERROR(log.Append(batch.bytes));
              return {};
            }};
  }
  /// Two recordings side by side, and a collector's account after each `account_every` batches.
  void Fill(const StoreLayout& store, int count, int account_every) {
    const auto log = Writer(store);
    wire::BatchSealer first = Sealer(*log);
    wire::BatchSealer second = Sealer(*log);
    wire::BatchSealer account = Sealer(*log);
    for (int i = 0; i < count; ++i) {
      const auto kind = i == 0           ? wire::BatchKind::kRecordingOpen
                        : i == count - 1 ? wire::BatchKind::kRecordingClose
                                         : wire::BatchKind::kImportData;
      ASSERT_TRUE(first.Seal(kind, AsBytes("{}"), {}));
      ASSERT_TRUE(second.Seal(kind, AsBytes("{}"), {}));
      if (i % account_every == account_every - 1) {
        ASSERT_TRUE(account.Seal(wire::BatchKind::kCollected, {}, {}));
      }
    }
    ASSERT_TRUE(log->Close());
  }
  std::filesystem::path ExportAll(const StoreLayout& store, const std::string& name) {
    auto path = scratch_.path() / name;
    const auto report = Export(store, {{0, Reader(store)->size()}}, path,
                               {.made_by = "test", .made_wall_ns = 1, .answer = {}});
    EXPECT_TRUE(report) << report.error().message;
    return path;
  }
  static Result<std::vector<TransferAudit::Origin>> Audit(const StoreLayout& store) {
    const auto log = Reader(store);
    TransferAudit audit;
    RETURN_IF_ERROR(log->ForEach(0, [&](std::uint64_t index, std::span<const std::byte> entry) {
      return audit.Add(index, entry);
    }));
    return audit.Finish(*log);
  }
  static TransferAccount AccountIn(const StoreLayout& store) {
    std::string text;
    EXPECT_TRUE(
        Reader(store)->ForEach(0, [&](std::uint64_t, std::span<const std::byte> entry) -> Result<> {
          ASSIGN_OR_RETURN(const wire::Batch batch, wire::DecodeBatch(entry));
          if (batch.kind == wire::BatchKind::kTransferred) text += AsText(batch.payload);
          return {};
        }));
    return *ParseTransfer(text);
  }

  ScratchFolder scratch_{ScratchFolder::MemoryFolder()};
};

TEST_F(TransferTest, AccountsForEveryEntryOfTheOtherLog) {
  Fill(Store("a"), 40, 3);
  const auto report = ImportEvidence(
      {.file = ExportAll(Store("a"), "all"), .public_key = {}, .layout = Store("b")});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->entry_count, 93U);
  EXPECT_EQ(report->added_count, 80U);
  EXPECT_EQ(report->account_count, 13U);
  const auto origins = Audit(Store("b"));
  ASSERT_TRUE(origins) << origins.error().message;
  ASSERT_EQ(origins->size(), 1U);
  EXPECT_EQ(origins->front().entry_count, 80U);
  EXPECT_EQ(origins->front().checkpoint_size, 93U);
}

TEST_F(TransferTest, SplitsALongAccountAndReadsItBack) {
  Fill(Store("a"), 2000, 1);
  ASSERT_TRUE(ImportEvidence(
      {.file = ExportAll(Store("a"), "all"), .public_key = {}, .layout = Store("b")}));
  EXPECT_GT(Reader(Store("b"))->size(), 4002U) << "one batch cannot hold 2000 runs and leaves";
  const auto origins = Audit(Store("b"));
  ASSERT_TRUE(origins) << origins.error().message;
  EXPECT_EQ(origins->front().entry_count, 4000U);
}

TEST_F(TransferTest, MovesOnWithItsOriginsStayingBehind) {
  Fill(Store("a"), 5, 2);
  ASSERT_TRUE(ImportEvidence(
      {.file = ExportAll(Store("a"), "a.all"), .public_key = {}, .layout = Store("b")}));
  const auto report = ImportEvidence(
      {.file = ExportAll(Store("b"), "b.all"), .public_key = {}, .layout = Store("c")});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->added_count, 10U);
  EXPECT_EQ(report->account_count, 1U);
  EXPECT_TRUE(Audit(Store("c")));
}

TEST_F(TransferTest, RefusesAnAccountThatLies) {
  Fill(Store("a"), 6, 2);
  ASSERT_TRUE(ImportEvidence(
      {.file = ExportAll(Store("a"), "all"), .public_key = {}, .layout = Store("b")}));
  const TransferAccount good = AccountIn(Store("b"));
  ASSERT_GT(good.ranges.at(0).runs.size(), 2U);
  std::vector<TransferAccount> bad(7, good);
  bad[0].ranges[0].runs[0].here_first += 1;
  bad[1].ranges[0].runs[0].here_first = 1'000'000;
  bad[2].ranges[0].runs.pop_back();
  bad[3].ranges[0].runs[1].leaves[0][0] ^= 1;
  bad[4].checkpoint.replace(bad[4].checkpoint.find("15\n"), 2, "14");
  bad[5].ranges[0].runs[0].count -= 1;
  bad[6].ranges[0].range.end -= 1;
  for (std::size_t i = 0; i < bad.size(); ++i) {
    const StoreLayout store = Store(fmt::format("bad{}", i));
    std::filesystem::copy(Store("b").root, store.root, std::filesystem::copy_options::recursive);
    {
      const auto log = Writer(store);
      wire::BatchSealer account = Sealer(*log);
      ASSERT_TRUE(account.Seal(wire::BatchKind::kTransferred, AsBytes(TransferText(bad[i])), {}));
      ASSERT_TRUE(log->Close());
    }
    const auto origins = Audit(store);
    ASSERT_FALSE(origins) << i;
    EXPECT_EQ(origins.error().code, ErrorCode::kUnverified) << i;
    EXPECT_THAT(origins.error().message, HasSubstr("account of an import")) << i;
  }
}

TEST_F(TransferTest, RefusesTextThatIsNoAccount) {
  for (const char* text : {"", "{}", "x", "{\"transfer\":2}\n", "{\"first\":0,\"count\":1}\n",
                           "{\"origin_first\":0,\"here_first\":0,\"count\":1}\n"}) {
    EXPECT_FALSE(ParseTransfer(text)) << text;
  }
}

}  // namespace
}  // namespace spoor::proof
