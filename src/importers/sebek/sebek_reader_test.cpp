// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "event/unknown_user.hpp"
#include "importers/reading_for_tests.hpp"
#include "packets/capture_for_tests.hpp"

namespace spoor::importers {
namespace {

using event::Event;
using event::EventKind;
using event::ObjectType;
using packets::test::Be16;
using packets::test::Be32;
using packets::test::Ip4Frame;
using packets::test::Join;
using packets::test::Pcap;
using packets::test::Udp;
using packets::test::Zeros;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint32_t kSecond = 1'100'000'000;
constexpr std::uint32_t kMagic = 0xd0d0d0d0;

struct Fields {
  std::uint32_t magic = kMagic;
  unsigned version = 3;
  std::uint32_t counter = 1;
  unsigned type = 0;
  std::uint32_t second = kSecond, microsecond = 500;
  std::uint32_t parent_pid = 100, pid = 200, uid = 500, fd = 0, inode = 4;
  std::string command = "bash";
  std::string data{};
  std::uint32_t length = ~0U;  ///< as it is told; all: that of the data
};

std::string Sebek(const Fields& fields) {
  std::string command = fields.command;
  command.resize(12);
  const bool three = fields.version == 3;
  return Be32(fields.magic) + Be16(fields.version) + Be16(fields.type) + Be32(fields.counter) +
         Be32(fields.second) + Be32(fields.microsecond) + (three ? Be32(fields.parent_pid) : "") +
         Be32(fields.pid) + Be32(fields.uid) + Be32(fields.fd) + (three ? Be32(fields.inode) : "") +
         command +
         Be32(fields.length == ~0U ? static_cast<std::uint32_t>(fields.data.size())
                                   : fields.length) +
         fields.data;
}

std::string FrameOf(const std::string& record, unsigned port = 1101) {
  return Ip4Frame({.protocol = 17, .source = 9}, Udp(port, port, record));
}

Reading Read(const std::vector<Fields>& records, unsigned port = 1101,
             std::string_view kind = "pcap") {
  Pcap pcap;
  for (const Fields& fields : records) pcap.Add(kSecond + 60, FrameOf(Sebek(fields), port));
  return ReadAs(kind, pcap.bytes());
}

std::vector<EventKind> KindsOf(const Reading& reading) {
  std::vector<EventKind> kinds;
  for (const Event& event : reading.findings.events) kinds.push_back(event.kind);
  return kinds;
}

std::vector<std::string> Payloads(const Reading& reading) {
  std::vector<std::string> payloads;
  for (const Event& event : reading.findings.events) {
    if (event.payload) payloads.push_back(*event.payload);
  }
  return payloads;
}

TEST(SebekReader, TellsOfKeysWhoReadThemAndItsParent) {
  const Reading reading = Read({{.data = "i"}, {.counter = 2, .data = "d"}});
  ASSERT_THAT(KindsOf(reading),
              ElementsAre(EventKind::kProcess, EventKind::kRead, EventKind::kRead));
  const Event& process = reading.findings.events[0];
  EXPECT_EQ(process.host, "10.0.0.9");
  EXPECT_EQ(process.command, "bash");
  EXPECT_TRUE(process.baseline);
  EXPECT_EQ(process.process.pid, 200);
  EXPECT_EQ(process.parent_process->pid, 100);
  EXPECT_EQ(process.uid, 500);
  const Event& read = reading.findings.events[1];
  EXPECT_EQ(read.wall_ns, 1'100'000'000'000'500'000);
  EXPECT_EQ(read.fd, 0);
  EXPECT_EQ(read.object.type, ObjectType::kUnknown);
  EXPECT_EQ(read.object.inode, 4);
  EXPECT_EQ(read.size_bytes, 1);
  EXPECT_EQ(read.payload, "i");
  EXPECT_THAT(reading.findings.flows, SizeIs(1)) << "the packets are a flow as well";
}

TEST(SebekReader, ReadsVersionsOneAndTwoWhichTellNoParent) {
  for (const unsigned version : {1U, 2U}) {
    const Reading reading =
        Read({{.version = version, .type = 1, .uid = 0, .fd = 1, .data = "# "}});
    ASSERT_THAT(KindsOf(reading), ElementsAre(EventKind::kProcess, EventKind::kWrite));
    EXPECT_FALSE(reading.findings.events[0].parent_process);
    EXPECT_EQ(reading.findings.events[1].fd, 1);
    EXPECT_EQ(reading.findings.events[1].payload, "# ");
    EXPECT_EQ(reading.findings.events[1].uid, 0);
  }
}

TEST(SebekReader, KnowsRecordsOnAnyPortByTheirForm) {
  const Fields fields{.magic = 0x12345678, .data = "ls\r"};
  EXPECT_THAT(Payloads(Read({fields}, 4000)), ElementsAre("ls\r"));
  Fields too_long = fields;
  too_long.length = 90;
  EXPECT_THAT(Read({too_long}, 4000).findings.events, IsEmpty());
  EXPECT_THAT(Payloads(Read({too_long}, 4000, "sebek")), ElementsAre("ls\r"));
  // The magic is that of a record before it.
  too_long.counter = 2;
  EXPECT_THAT(Payloads(Read({fields, too_long}, 4000)), ElementsAre("ls\r", "ls\r"));
}

TEST(SebekReader, TakesNoOtherPacketForARecord) {
  Pcap pcap;
  pcap.Add(1, FrameOf(Zeros(56)));
  pcap.Add(2, FrameOf(std::string(80, 'x')));
  pcap.Add(3, FrameOf(Sebek({.second = 12, .data = "a"})));
  pcap.Add(4, FrameOf(Sebek({.version = 4, .data = "a"})));
  pcap.Add(5, FrameOf(Sebek({.type = 4, .data = "a"})));
  pcap.Add(6, FrameOf(Sebek({.pid = 1U << 30, .data = "a"})));
  EXPECT_THAT(ReadAs("pcap", pcap.bytes()).findings.events, IsEmpty());
}

TEST(SebekReader, BelievesTheFrameWhereTheHeadersTellWrongLengths) {
  std::string frame = FrameOf(Sebek({.version = 1, .data = "whoami"}));
  frame.replace(14 + 2, 2, Be16(40));         // of IP: too short
  frame.replace(14 + 20 + 4, 2, Be16(9999));  // of UDP: too long
  const Reading reading = ReadAs("pcap", Pcap().Add(1, frame + Zeros(4)).bytes());
  EXPECT_THAT(Payloads(reading), ElementsAre("whoami"));
}

TEST(SebekReader, TakesWhatACutFrameHoldsAndSaysHowMuchItWas) {
  const std::string frame = FrameOf(Sebek({.data = "0123456789"}));
  const Reading reading = ReadAs("pcap", Pcap().Add(1, frame, frame.size() - 6).bytes());
  ASSERT_THAT(Payloads(reading), ElementsAre("0123"));
  EXPECT_EQ(reading.findings.events.back().size_bytes, 10);
}

TEST(SebekReader, JoinsParentAndChildByTheRecordOfAFork) {
  const Fields fork{.parent_pid = 200, .pid = 201, .inode = 0, .command = "bash"};
  const Reading reading =
      Read({fork, {.counter = 2, .parent_pid = 200, .pid = 201, .command = "wget", .data = "x"}});
  ASSERT_THAT(KindsOf(reading),
              ElementsAre(EventKind::kFork, EventKind::kSetName, EventKind::kRead));
  const Event& forked = reading.findings.events[0];
  EXPECT_EQ(forked.process.pid, 200);
  EXPECT_EQ(forked.other_process->pid, 201);
  EXPECT_EQ(reading.findings.events[1].command, "wget");
  EXPECT_EQ(reading.findings.events[2].process, *forked.other_process);
}

TEST(SebekReader, TakesTheEndOfALongReadForNoFork) {
  const Reading reading = Read({{.fd = 0, .inode = 7}});
  EXPECT_THAT(KindsOf(reading), ElementsAre(EventKind::kProcess, EventKind::kRead));
}

TEST(SebekReader, TellsProcessesApartThatHaveOnePidAndTwoParents) {
  const Reading reading =
      Read({{.parent_pid = 100, .data = "a"},
            {.counter = 2, .parent_pid = 1, .data = "b"},
            {.counter = 3, .second = kSecond + 5, .parent_pid = 77, .data = "c"}});
  ASSERT_THAT(KindsOf(reading), ElementsAre(EventKind::kProcess, EventKind::kRead, EventKind::kRead,
                                            EventKind::kProcess, EventKind::kRead));
  const auto& events = reading.findings.events;
  EXPECT_EQ(events[1].process, events[2].process) << "it lost its parent";
  EXPECT_NE(events[2].process, events[4].process);
}

TEST(SebekReader, KnowsADescriptorFromItsOpeningAlsoInAChild) {
  const Reading reading =
      Read({{.type = 3, .fd = 3, .inode = 55, .data = "/etc/shadow"},
            {.counter = 2, .fd = 3, .inode = 55, .data = "root:"},
            {.counter = 3, .parent_pid = 200, .pid = 300, .fd = 3, .inode = 55, .data = "x"},
            {.counter = 4, .fd = 3, .inode = 56, .data = "y"},
            {.counter = 5, .type = 3, .fd = 5, .inode = 57, .data = "/dev/pts/2"}});
  const auto& events = reading.findings.events;
  ASSERT_THAT(KindsOf(reading), ElementsAre(EventKind::kProcess, EventKind::kOpen, EventKind::kRead,
                                            EventKind::kProcess, EventKind::kRead, EventKind::kRead,
                                            EventKind::kOpen));
  EXPECT_EQ(events[1].path, "/etc/shadow");
  EXPECT_EQ(events[2].object.path, "/etc/shadow");
  EXPECT_EQ(events[4].object.path, "/etc/shadow");
  EXPECT_EQ(events[5].object.type, ObjectType::kUnknown) << "another inode";
  EXPECT_EQ(events[6].object.type, ObjectType::kPty);
}

TEST(SebekReader, ReadsCallsOnSocketsWithBothEnds) {
  const auto socket = [](unsigned call) {
    return packets::test::Ip4(66) + Be16(4444) + packets::test::Ip4(9) + Be16(22) + Be16(call) +
           Join({6});
  };
  const Reading reading = Read({{.type = 2, .fd = 4, .inode = 9, .data = socket(5)},
                                {.counter = 2, .type = 2, .fd = 4, .inode = 9, .data = socket(3)},
                                {.counter = 3, .type = 2, .fd = 4, .inode = 9, .data = socket(17)},
                                {.counter = 4, .type = 2, .fd = 4, .inode = 9, .data = "short"},
                                {.counter = 5, .fd = 4, .inode = 9, .data = "SSH-"}});
  ASSERT_THAT(KindsOf(reading),
              ElementsAre(EventKind::kProcess, EventKind::kAccept, EventKind::kConnect,
                          EventKind::kRecv, EventKind::kRead));
  const Event& accept = reading.findings.events[1];
  EXPECT_EQ(accept.socket->remote_ip, "10.0.0.66");
  EXPECT_EQ(accept.socket->remote_port, 4444);
  EXPECT_EQ(accept.socket->local_ip, "10.0.0.9");
  EXPECT_EQ(accept.socket->local_port, 22);
  EXPECT_EQ(accept.socket->type, "stream");
  EXPECT_EQ(reading.findings.events[4].object, accept.object);
}

TEST(SebekReader, KnowsTheClientForWindowsThatTellsNeitherUserNorDescriptor) {
  Fields fields{.uid = 0, .inode = 0, .command = "cmd.exe", .data = "dir"};
  fields.microsecond = 0x20a10700;  // 500000 turned around
  Fields empty = fields;
  empty.counter = 2;
  empty.data.clear();
  const Reading reading = Read({fields, empty});
  ASSERT_THAT(KindsOf(reading),
              ElementsAre(EventKind::kProcess, EventKind::kRead, EventKind::kRead));
  const Event& read = reading.findings.events[1];
  EXPECT_EQ(read.wall_ns % 1'000'000'000, 500'000'000);
  EXPECT_EQ(read.uid, event::kUnknownUser);
  EXPECT_EQ(read.fd, -1);
}

TEST(SebekReader, PutsRecordsInTheOrderOfTheirCountersAndTakesEachOnce) {
  const Reading reading = Read({{.counter = 7, .data = "a"},
                                {.counter = 9, .data = "c"},
                                {.counter = 8, .data = "b"},
                                {.counter = 9, .data = "c"},
                                {.counter = 10, .data = "d"}});
  EXPECT_THAT(Payloads(reading), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(KindsOf(reading), testing::Not(testing::Contains(EventKind::kLoss)));
}

TEST(SebekReader, StatesCountersThatWereNotCaptured) {
  const Reading reading =
      Read({{.counter = 7, .data = "a"}, {.counter = 11, .second = kSecond + 3, .data = "b"}});
  ASSERT_THAT(KindsOf(reading), ElementsAre(EventKind::kProcess, EventKind::kRead, EventKind::kLoss,
                                            EventKind::kRead));
  const Event& lost = reading.findings.events[2];
  EXPECT_EQ(lost.loss->count, 3);
  EXPECT_EQ(lost.loss->loss_class, "sequence");
  EXPECT_EQ(lost.host, "10.0.0.9");
  EXPECT_EQ(lost.loss->from_boot_ns, 1'100'000'000'000'500'000U);
  EXPECT_EQ(lost.wall_ns, 1'100'000'003'000'500'000);
}

TEST(SebekReader, BeginsAnewWhereTheClientWasLoadedAgain) {
  const Reading reading = Read({{.counter = 5000, .data = "a"},
                                {.counter = 1, .second = kSecond + 90, .data = "b"},
                                {.counter = 2, .second = kSecond + 91, .data = "c"}});
  EXPECT_THAT(Payloads(reading), ElementsAre("a", "b", "c"));
  EXPECT_THAT(KindsOf(reading), testing::Not(testing::Contains(EventKind::kLoss)));
}

TEST(SebekReader, CountsOnAfterTheLargestCounter) {
  const Reading reading = Read({{.counter = 0xffffffff, .data = "a"}, {.counter = 0, .data = "b"}});
  EXPECT_THAT(Payloads(reading), ElementsAre("a", "b"));
  EXPECT_THAT(KindsOf(reading), testing::Not(testing::Contains(EventKind::kLoss)));
}

TEST(SebekReader, ReadsWhatSbkExtractWroteHoweverItIsCut) {
  const auto saved = [](const Fields& fields) {
    return Be32(1) + Be32(2) + packets::test::Ip4(9) + Sebek(fields);
  };
  const std::string text = saved({.data = "id"}) +
                           saved({.version = 1, .counter = 2, .data = "w"}) +
                           saved({.counter = 3, .data = "\r"});
  EXPECT_EQ(DetectImporterKind(text)->name, "sebek");
  for (const std::size_t part : {1U, 13U, 1000U}) {
    const Reading reading = ReadAs("sebek", text, {.host = "h", .time = {}}, part);
    EXPECT_THAT(Payloads(reading), ElementsAre("id", "w", "\r"));
    EXPECT_EQ(reading.counts.record_count, 3);
    EXPECT_EQ(reading.counts.malformed_count, 0);
  }
  EXPECT_EQ(ReadAs("sebek", text.substr(0, text.size() - 1)).counts.malformed_count, 1);
}

}  // namespace
}  // namespace spoor::importers
