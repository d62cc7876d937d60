// SPDX-License-Identifier: Apache-2.0
#include "store/store.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "schema/tables.hpp"
#include "store/lookup.hpp"

namespace spoor::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::unique_ptr<Store> Memory(const std::string& sql = "") {
  auto store = OpenMemoryStore(sql);
  EXPECT_TRUE(store) << (store ? "" : store.error().message);
  return std::move(*store);
}

std::vector<std::vector<Value>> Rows(Store& store, std::string_view query,
                                     const std::vector<Value>& parameters = {}) {
  std::vector<std::vector<Value>> rows;
  auto reader = store.Sql(query, parameters);
  EXPECT_TRUE(reader) << (reader ? "" : reader.error().message);
  if (!reader) return rows;
  std::vector<Value> row;
  for (;;) {
    const auto more = (*reader)->Next(row);
    EXPECT_TRUE(more) << (more ? "" : more.error().message);
    if (!more || !*more) return rows;
    rows.push_back(row);
  }
}

Error ErrorOfQuery(Store& store, std::string_view query,
                   const std::vector<Value>& parameters = {}) {
  auto reader = store.Sql(query, parameters);
  if (!reader) return reader.error();
  std::vector<Value> row;
  for (;;) {
    const auto more = (*reader)->Next(row);
    if (!more) return more.error();
    if (!*more) return {ErrorCode::kIo, "no error"};
  }
}

constexpr const char* kTwoProcesses = R"(
  INSERT INTO host VALUES (1, 'web');
  INSERT INTO process (process_id, host_id, boot_id, pid, start_boot_ns, start_wall_ns, baseline,
                       command_line)
  VALUES (1000000000000001, 1, 'b', 4711, 5, 1795293095000000000, false, 'sh -c id'),
         (1000000000000002, 1, 'b', 4711, 9, 1795293096000000000, false, 'sleep 1'),
         (1000000000000003, 1, 'b', 4712, 7, NULL, false, NULL);)";

TEST(Store, ReadsEveryTypeOfValue) {
  const auto store = Memory();
  const auto rows = Rows(*store, R"(
    SELECT NULL, true, 7::TINYINT, -5::BIGINT, 18446744073709551615::UBIGINT, 3::UBIGINT, 1.5::DOUBLE,
           2.25::DECIMAL(6,2), 'text longer than twelve bytes', '\x00\xFFz'::BLOB, ['a', 'b'],
           [1, 2], sum(5::BIGINT), TIMESTAMP '2026-11-21 20:31:35', {'k': 1}, 4::USMALLINT)");
  ASSERT_EQ(rows.size(), 1);
  const std::vector<Value> expected{std::monostate(),
                                    true,
                                    std::int64_t{7},
                                    std::int64_t{-5},
                                    "18446744073709551615",
                                    std::int64_t{3},
                                    1.5,
                                    2.25,
                                    "text longer than twelve bytes",
                                    Bytes{std::string("\0\xFFz", 3)},
                                    std::vector<std::string>{"a", "b"},
                                    std::vector<std::string>{"1", "2"},
                                    std::int64_t{5},
                                    "2026-11-21 20:31:35",
                                    "{'k': 1}",
                                    std::int64_t{4}};
  EXPECT_EQ(rows[0], expected);
}

TEST(Store, NamesColumnsWithTheirTypes) {
  const auto store = Memory();
  const auto reader = store->Sql("SELECT 1::BIGINT AS a, 'x' AS b, ['x'] AS c, now() AS d -- end");
  ASSERT_TRUE(reader) << reader.error().message;
  std::vector<std::string> names;
  for (const Column& column : (*reader)->columns())
    names.push_back(column.name + " " + column.type);
  EXPECT_THAT(names, ElementsAre("a BIGINT", "b VARCHAR", "c VARCHAR[]", "d VARCHAR"));
}

TEST(Store, BindsParametersOfEveryType) {
  const auto store = Memory();
  const std::vector<Value> parameters{std::monostate(),
                                      true,
                                      std::int64_t{-1},
                                      0.5,
                                      "it's",
                                      Bytes{std::string("\0x", 2)},
                                      std::vector<std::string>{"a", ""}};
  const auto rows = Rows(*store,
                         "SELECT $1::BIGINT, $2::BOOLEAN, $3::BIGINT, $4::DOUBLE, $5::VARCHAR, "
                         "$6::BLOB, $7::VARCHAR[]",
                         parameters);
  ASSERT_EQ(rows.size(), 1);
  EXPECT_EQ(rows[0], parameters);
  EXPECT_EQ(Rows(*store, "SELECT $1, $2, $3", {std::int64_t{5}, "x", std::monostate()})[0],
            (std::vector<Value>{std::int64_t{5}, "x", std::monostate()}));
  EXPECT_THAT(ErrorOfQuery(*store, "SELECT $1", {}).message, HasSubstr("1 parameters, 0 were"));
}

TEST(Store, AnswersFromTheRowsOfAViewThatIsKept) {
  const auto store = Memory(kTwoProcesses);
  store->DefineOwn("pids", true,
                   "CREATE OR REPLACE VIEW pids AS SELECT pid, random() AS drawn FROM process");
  store->DefineOwn("low", true, "CREATE OR REPLACE VIEW low AS SELECT min(drawn) AS d FROM pids");
  EXPECT_NE(Rows(*store, "SELECT d FROM low"), Rows(*store, "SELECT d FROM low"));
  constexpr std::string_view kNames[] = {"pids"};
  ASSERT_TRUE(store->Keep(kNames));
  ASSERT_TRUE(store->Keep(kNames)) << "again";
  EXPECT_EQ(Rows(*store, "SELECT d FROM low"), Rows(*store, "SELECT d FROM low"));
  EXPECT_EQ(Rows(*store, "SELECT * FROM pids").size(), 3U);
}

TEST(Store, StreamsAnswersThatAreBiggerThanOneChunk) {
  const auto store = Memory();
  std::int64_t sum = 0;
  for (const auto& row : Rows(*store, "SELECT range AS i, i || '' FROM range(100000) ORDER BY i")) {
    sum += std::get<std::int64_t>(row[0]);
    ASSERT_EQ(std::get<std::string>(row[1]), std::to_string(std::get<std::int64_t>(row[0])));
  }
  EXPECT_EQ(sum, 4999950000);
}

TEST(Store, EndsTheKeepingOfAViewWhenInterrupted) {
  const auto store = Memory();
  store->DefineOwn("endless", true,
                   "CREATE OR REPLACE VIEW endless AS SELECT sum(a.range * b.range) AS s "
                   "FROM range(10000000) AS a, range(10000000) AS b");
  std::jthread interrupter([&store](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      store->Interrupt("enough");
      std::this_thread::yield();
    }
  });
  constexpr std::string_view kNames[] = {"endless"};
  const auto kept = store->Keep(kNames);
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().code, ErrorCode::kUnavailable);
  interrupter.request_stop();
  interrupter.join();
  EXPECT_EQ(Rows(*store, "SELECT count(*) FROM (SELECT s FROM endless LIMIT 0)").size(), 1U)
      << "it is a view still";
}

TEST(Store, KeepsReadersOpenSideBySide) {
  const auto store = Memory();
  const auto first = store->Sql("SELECT range FROM range(10000)");
  ASSERT_TRUE(first);
  std::vector<Value> row;
  ASSERT_TRUE(*(*first)->Next(row));
  EXPECT_EQ(Rows(*store, "SELECT 1").size(), 1);
  std::size_t count = 1;
  while (*(*first)->Next(row)) ++count;
  EXPECT_EQ(count, 10000);
}

TEST(Store, RefusesWhatIsNotAQuery) {
  const auto store = Memory();
  for (const char* statement :
       {"INSERT INTO host VALUES (1, 'x')", "DROP TABLE host", "COPY host TO '/tmp/spoor-x.csv'",
        "ATTACH '/tmp/spoor-x.db' AS x", "INSTALL httpfs", "SET threads = 1",
        "CREATE TABLE x (a INT)", "EXPLAIN ANALYZE COPY host TO '/tmp/spoor-x.csv'",
        "SELECT 1; SELECT 2", "", "SELEC 1", "UPDATE host SET name = ''", "CALL enable_logging()",
        "PREPARE p AS SELECT 1"}) {
    EXPECT_EQ(ErrorOfQuery(*store, statement).code, ErrorCode::kInvalidArgument) << statement;
  }
  EXPECT_TRUE(Rows(*store, "SELECT * FROM host").empty());
  EXPECT_FALSE(Rows(*store, "EXPLAIN SELECT 1").empty());
}

TEST(Store, CannotReadFilesOfTheMachine) {
  const auto store = Memory();
  for (const char* query :
       {"SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM glob('/etc/*')"}) {
    EXPECT_NE(ErrorOfQuery(*store, query).message, "no error") << query;
  }
}

TEST(Store, DefinesMacrosThatQueriesCanUse) {
  const auto store = Memory(kTwoProcesses);
  ASSERT_TRUE(store->Define("CREATE MACRO named(p) AS TABLE FROM process WHERE pid = p;"));
  EXPECT_EQ(Rows(*store, "FROM named($1)", {std::int64_t{4711}}).size(), 2);
  EXPECT_FALSE(store->Define("CREATE MACRO broken("));
}

TEST(Store, HasTheTablesOfTheSchema) {
  const auto store = Memory();
  for (const schema::TableDescription& table : schema::Tables()) {
    for (const schema::SortOrder& order : table.sort_orders) {
      EXPECT_TRUE(Rows(*store, fmt::format("FROM {}", order.table)).empty()) << order.table;
    }
  }
}

TEST(Store, TellsThatAFolderHoldsNoStore) {
  const auto store = OpenStore("/nonexistent/store");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(store.error().message, HasSubstr("/nonexistent/store"));
}

TEST(FindProcess, TakesIdsAndPidsThatNameOneProcess) {
  const auto store = Memory(kTwoProcesses);
  EXPECT_EQ(*FindProcess(*store, "1000000000000002"), 1000000000000002);
  EXPECT_EQ(*FindProcess(*store, "4712"), 1000000000000003);
  EXPECT_EQ(*FindProcess(*store, "4711@9"), 1000000000000002);
}

TEST(FindProcess, ListsTheCandidatesOfAReusedPid) {
  const auto store = Memory(kTwoProcesses);
  const auto found = FindProcess(*store, "4711");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(
      found.error().message,
      "process '4711' matches 2 in the store, give the id of one: 1000000000000001 (on web from "
      "2026-11-21T20:31:35Z: sh -c id), 1000000000000002 (on web from "
      "2026-11-21T20:31:36Z: sleep 1)");
}

TEST(FindProcess, RefusesNonsenseAndReportsTheUnknown) {
  const auto store = Memory(kTwoProcesses);
  for (const char* text : {"", "bash", "-1", "4711@", "4711@x", "12x"}) {
    EXPECT_EQ(FindProcess(*store, text).error().code, ErrorCode::kInvalidArgument) << text;
  }
  EXPECT_EQ(FindProcess(*store, "99").error().code, ErrorCode::kNotFound);
}

TEST(FindFile, FindsEveryObjectThatEverHadTheName) {
  const auto store = Memory(R"(
    INSERT INTO object_name VALUES (12, 1, '/etc/x', 50, 50, NULL, 'rename'),
                                   (11, 1, '/etc/x', 10, 10, 50, 'open'),
                                   (11, 1, '/etc/x~', 50, 50, NULL, 'rename');)");
  EXPECT_THAT(*FindFile(*store, "/etc/x"), ElementsAre(11, 12));
  EXPECT_EQ(FindFile(*store, "/etc/y").error().code, ErrorCode::kNotFound);
}

TEST(FindFlow, TakesAnIdOrAnEnd) {
  const auto store = Memory(R"(
    INSERT INTO flow (flow_id, host_id, observer, source_ip, source_port, destination_ip,
                      destination_port, transport, begin_wall_ns, end_wall_ns, recording_id)
    VALUES (21, 1, 'sensor', '10.0.0.1', 4444, '10.0.0.2', 80, 'tcp', 1, 2, 'r'),
           (22, 1, 'sensor', '10.0.0.1', 4445, '10.0.0.2', 80, 'tcp', 3, 4, 'r');)");
  EXPECT_EQ(*FindFlow(*store, "22"), 22);
  EXPECT_EQ(*FindFlow(*store, "10.0.0.1:4444"), 21);
  EXPECT_THAT(FindFlow(*store, "10.0.0.2:80").error().message, HasSubstr("matches 2 in the store"));
  EXPECT_EQ(FindFlow(*store, "10.0.0.9:80").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(FindFlow(*store, "web").error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace spoor::store
