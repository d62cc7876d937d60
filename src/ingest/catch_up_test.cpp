// SPDX-License-Identifier: Apache-2.0
#include "ingest/catch_up.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>

#include "base/file.hpp"
#include "evidence/log.hpp"
#include "ingest/derivation_check.hpp"
#include "store/catalog.hpp"
#include "store/lookup.hpp"
#include "store/store.hpp"
#include "wire/batch_sealer.hpp"

namespace spoor::ingest {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

/// Reads a number a line: each is a fork at that time. "bad" is an error.
class NumberSource : public event::EventSource {
 public:
  Result<> Feed(std::span<const std::byte> bytes, event::Findings& findings) override {
    std::istringstream lines{std::string(AsText(bytes))};
    for (std::string line; std::getline(lines, line);) {
      if (line == "bad") return Fail(ErrorCode::kCorrupt, "a bad line");
      event::Event& event = findings.events.emplace_back();
      event.kind = event::EventKind::kFork;
      event.host = "h";
      event.end_boot_ns = std::stoull(line);
      event.wall_ns = static_cast<std::int64_t>(event.end_boot_ns);
      event.process = {1, 0};
      event.other_process =
          event::ProcessKey{static_cast<std::uint32_t>(event.end_boot_ns), event.end_boot_ns};
    }
    return {};
  }
  Result<> Finish(event::Findings&) override { return {}; }
};

/// Tells of one conversation in three parts, the second from its other end, and has one bad record.
class ConversationSource : public event::EventSource {
 public:
  Result<> Feed(std::span<const std::byte>, event::Findings& findings) override {
    for (const std::int64_t second : {1, 2, 3}) {
      event::FlowSighting& flow = findings.flows.emplace_back();
      flow.observer = "netflow";
      flow.ends = {.source_ip = "10.0.0.1",
                   .destination_ip = "10.0.0.2",
                   .source_port = std::uint16_t{4000},
                   .destination_port = std::uint16_t{80},
                   .transport = "tcp"};
      flow.begin_wall_ns = flow.end_wall_ns = second * 1'000'000'000;
      flow.source_packets = 10;
      if (second != 2) continue;
      std::swap(flow.ends.source_ip, flow.ends.destination_ip);
      std::swap(flow.ends.source_port, flow.ends.destination_port);
    }
    return {};
  }
  Result<> Finish(event::Findings&) override { return {}; }
  event::SourceCounts counts() const override {
    return {.record_count = 4, .malformed_count = 1, .first_malformed_record = 4};
  }
};

CatchUpOptions Options() {
  return {
      .importers =
          [](const ImportDescription& description) -> Result<std::unique_ptr<event::EventSource>> {
        if (description.kind == "numbers") return std::make_unique<NumberSource>();
        if (description.kind == "conversation") return std::make_unique<ConversationSource>();
        return Fail(ErrorCode::kUnsupported, "no importer for '{}'", description.kind);
      }};
}

class CatchUpTest : public testing::Test {
 protected:
  CatchUpTest()
      : layout_{std::filesystem::temp_directory_path() /
                fmt::format("spoor-ingest-test-{}", ::getpid())} {
    std::filesystem::remove_all(layout_.root);
  }
  ~CatchUpTest() override { std::filesystem::remove_all(layout_.root); }

  void OpenLog() {
    auto log = evidence::LogWriter::Open(
        {.folder = layout_.evidence(), .key_file = layout_.private_key()});
    ASSERT_TRUE(log) << log.error().message;
    log_ = std::move(*log);
  }

  /// Begins a recording of imported numbers.
  std::unique_ptr<wire::BatchSealer> Begin(const std::string& kind = "numbers") {
    auto sealer = std::make_unique<wire::BatchSealer>(
        wire::MakeRecordingId(), [this](const wire::DigestedBytes& batch) -> Result<> {
          ASSIGN_OR_RETURN([[maybe_unused]] const std::uint64_t index, log_->Append(batch.bytes));
          return {};
        });
    Seal(*sealer, wire::BatchKind::kRecordingOpen,
         ImportDescriptionJson({.kind = kind, .file = "f", .host = "h", .sha256 = "00"}));
    return sealer;
  }
  void Seal(wire::BatchSealer& sealer, wire::BatchKind kind, std::string_view payload) {
    ++now_ns_;
    ASSERT_TRUE(sealer.Seal(kind, AsBytes(payload),
                            {.boot_ns = now_ns_,
                             .wall_ns = static_cast<std::int64_t>(now_ns_),
                             .complete_until_boot_ns = now_ns_}));
    ASSERT_TRUE(log_->Checkpoint());
  }
  void Close(wire::BatchSealer& sealer) { Seal(sealer, wire::BatchKind::kRecordingClose, "{}"); }

  CatchUpSummary MustCatchUp() {
    const auto summary = CatchUp(layout_, Options(), {});
    EXPECT_TRUE(summary) << (summary ? "" : summary.error().message);
    return summary ? *summary : CatchUpSummary{};
  }

  std::vector<std::int64_t> Integers(std::string_view query) {
    auto store = store::OpenStore(layout_.root.string());
    EXPECT_TRUE(store) << (store ? "" : store.error().message);
    const auto integers = store::ReadIntegers(**store, query, {});
    EXPECT_TRUE(integers) << (integers ? "" : integers.error().message);
    return *integers;
  }

  StoreLayout layout_;
  std::unique_ptr<evidence::LogWriter> log_;
  std::uint64_t now_ns_ = 1'000'000;
};

constexpr const char* kTimes = "SELECT boot_ns FROM event ORDER BY event_id";

TEST_F(CatchUpTest, IngestsAClosedRecordingOnce) {
  OpenLog();
  const auto recording = Begin();
  Seal(*recording, wire::BatchKind::kImportData, "10\n20\n");
  Close(*recording);
  EXPECT_EQ(MustCatchUp().event_count, 2);
  EXPECT_EQ(MustCatchUp().event_count, 0);
  EXPECT_THAT(Integers(kTimes), ElementsAre(10, 20));
  EXPECT_TRUE(Integers("SELECT 1 FROM gap").empty());
}

TEST_F(CatchUpTest, SumsUpWhatAnObserverSaysOfOneConversation) {
  OpenLog();
  const auto recording = Begin("conversation");
  Seal(*recording, wire::BatchKind::kImportData, "x");
  Close(*recording);
  MustCatchUp();
  EXPECT_THAT(Integers("SELECT source_port FROM flow"), ElementsAre(4000));
  EXPECT_THAT(Integers("SELECT source_packets FROM flow"), ElementsAre(20));
  EXPECT_THAT(Integers("SELECT destination_packets FROM flow"), ElementsAre(10));
  EXPECT_THAT(Integers("SELECT end_wall_ns - begin_wall_ns FROM flow"), ElementsAre(2'000'000'000));
}

TEST_F(CatchUpTest, StatesHowManyRecordsOfAnImportCouldNotBeRead) {
  OpenLog();
  const auto recording = Begin("conversation");
  Seal(*recording, wire::BatchKind::kImportData, "x");
  Close(*recording);
  MustCatchUp();
  EXPECT_THAT(Integers("SELECT count FROM gap WHERE loss_class = 'malformed'"), ElementsAre(1));
  EXPECT_THAT(Integers("SELECT until_wall_ns - from_wall_ns FROM gap"), ElementsAre(2'000'000'000));
}

TEST_F(CatchUpTest, ShowsAnOpenRecordingAndReplacesItWhenItHasGrown) {
  OpenLog();
  const auto recording = Begin();
  Seal(*recording, wire::BatchKind::kImportData, "10\n");
  MustCatchUp();
  EXPECT_THAT(Integers(kTimes), ElementsAre(10));
  EXPECT_TRUE(store::LoadCatalog(layout_)->recordings.at(0).provisional);
  Seal(*recording, wire::BatchKind::kImportData, "20\n");
  MustCatchUp();
  EXPECT_THAT(Integers(kTimes), ElementsAre(10, 20));
  Close(*recording);
  MustCatchUp();
  EXPECT_THAT(Integers(kTimes), ElementsAre(10, 20));
  EXPECT_FALSE(store::LoadCatalog(layout_)->recordings.at(0).provisional);
  EXPECT_TRUE(Integers("SELECT 1 FROM gap").empty()) << "it came to its own end";
}

TEST_F(CatchUpTest, TellsOfTheEndThatNobodySaw) {
  OpenLog();
  const auto recording = Begin();
  Seal(*recording, wire::BatchKind::kImportData, "10\n");
  log_.reset();  // the recorder is gone without a closing batch
  MustCatchUp();
  // The rest of an imported file may be of any host and time.
  EXPECT_THAT(Integers("SELECT from_wall_ns FROM gap WHERE loss_class = 'end' AND host_id IS NULL"),
              ElementsAre(0));
  EXPECT_FALSE(store::LoadCatalog(layout_)->recordings.at(0).provisional);
}

TEST_F(CatchUpTest, NoticesThatARecorderWasKilledAfterTheLastCatchUp) {
  OpenLog();
  const auto recording = Begin();
  Seal(*recording, wire::BatchKind::kImportData, "10\n");
  MustCatchUp();
  EXPECT_TRUE(Integers("SELECT 1 FROM gap").empty()) << "it may go on";
  log_.reset();
  MustCatchUp();
  EXPECT_EQ(Integers("SELECT 1 FROM gap WHERE loss_class = 'end'").size(), 1);
  EXPECT_THAT(Integers(kTimes), ElementsAre(10));
}

TEST_F(CatchUpTest, GivesTheSameIdsWhenEverythingIsMadeAgain) {
  OpenLog();
  for (const char* numbers : {"10\n20\n", "30\n"}) {
    const auto recording = Begin();
    Seal(*recording, wire::BatchKind::kImportData, numbers);
    Close(*recording);
    MustCatchUp();
  }
  constexpr const char* kIds = "SELECT event_id FROM event ORDER BY event_id";
  const std::vector<std::int64_t> before = Integers(kIds);
  EXPECT_EQ(before.size(), 3);
  EXPECT_EQ(std::set<std::int64_t>(before.begin(), before.end()).size(), 3);
  const auto made = Rebuild(layout_, Options(), {});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->made.event_count, 3);
  EXPECT_EQ(Integers(kIds), before);
}

TEST_F(CatchUpTest, GoesOnWithARecordingThatWasTakenToBeOver) {
  OpenLog();
  const auto recording = Begin();
  Seal(*recording, wire::BatchKind::kImportData, "10\n");
  log_.reset();
  MustCatchUp();
  EXPECT_EQ(Integers("SELECT 1 FROM gap WHERE loss_class = 'end'").size(), 1);
  OpenLog();  // an import of evidence brings the rest
  Seal(*recording, wire::BatchKind::kImportData, "20\n");
  Close(*recording);
  MustCatchUp();
  EXPECT_THAT(Integers(kTimes), ElementsAre(10, 20));
  EXPECT_TRUE(Integers("SELECT 1 FROM gap").empty());
}

TEST_F(CatchUpTest, MakesTheSameRowsFromEntriesThatStandElsewhere) {
  OpenLog();
  const auto first = Begin();
  Seal(*first, wire::BatchKind::kImportData, "10\n");
  const auto second = Begin();
  Seal(*second, wire::BatchKind::kImportData, "20\n30\n");
  Close(*second);
  MustCatchUp();
  const StoreLayout elsewhere{layout_.root / "elsewhere"};
  ASSERT_TRUE(CreateFolders(elsewhere.root));
  const auto log =
      evidence::LogReader::Open(layout_.evidence(), *ReadTextFile(layout_.public_key(), 4096));
  ASSERT_TRUE(log);
  // The first is over, for another followed it.
  const auto made = IngestFrom([&](const auto& visit) { return (*log)->ForEach(0, visit); }, {},
                               elsewhere, Options());
  ASSERT_TRUE(made) << made.error().message;
  const auto store = store::OpenStore(elsewhere.root.string());
  ASSERT_TRUE(store) << store.error().message;
  for (const char* query : {"SELECT event_id FROM event ORDER BY event_id",
                            "SELECT count(*) FROM gap", "SELECT entry_index FROM evidence_batch"}) {
    EXPECT_EQ(*store::ReadIntegers(**store, query, {}), Integers(query)) << query;
  }
}

TEST_F(CatchUpTest, WritesSeveralSegmentsWhenThereAreManyRows) {
  OpenLog();
  const auto recording = Begin();
  std::vector<std::int64_t> expected;
  for (int i = 1; i <= 50; ++i) {
    Seal(*recording, wire::BatchKind::kImportData, fmt::format("{}\n", i));
    expected.push_back(i);
  }
  Close(*recording);
  CatchUpOptions options = Options();
  options.rows_held_max = 20;
  ASSERT_TRUE(CatchUp(layout_, options, {}));
  EXPECT_EQ(Integers(kTimes), expected);
  EXPECT_EQ(Integers("SELECT boot_ns FROM event_by_object ORDER BY event_id"), expected);
  EXPECT_THAT(Integers("SELECT count(*) FROM process"), ElementsAre(51)) << "one row a process";
  const auto catalog = store::LoadCatalog(layout_);
  EXPECT_GT(std::count_if(catalog->segments.begin(), catalog->segments.end(),
                          [](const auto& segment) { return segment.table == "event"; }),
            2);
}

TEST_F(CatchUpTest, TurnsWhatCannotBeReadIntoAGapAndShowsTheRest) {
  OpenLog();
  auto recording = Begin();
  Seal(*recording, wire::BatchKind::kImportData, "10\n");
  Seal(*recording, wire::BatchKind::kImportData, "bad\n");
  Close(*recording);
  recording = Begin("unheard of");
  Seal(*recording, wire::BatchKind::kImportData, "x");
  Close(*recording);
  recording = Begin();
  Seal(*recording, wire::BatchKind::kImportData, "30\n");
  Close(*recording);
  MustCatchUp();
  EXPECT_THAT(Integers(kTimes), ElementsAre(10, 30));
  EXPECT_EQ(
      Integers("SELECT 1 FROM gap WHERE loss_class = 'batch' AND reason LIKE '%a bad line'").size(),
      1);
  EXPECT_EQ(Integers("SELECT 1 FROM gap WHERE reason LIKE '%unheard of%'").size(), 1);
}

TEST_F(CatchUpTest, RefusesEvidenceThatDoesNotVerify) {
  OpenLog();
  const auto recording = Begin();
  Seal(*recording, wire::BatchKind::kImportData, "10\n");
  Close(*recording);
  ASSERT_TRUE(log_->Close());
  log_.reset();
  for (const auto& file : std::filesystem::recursive_directory_iterator(layout_.evidence())) {
    if (file.path().string().find("entries") == std::string::npos || !file.is_regular_file())
      continue;
    std::fstream bytes(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(40);
    bytes.put('!');
  }
  const auto summary = CatchUp(layout_, Options(), {});
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().code, ErrorCode::kUnverified);
  EXPECT_FALSE(std::filesystem::exists(layout_.catalog()));
}

TEST_F(CatchUpTest, TellsThatThereIsNoStore) {
  const auto summary = CatchUp(layout_, Options(), {});
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(summary.error().message, HasSubstr(layout_.root.string()));
}

TEST_F(CatchUpTest, MakesTheTablesOfAnEarlierSchemaAgain) {
  OpenLog();
  const auto recording = Begin();
  Seal(*recording, wire::BatchKind::kImportData, "10\n");
  Close(*recording);
  EXPECT_EQ(MustCatchUp().earlier_schema_version, std::nullopt);
  auto catalog = store::LoadCatalog(layout_);
  ASSERT_TRUE(catalog);
  const std::string before = catalog->segments.at(0).file;
  catalog->schema_version = 1;
  ASSERT_TRUE(store::SaveCatalog(layout_, *catalog));

  const auto refused = store::OpenStore(layout_.root.string());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(refused.error().message, AllOf(HasSubstr("schema 1"), HasSubstr("spoor rebuild")));
  EXPECT_EQ(CheckDerivation(layout_, *ReadTextFile(layout_.public_key(), 4096), Options(),
                            layout_.root / "scratch", {})
                .error()
                .code,
            ErrorCode::kUnsupported);

  const CatchUpSummary again = MustCatchUp();
  EXPECT_EQ(again.earlier_schema_version, 1);
  EXPECT_EQ(again.event_count, 1);
  EXPECT_THAT(Integers(kTimes), ElementsAre(10));
  catalog = store::LoadCatalog(layout_);
  EXPECT_EQ(catalog->schema_version, schema::kSchemaVersion);
  EXPECT_THAT(catalog->retired, Contains(before)) << "readers may still have it open";
  EXPECT_EQ(MustCatchUp().entry_count, 0);
}

TEST_F(CatchUpTest, RefusesTheTablesOfALaterSchema) {
  OpenLog();
  const auto recording = Begin();
  Close(*recording);
  MustCatchUp();
  auto catalog = store::LoadCatalog(layout_);
  catalog->schema_version = schema::kSchemaVersion + 1;
  ASSERT_TRUE(store::SaveCatalog(layout_, *catalog));
  EXPECT_EQ(CatchUp(layout_, Options(), {}).error().code, ErrorCode::kUnsupported);
}

TEST_F(CatchUpTest, NamesASegmentThatWasDamaged) {
  OpenLog();
  const auto recording = Begin();
  Seal(*recording, wire::BatchKind::kImportData, "10\n");
  Close(*recording);
  MustCatchUp();
  const auto catalog = store::LoadCatalog(layout_);
  for (const store::Segment& segment : catalog->segments) {
    const std::filesystem::path path = layout_.segments() / segment.file;
    const auto bytes = ReadFile(path, 1 << 20);
    std::vector<std::byte> damaged = *bytes;
    damaged[damaged.size() / 2] ^= std::byte{1};
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<char*>(damaged.data()),
               static_cast<std::streamsize>(damaged.size()));
    const auto store = store::OpenStore(layout_.root.string());
    ASSERT_FALSE(store) << segment.file;
    EXPECT_EQ(store.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(store.error().message, HasSubstr(segment.file));
    EXPECT_THAT(store.error().message, HasSubstr("spoor rebuild"));
    ASSERT_TRUE(WriteFileAtomically(path, *bytes));
  }
  EXPECT_THAT(Integers(kTimes), ElementsAre(10)) << "the same bytes with another mtime are good";
}

}  // namespace
}  // namespace spoor::ingest
