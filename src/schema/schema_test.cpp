// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "schema/documents.hpp"
#include "schema/loss_class.hpp"
#include "schema/tables.hpp"
#include "schema/version.hpp"

namespace spoor::schema {
namespace {

// What must not compile, asked as a question.
template <typename Row>
constexpr bool kMayLeaveOutTheName = requires {
  Row{.host_id = 1};
};
template <typename Row, typename Value>
constexpr bool kTakesAsName = requires(Value value) {
  Row{.host_id = 1, .name = value};
};
template <typename Row, typename Value>
constexpr bool kTakesAsId = requires(Value value) {
  Row{.host_id = value, .name = "web"};
};
static_assert(kTakesAsName<HostRow, std::string> && kTakesAsName<HostRow, const char*>);
static_assert(kTakesAsId<HostRow, std::int64_t> && kTakesAsId<HostRow, std::uint32_t>);
static_assert(!kMayLeaveOutTheName<HostRow>, "a row lacks a column");
static_assert(!kTakesAsName<HostRow, std::int64_t>, "a column takes another type");
static_assert(!kTakesAsName<HostRow, std::nullopt_t>, "a NOT NULL column takes NULL");
static_assert(!kTakesAsName<HostRow, std::optional<std::string>>, "a NOT NULL column takes NULL");
static_assert(!kTakesAsId<HostRow, bool>, "a number column takes a truth value");
static_assert(!kTakesAsId<HostRow, std::uint64_t>, "a column takes what may not fit");

TEST(Tables, NameEachColumnOnceAndAfterItsUnit) {
  std::set<std::string_view> folders;
  for (const TableDescription& table : Tables()) {
    std::set<std::string_view> names;
    for (const ColumnDescription& column : table.columns) {
      const std::string where = std::string(table.name) + "." + std::string(column.name);
      EXPECT_TRUE(names.insert(column.name).second) << where;
      const bool is_id = column.measure == Measure::kId;
      EXPECT_EQ(column.name.ends_with("_wall_ns") || column.name == "wall_ns",
                column.measure == Measure::kWallNs)
          << where;
      EXPECT_EQ(column.name.ends_with("boot_ns"), column.measure == Measure::kBootNs) << where;
      EXPECT_EQ(column.name.ends_with("_bytes"), column.measure == Measure::kBytes) << where;
      EXPECT_TRUE(!is_id || column.name.ends_with("_id")) << where;
      EXPECT_FALSE(column.meaning.empty()) << where;
      EXPECT_FALSE(column.meaning.ends_with('.')) << where;
    }
    EXPECT_EQ(table.sort_orders.front().table, table.name);
    for (const SortOrder& order : table.sort_orders) {
      EXPECT_TRUE(folders.insert(order.table).second) << order.table;
    }
  }
}

TEST(Tables, AreMergedByAKeyAndARevisionOrNotAtAll) {
  for (const TableDescription& table : Tables()) {
    bool has_revision = false;
    bool needs_revision = false;
    for (const ColumnDescription& column : table.columns) {
      EXPECT_EQ(column.merge != Merge::kRow, table.is_merged()) << table.name << column.name;
      has_revision = has_revision || column.merge == Merge::kRevision;
      needs_revision =
          needs_revision || column.merge == Merge::kLatest || column.merge == Merge::kFirst;
    }
    EXPECT_EQ(has_revision, needs_revision) << table.name;
    EXPECT_TRUE(!has_revision || table.columns.back().name == "revision") << table.name;
  }
}

TEST(Tables, DoNotForceAProcessOrABootClockOnWhatTheNetworkSaw) {
  for (const TableDescription& table : Tables()) {
    if (table.name != "flow" && table.name != "alert" && table.name != "fingerprint" &&
        table.name != "clock_offset" && table.name != "log_line" && table.name != "alert_packet") {
      continue;
    }
    for (const ColumnDescription& column : table.columns) {
      const bool of_a_host_event =
          column.name == "process_id" || column.measure == Measure::kBootNs;
      EXPECT_TRUE(column.nullable || !of_a_host_event) << table.name << "." << column.name;
    }
  }
}

TEST(SchemaVersion, IsRaisedWhenADeclarationChanges) {
  EXPECT_EQ(Fingerprint(), kSchemaFingerprint) << "a declaration changed: raise kSchemaVersion in "
                                                  "version.hpp and put this fingerprint there";
}

TEST(LossClasses, TellEventsFromPayload) {
  EXPECT_FALSE(SaysThatEventsAreMissing("payload"));
  EXPECT_TRUE(SaysThatEventsAreMissing("end"));
  EXPECT_TRUE(SaysThatEventsAreMissing("another"));
  EXPECT_EQ(EventsAreMissingSql(), "loss_class NOT IN ('payload')");
  EXPECT_EQ(TerminalIsMissingSql(), "loss_class IN ('io', 'payload', 'missed_hook', 'batch')");
}

constexpr std::string_view kBegin = "<!-- from src/schema: schema_test writes this -->\n";
constexpr std::string_view kEnd = "<!-- end -->\n";

std::string ReadSource(const std::string& name) {
  std::ifstream file(std::string(SPOOR_SOURCE_DIR) + "/" + name);
  EXPECT_TRUE(file) << name;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// That the file `name` holds `wanted`; writes it when asked to.
void ExpectDocument(const std::string& name, const std::string& wanted) {
  if (std::getenv("SPOOR_UPDATE_DOCUMENTS") != nullptr) {
    std::ofstream(std::string(SPOOR_SOURCE_DIR) + "/" + name) << wanted;
  }
  EXPECT_EQ(ReadSource(name), wanted)
      << name << ": run this test with SPOOR_UPDATE_DOCUMENTS=1 and read the difference";
}

TEST(Documents, SayWhatTheDeclarationsSay) {
  const std::string document = ReadSource("docs/formats/store.md");
  const std::size_t begin = document.find(kBegin);
  const std::size_t end = document.find(kEnd);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  ExpectDocument("docs/formats/store.md", document.substr(0, begin) + std::string(kBegin) +
                                              TablesMarkdown() + document.substr(end));
}

TEST(Documents, GiveTheSecondVerifierTheColumns) {
  ExpectDocument("tools/tables.json", TablesJson());
}

}  // namespace
}  // namespace spoor::schema
