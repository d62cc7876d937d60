// SPDX-License-Identifier: Apache-2.0
#include "api/arrivals.hpp"

#include <gtest/gtest.h>

#include "analysis/import_files.hpp"
#include "analysis/open_store.hpp"
#include "base/file.hpp"
#include "base/scratch_folder.hpp"
#include "store/catalog.hpp"

namespace spoor::api {
namespace {

using namespace std::chrono_literals;

// Somebody comes in through a daemon and starts a shell on a terminal.
constexpr std::string_view kComesIn =
    R"({"kind":"process","process":"1","path":"/sbin/init","baseline":true,"uid":0,"boot_ns":1000}
{"kind":"process","process":"10","parent_process":"1","path":"/usr/sbin/apache2","baseline":true,"uid":0,"boot_ns":2000}
{"kind":"descriptor","process":"10","fd":3,"object":"socket:30","baseline":true,"boot_ns":3000,"socket":{"family":"inet","type":"stream","protocol":6,"local_ip":"192.0.2.25","local_port":443,"state":"listen"}}
{"kind":"accept","process":"10","fd":9,"object":"socket:66","other_fd":3,"other_object":"socket:30","boot_ns":4000,"socket":{"family":"inet","type":"stream","protocol":6,"local_ip":"192.0.2.25","local_port":443,"remote_ip":"203.0.113.31","remote_port":41000}}
{"kind":"recv","process":"10","fd":9,"object":"socket:66","size_bytes":10,"boot_ns":5000}
{"kind":"fork","process":"10","child_process":"20","boot_ns":6000}
{"kind":"exec","process":"20","path":"/bin/sh","arguments":["sh","-i"],"credentials":{"uid":0,"euid":0},"boot_ns":7000}
{"kind":"open","process":"20","path":"/dev/pts/0","object":"pty:1/3","fd":0,"boot_ns":8000}
{"kind":"fork","process":"20","child_process":"21","boot_ns":9000}
{"kind":"exec","process":"21","path":"/usr/bin/id","arguments":["id"],"credentials":{"uid":0,"euid":0},"boot_ns":10000}
)";
constexpr std::string_view kTypes =
    R"({"kind":"read","process":"20","fd":0,"object":"pty:1/3","size_bytes":3,"payload":"id\n","boot_ns":11000}
)";
constexpr std::string_view kAlert =
    R"({"timestamp":"2026-06-02T18:30:00.000000+0000","event_type":"alert","src_ip":"203.0.113.99","src_port":4000,"dest_ip":"192.0.2.25","dest_port":80,"proto":"TCP","flow_id":99,"alert":{"action":"allowed","gid":1,"signature_id":7,"rev":1,"signature":"late","category":"c","severity":2}}
)";

class ArrivalsTest : public testing::Test {
 protected:
  void Import(const std::string& kind, const std::string& host, const std::string& text) {
    const std::filesystem::path file = scratch_.path() / (std::to_string(++files_) + ".txt");
    ASSERT_TRUE(WriteFileAtomically(file, AsBytes(text)));
    const auto imported = analysis::ImportFiles(
        {.layout = store_, .kind = kind, .host = host, .files = {file.string()}});
    ASSERT_TRUE(imported) << imported.error().message;
  }
  void Compare() {
    const auto store = analysis::OpenIngestedStore(store_.root.string());
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE(KeepViews(**store));
    const auto catalog = store::LoadCatalog(store_);
    ASSERT_TRUE(catalog);
    Snapshot snapshot(catalog->generation);
    const auto compared = hub_.Compare(snapshot, **store);
    ASSERT_TRUE(compared) << compared.error().message;
  }
  void Look(Arrivals& arrivals) {
    const auto looked = arrivals.Look(hub_);
    ASSERT_TRUE(looked) << looked.error().message;
  }
  /// What was told since the last call, but that something is stored.
  std::vector<EventHub::Event> Told() {
    std::vector<EventHub::Event> told;
    while (const auto event = hub_.Next(number_, 0ms)) {
      number_ = event->number;
      if (event->name == "alert" || event->name == "session") told.push_back(*event);
    }
    return told;
  }

  ScratchFolder scratch_;
  StoreLayout store_{scratch_.path() / "store"};
  EventHub hub_;
  std::uint64_t number_ = 0;
  int files_ = 0;
};

TEST_F(ArrivalsTest, TellsTheFirstInputOfASessionWithWhatItDidUntilThen) {
  Import("events", "quiet", std::string(kComesIn));
  Arrivals arrivals(store_);
  Compare();
  Look(arrivals);
  EXPECT_TRUE(Told().empty()) << "nobody typed";
  Import("events", "pot", std::string(kComesIn) + std::string(kTypes));
  Look(arrivals);
  const auto told = Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].name, "session");
  const Json input = Json::parse(told[0].data);
  EXPECT_EQ(input["host"], "pot");
  EXPECT_EQ(input["entry_source_ip"], "203.0.113.31");
  EXPECT_EQ(input["processes"], 2);
  EXPECT_EQ(input["became_root"], false);
  EXPECT_EQ(input["commands"], (Json{"sh -i", "id"}));
  EXPECT_EQ(hub_.GenerationOf(hub_.IdOf(told[0].number)), store::LoadCatalog(store_)->generation);
  Look(arrivals);
  EXPECT_TRUE(Told().empty()) << "once";
}

TEST_F(ArrivalsTest, TellsTheSameAsWhoLooksAtEverything) {
  Import("events", "quiet", std::string(kComesIn));
  Arrivals arrivals(store_);
  Compare();
  Import("events", "pot", std::string(kComesIn) + std::string(kTypes));
  Import("eve", "gateway", std::string(kAlert));
  Look(arrivals);
  std::vector<Json> inputs;
  for (const auto& event : Told()) {
    if (event.name == "session") inputs.push_back(Json::parse(event.data));
  }
  ASSERT_EQ(inputs.size(), 1U);
  Compare();
  for (const auto& event : Told()) {
    EXPECT_EQ(event.name, "alert") << "findings of Spoor's own";
    EXPECT_EQ(Json::parse(event.data)["source"], "spoor");
  }
  const auto store = analysis::OpenIngestedStore(store_.root.string());
  ASSERT_TRUE(store);
  ASSERT_TRUE(KeepViews(**store));
  Snapshot snapshot(1);
  const auto sessions = snapshot.sessions(**store);
  ASSERT_TRUE(sessions);
  const std::int64_t session_id = std::stoll(inputs[0]["session_id"].get<std::string>());
  const SessionEntry* const session = (*sessions)->Find(session_id);
  ASSERT_NE(session, nullptr);
  for (const auto& [name, value] : inputs[0].items()) EXPECT_EQ(session->json[name], value) << name;
}

TEST_F(ArrivalsTest, TellsAlertsOfOthersBeforeTheirProcessIsKnown) {
  Import("events", "pot", std::string(kComesIn));
  Arrivals arrivals(store_);
  Compare();
  Import("eve", "gateway", std::string(kAlert));
  Look(arrivals);
  const auto told = Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].name, "alert");
  const Json alert = Json::parse(told[0].data);
  EXPECT_EQ(alert["signature"], "late");
  EXPECT_TRUE(alert["process_id"].is_null());
  Compare();
  EXPECT_TRUE(Told().empty()) << "it was told";
}

TEST_F(ArrivalsTest, TellsNothingOfWhatWasThereAtTheBegin) {
  Import("events", "pot", std::string(kComesIn) + std::string(kTypes));
  Import("eve", "gateway", std::string(kAlert));
  Arrivals arrivals(store_);
  Compare();
  Look(arrivals);
  EXPECT_TRUE(Told().empty());
}

TEST_F(ArrivalsTest, BeginsWithAStoreOfNothing) {
  Arrivals arrivals(store_);
  Look(arrivals);
  EXPECT_TRUE(Told().empty());
}

}  // namespace
}  // namespace spoor::api
