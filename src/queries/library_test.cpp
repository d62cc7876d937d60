// SPDX-License-Identifier: Apache-2.0
#include "queries/library.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "base/file.hpp"
#include "schema/tables.hpp"
#include "store/row.hpp"

namespace spoor::queries {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::string_view kGoodQuery =
    "-- question: Which processes are there?\n"
    "-- reads: process\n"
    "-- parameter: name text the name [default]\n"
    "-- column: pid BIGINT its number\n"
    "-- limits: none\n"
    "-- source: test\n"
    "CREATE OR REPLACE MACRO mine(name := NULL) AS TABLE\n"
    "SELECT p.pid FROM process AS p WHERE name IS NULL OR p.name = name;\n";

Library Built() {
  auto library = Library::Load({});
  EXPECT_TRUE(library) << library.error().message;
  return *library;
}

std::unique_ptr<store::Store> OpenWithLibrary(const Library& library, const std::string& rows) {
  auto store = store::OpenMemoryStore(rows);
  EXPECT_TRUE(store) << store.error().message;
  const auto defined = library.Define(**store);
  EXPECT_TRUE(defined) << defined.error().message;
  return std::move(*store);
}

constexpr char kTwoProcesses[] =
    "INSERT INTO process BY NAME SELECT 77 AS process_id, 1 AS host_id, 'b' AS boot_id, 7 AS pid, "
    "5 AS start_boot_ns, 5 AS start_wall_ns, FALSE AS baseline, 'it''s' AS name;"
    "INSERT INTO process BY NAME SELECT 88 AS process_id, 1 AS host_id, 'b' AS boot_id, 8 AS pid, "
    "6 AS start_boot_ns, 6 AS start_wall_ns, 77 AS parent_process_id, FALSE AS baseline;";

/// NULL of the right type for a parameter of another query.
std::string NullOf(const Parameter& parameter) {
  if (parameter.type != "structs") return "NULL";
  std::string fields = parameter.meaning.substr(0, parameter.meaning.find('}'));
  fields = fields.substr(fields.find('{') + 1) + ",";
  std::string type;
  for (std::size_t begin = 0; begin < fields.size();) {
    const std::size_t comma = fields.find(',', begin);
    type += (type.empty() ? "" : ", ") + fields.substr(begin, comma - begin) + " BIGINT";
    begin = comma + 1;
  }
  return "NULL::STRUCT(" + type + ")[]";
}

TEST(Library, EveryQueryReturnsTheColumnsOfItsHeader) {
  const Library library = Built();
  const auto store = OpenWithLibrary(library, "");
  for (const Query& query : library.queries()) {
    SCOPED_TRACE(query.name);
    std::string call = query.name;
    if (query.form != Query::Form::kView) {
      call += '(';
      for (const Parameter& parameter : query.parameters)
        call += (call.ends_with('(') ? "" : ", ") + ("\"" + parameter.name + "\" := ") +
                NullOf(parameter);
      call += ')';
    }
    const bool scalar = query.form == Query::Form::kScalarMacro;
    auto reader = store->Sql(scalar ? "SELECT " + call + " AS value" : "SELECT * FROM " + call);
    ASSERT_TRUE(reader) << reader.error().message;
    const std::vector<store::Column>& columns = (*reader)->columns();
    ASSERT_EQ(columns.size(), query.columns.size());
    for (std::size_t i = 0; i < columns.size(); ++i) {
      EXPECT_EQ(columns[i].name, query.columns[i].name);
      EXPECT_EQ(columns[i].type, query.columns[i].type) << columns[i].name;
    }
    // Nothing is recorded: a question answers with no rows.
    std::vector<store::Value> row;
    const auto next = (*reader)->Next(row);
    ASSERT_TRUE(next) << next.error().message;
    EXPECT_EQ(*next, scalar);
  }
}

// They are not checked when they are asked: here they are, as those of others.
TEST(Library, EveryQueryCallsOnlyWhatQueriesMay) {
  const auto store = store::OpenMemoryStore("");
  ASSERT_TRUE(store) << store.error().message;
  const Library library = Built();
  for (const Query& query : library.queries()) {
    const auto defined = (*store)->Define(query.sql);
    EXPECT_TRUE(defined) << query.name << ": " << defined.error().message;
  }
}

TEST(Library, ShowsAllQueriesToWhoAsksWhatThereIs) {
  const auto store = OpenWithLibrary(Built(), "");
  const auto rows = store->Sql("SHOW TABLES");
  ASSERT_TRUE(rows) << rows.error().message;
  std::vector<std::string> names;
  for (std::vector<store::Value> row; *(*rows)->Next(row);) names.push_back(store::TextOf(row[0]));
  EXPECT_THAT(names, testing::IsSupersetOf({"process", "sessions", "_session_walk"}));
}

TEST(Library, EveryQueryNamesExactlyWhatItReads) {
  const Library library = Built();
  std::vector<std::string> known;
  for (const schema::TableDescription& table : schema::Tables()) {
    for (const schema::SortOrder& order : table.sort_orders) known.emplace_back(order.table);
  }
  for (const char* const told : {"_flow_seen", "_flow_process_seen", "_flow_without_process"}) {
    known.emplace_back(told);
  }
  for (const Query& query : library.queries()) known.push_back(query.name);
  for (const Query& query : library.queries()) {
    const std::set<std::string> declared(query.reads.begin(), query.reads.end());
    const std::vector<std::string> used = NamesUsed(query.sql, known);
    EXPECT_EQ(declared, std::set<std::string>(used.begin(), used.end())) << query.name;
  }
}

TEST(Library, HoldsTheElevenQuestionsOfForensix) {
  const Library library = Built();
  std::set<std::string> signatures;
  for (const Query& query : library.queries()) signatures.insert(Signature(query));
  for (const char* wanted :
       {"active_processes([start], [end])", "immediate_children(process)", "children(process)",
        "immediate_parent(process)", "parents(process)", "fds_written(process, [start], [end])",
        "all_fds(process, [path], [fds], [time])",
        "did_process_write(process, path, [start], [end])", "writers(path, [start], [end])",
        "io(process, [fds])", "replay_shell(process)"})
    EXPECT_TRUE(signatures.contains(wanted)) << wanted;
}

TEST(Library, HoldsWhatAQuestionReadsByMoreThanOneWay) {
  const Library library = Built();
  const auto again = [&](std::string_view name, bool of_session) {
    const auto query = library.Find(name);
    EXPECT_TRUE(query) << name;
    return library.ReadAgain(**query, of_session);
  };
  // Each behind those it reads; what one query reads once is not held.
  const std::vector<std::string_view> suspicious = again("suspicious_sessions", false);
  const auto place = [&](std::string_view view) { return std::ranges::find(suspicious, view); };
  ASSERT_NE(place("_session_walk"), suspicious.end());
  ASSERT_NE(place("_jump"), suspicious.end()) << "its only reader is a macro";
  EXPECT_EQ(place("_session_entry"), suspicious.end());
  EXPECT_EQ(place("logins"), suspicious.end());
  // Which session a process is of is asked where one is given.
  EXPECT_THAT(again("taken", false), Not(Contains("_session_walk")));
  EXPECT_THAT(again("taken", true), Contains("_session_walk"));
  EXPECT_THAT(again("coverage", false), IsEmpty());
}

TEST(Library, FindsAProcessByPidAndQuotesText) {
  const Library library = Built();
  const auto store = OpenWithLibrary(library, kTwoProcesses);
  const auto by_pid = library.Render("immediate_children", {{"process", "7"}}, *store, 0);
  ASSERT_TRUE(by_pid) << by_pid.error().message;
  EXPECT_EQ(*by_pid, "SELECT * FROM immediate_children(\"process\" := 77)");
  const auto text = library.Render(
      "writers", {{"path", "/tmp/it's"}, {"start", "1970-01-01T00:00:01Z"}, {"end", "-1s"}}, *store,
      5'000'000'000);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text,
            "SELECT * FROM writers(\"path\" := '/tmp/it''s', \"start\" := 1000000000, "
            "\"end\" := 4000000000)");
  EXPECT_TRUE(store->Sql(*text));
  const auto list = library.Render("io", {{"process", "77"}, {"fds", "0,1, 2"}}, *store, 0);
  EXPECT_FALSE(list);
  EXPECT_EQ(*library.Render("io", {{"process", "77"}, {"fds", "0,1,2"}}, *store, 0),
            "SELECT * FROM io(\"process\" := 77, \"fds\" := [0, 1, 2])");
}

TEST(Library, RefusesCallsThatDoNotFitWithOneClearLine) {
  const Library library = Built();
  const auto store = OpenWithLibrary(library, kTwoProcesses);
  const auto message = [&](std::string_view name, const std::vector<NamedText>& arguments) {
    const auto rendered = library.Render(name, arguments, *store, 0);
    return rendered ? "rendered: " + *rendered : rendered.error().message;
  };
  EXPECT_THAT(message("writer", {}), HasSubstr("no query \"writer\"; like it: writers"));
  EXPECT_THAT(message("writers", {}), HasSubstr("needs path=…"));
  EXPECT_THAT(message("writers", {{"file", "x"}}), HasSubstr("no parameter \"file\""));
  EXPECT_THAT(message("writers", {{"path", "x"}, {"path", "y"}}), HasSubstr("given twice"));
  EXPECT_THAT(message("children", {{"process", "999"}}), HasSubstr("children, process: "));
  EXPECT_THAT(message("children", {{"process", "1); DROP TABLE event; --"}}),
              HasSubstr("children, process: "));
  EXPECT_THAT(message("active_processes", {{"start", "yesterday"}}), HasSubstr("yesterday"));
  EXPECT_THAT(message("session_activity", {{"session", "7"}}), HasSubstr("belongs to no session"));
  EXPECT_THAT(message("_is_shell", {{"path", "x"}}), HasSubstr("function"));
}

class UserFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::path(::testing::TempDir()) /
        (std::string("queries_") + ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(folder_);
    ASSERT_TRUE(CreateFolders(folder_));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  void Write(const std::string& name, std::string_view sql) {
    ASSERT_TRUE(WriteFileAtomically(folder_ / name, AsBytes(sql)));
  }
  std::string LoadError() {
    const auto library = Library::Load({folder_});
    return library ? "loaded" : library.error().message;
  }
  std::filesystem::path folder_;
};

std::string Without(std::string_view sql, std::string_view key) {
  std::string result(sql);
  const std::size_t begin = result.find("-- " + std::string(key));
  return result.erase(begin, result.find('\n', begin) + 1 - begin);
}

TEST_F(UserFolder, AddsQueriesThatAnswerLikeBuiltInOnes) {
  Write("mine.sql", kGoodQuery);
  setenv("SPOOR_QUERIES", (":" + folder_.string()).c_str(), 1);
  const auto library = Library::LoadFromEnvironment();
  unsetenv("SPOOR_QUERIES");
  ASSERT_TRUE(library) << library.error().message;
  const auto store = OpenWithLibrary(*library, kTwoProcesses);
  const auto sql = library->Render("mine", {{"name", "it's"}}, *store, 0);
  ASSERT_TRUE(sql) << sql.error().message;
  auto reader = store->Sql(*sql);
  ASSERT_TRUE(reader) << reader.error().message;
  std::vector<store::Value> row;
  ASSERT_TRUE(*(*reader)->Next(row));
  EXPECT_THAT(row, ElementsAre(store::Value(std::int64_t{7})));
  EXPECT_FALSE(*(*reader)->Next(row));
}

TEST_F(UserFolder, RefusesAQueryWithoutACompleteHeader) {
  for (const char* key : {"question", "reads", "column", "limits", "source"}) {
    Write("mine.sql", Without(kGoodQuery, key));
    EXPECT_THAT(LoadError(), HasSubstr("no \"-- " + std::string(key) + ":\" line"));
  }
  Write("mine.sql", "-- purpose: x\n" + std::string(kGoodQuery));
  EXPECT_THAT(LoadError(), HasSubstr("unknown header key \"purpose\""));
  Write("mine.sql", "-- narrows: much\n" + std::string(kGoodQuery));
  EXPECT_THAT(LoadError(), HasSubstr("narrows \"much\": not file, process, line or tree"));
  Write("mine.sql", "-- costs: much\n" + std::string(kGoodQuery));
  EXPECT_THAT(LoadError(), HasSubstr("costs \"much\": not the whole store"));
  Write("mine.sql", "-- costs: the whole store\n" + std::string(kGoodQuery));
  EXPECT_THAT(LoadError(), HasSubstr("only a view costs the whole store"));
  Write("mine.sql", "-- question:\n" + std::string(kGoodQuery));
  EXPECT_THAT(LoadError(), HasSubstr("says nothing"));
  Write("mine.sql", "-- parameter: depth number how far\n" + std::string(kGoodQuery));
  EXPECT_THAT(LoadError(), HasSubstr("parameter \"depth\" needs"));
}

TEST_F(UserFolder, RefusesAFileThatDefinesSomethingElse) {
  Write("other.sql", kGoodQuery);
  EXPECT_THAT(LoadError(), HasSubstr("CREATE OR REPLACE MACRO other"));
  std::filesystem::remove(folder_ / "other.sql");
  std::string sql(kGoodQuery);
  sql.replace(sql.find("MACRO mine"), 10, "MACRO writers");
  Write("writers.sql", sql);
  EXPECT_THAT(LoadError(), HasSubstr("taken by a built-in query"));
}

TEST_F(UserFolder, RefusesQueriesThatReadEachOtherInACircle) {
  std::string sql(kGoodQuery);
  sql.replace(sql.find("reads: process"), 14, "reads: theirs");
  Write("mine.sql", sql);
  sql.replace(sql.find("reads: theirs"), 13, "reads: mine");
  sql.replace(sql.find("MACRO mine"), 10, "MACRO theirs");
  Write("theirs.sql", sql);
  EXPECT_THAT(LoadError(), HasSubstr("wait for each other"));
}

TEST_F(UserFolder, NamesTheFileWhoseSqlDoesNotHold) {
  std::string sql(kGoodQuery);
  sql.replace(sql.find("FROM process"), 12, "FROM nonsense");
  Write("mine.sql", sql);
  const auto library = Library::Load({folder_});
  ASSERT_TRUE(library);
  auto store = store::OpenMemoryStore("");
  ASSERT_TRUE(store);
  const auto defined = library->Define(**store);
  ASSERT_FALSE(defined);
  EXPECT_THAT(defined.error().message, HasSubstr("mine.sql: "));
}

TEST(Library, SaysWhichFolderOfQueriesIsMissing) {
  const auto library = Library::Load({"/nowhere/queries"});
  ASSERT_FALSE(library);
  EXPECT_EQ(library.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(library.error().message, HasSubstr("/nowhere/queries"));
}

}  // namespace
}  // namespace spoor::queries
