// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "event/unknown_user.hpp"
#include "importers/reading_for_tests.hpp"

namespace spoor::importers {
namespace {

using event::EventKind;
using testing::ElementsAre;
using testing::SizeIs;

std::string Xml(int id, std::string_view data) {
  return fmt::format(
      "<Event><System><Provider Name=\"Linux-Sysmon\"/><EventID>{}</EventID><TimeCreated "
      "SystemTime=\"2023-11-14T22:13:20.500000000Z\"/><Computer>web1</Computer></System><EventData>"
      "<Data Name=\"UtcTime\">2023-11-14 22:13:20.500</Data>{}</EventData></Event>",
      id, data);
}

const std::string kExec =
    Xml(1,
        "<Data Name=\"ProcessId\">200</Data><Data Name=\"Image\">/usr/bin/sh</Data><Data "
        "Name=\"CommandLine\">sh -c a&amp;&amp;b</Data><Data "
        "Name=\"CurrentDirectory\">/tmp</Data><Data "
        "Name=\"User\">root</Data><Data Name=\"ParentProcessId\">100</Data>");

TEST(SysmonReader, TakesAProcessAloneAndInEveryCarrier) {
  const std::string escaped = [] {
    std::string text;
    for (const char letter : kExec) {
      if (letter == '"' || letter == '\\') text += '\\';
      text += letter;
    }
    return text;
  }();
  for (const std::string& text :
       {kExec, "Nov 14 22:13:20 web1 sysmon: " + kExec, "{\"Message\":\"" + escaped + "\"}"}) {
    EXPECT_EQ(DetectImporterKind(text)->name, "sysmon") << text;
    const Reading reading = ReadAs("sysmon", text);
    ASSERT_THAT(reading.findings.events, SizeIs(2)) << text;
    EXPECT_TRUE(reading.findings.events[0].baseline);
    EXPECT_EQ(reading.findings.events[0].parent_process->pid, 100);
    const event::Event& exec = reading.findings.events[1];
    EXPECT_EQ(exec.kind, EventKind::kExec);
    EXPECT_EQ(exec.host, "web1");
    EXPECT_EQ(exec.path, "/usr/bin/sh");
    EXPECT_THAT(exec.arguments, ElementsAre("sh", "-c", "a&&b"));
    EXPECT_EQ(exec.uid, 0);
    EXPECT_EQ(exec.wall_ns, 1700000000500000000);
  }
}

TEST(SysmonReader, TakesConnectionsFromBothEnds) {
  const auto connection = [](bool initiated) {
    return Xml(3,
               fmt::format("<Data Name=\"ProcessId\">200</Data><Data Name=\"User\">web</Data><Data "
                           "Name=\"Protocol\">tcp</Data><Data Name=\"Initiated\">{}</Data><Data "
                           "Name=\"SourceIp\">10.0.0.1</Data><Data Name=\"SourcePort\">4000</Data>"
                           "<Data Name=\"DestinationIp\">10.0.0.2</Data><Data "
                           "Name=\"DestinationPort\">80</Data>",
                           initiated));
  };
  const event::Event out = ReadAs("sysmon", connection(true)).findings.events.at(1);
  EXPECT_EQ(out.kind, EventKind::kConnect);
  EXPECT_EQ(out.socket->remote_port, 80);
  EXPECT_EQ(out.uid, event::kUnknownUser);
  const event::Event in = ReadAs("sysmon", connection(false)).findings.events.at(1);
  EXPECT_EQ(in.kind, EventKind::kAccept);
  EXPECT_EQ(in.socket->local_port, 80);
  EXPECT_EQ(in.socket->remote_ip, "10.0.0.1");
}

TEST(SysmonReader, KeepsOtherEventsAndCountsWhatIsCutOff) {
  const Reading reading = ReadAs("sysmon", Xml(4, "") + "\n" + kExec.substr(0, 100) + "\nother\n");
  EXPECT_THAT(reading.findings.log_lines, SizeIs(1));
  EXPECT_EQ(reading.counts.malformed_count, 2);
}

}  // namespace
}  // namespace spoor::importers
