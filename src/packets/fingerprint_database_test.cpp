// SPDX-License-Identifier: Apache-2.0
#include "packets/fingerprint_database.hpp"

#include <gtest/gtest.h>

#include "packets/capture_for_tests.hpp"

namespace spoor::packets {
namespace {

constexpr std::string_view kDatabase = R"(; what is behind a semicolon is a remark
classes = win,unix,other

[mtu]
label = Ethernet
sig   = 1500

[tcp:request]

label = s:unix:Linux:3.11 and newer
sig   = *:64:0:*:mss*20,10:mss,sok,ts,nop,ws:df,id+:0

label = g:unix:Linux:3.x
sig   = *:64:0:*:mss*10,*:mss,sok,ts,nop,ws:df,id+:0

label = s:unix:Linux:3.1-3.10
sig   = *:64:0:*:mss*10,4:mss,sok,ts,nop,ws:df,id+:0

label = s:!:NMap:SYN scan
sys   = @unix,@win
sig   = *:64-:0:1460:1024,0:mss::0

label = s:unix:OpenVMS:8.x
sig   = 4:128:0:1460:mtu*2,0:mss,nop,ws::0

label = s:win:Windows:XP
sig   = *:128:0:*:16384,0:mss,nop,nop,sok:df,id+:0

[tcp:response]

label = s:unix:Linux:3.x
sig   = *:64:0:*:mss*10,0:mss:df:0

[http:request]

label = s:!:a browser
sys   = Windows
sig   = *:Host,User-Agent:Accept:Mozilla
)";

SynSignature Linux() {
  SynSignature syn;
  syn.hops_left = 60;
  syn.header_bytes = 60;
  syn.segment_bytes_max = 1460;
  syn.window = 29200;
  syn.window_scale = 10;
  syn.has_timestamp = true;
  syn.options = "mss,sok,ts,nop,ws";
  syn.quirks = kQuirkDf | kQuirkDfWithId;
  return syn;
}

std::string Named(const SynSignature& seen, bool answer = false, std::uint16_t asked = 0) {
  const auto database = FingerprintDatabase::Parse(kDatabase);
  EXPECT_TRUE(database) << database.error().message;
  const auto found = database->Find(seen, answer, asked);
  if (!found) return "";
  return found->os + (found->generic ? ", generic" : "") + (found->fuzzy ? ", fuzzy" : "");
}

TEST(FingerprintDatabase, NamesTheSystemWhoseSignatureFits) {
  EXPECT_EQ(Named(Linux()), "Linux 3.11 and newer");
}

TEST(FingerprintDatabase, PrefersAMemberToItsFamilyAndAFamilyToNothing) {
  SynSignature syn = Linux();
  syn.window = 14600;
  syn.window_scale = 4;
  EXPECT_EQ(Named(syn), "Linux 3.1-3.10");
  syn.window_scale = 9;
  EXPECT_EQ(Named(syn), "Linux 3.x, generic");
  syn.window = 29201;
  EXPECT_EQ(Named(syn), "");
}

TEST(FingerprintDatabase, FitsFuzzilyWhatANetworkChangesOnTheWay) {
  SynSignature syn = Linux();
  syn.quirks = kQuirkDf | kQuirkDfWithId | kQuirkEcn;
  EXPECT_EQ(Named(syn), "Linux 3.11 and newer, fuzzy");
  syn.quirks = kQuirkNoId;
  EXPECT_EQ(Named(syn), "Linux 3.11 and newer, fuzzy");
  syn.quirks = kQuirkDf | kQuirkDfWithId | kQuirkUrgent;
  EXPECT_EQ(Named(syn), "");
  syn = Linux();
  syn.hops_left = 20;
  EXPECT_EQ(Named(syn), "Linux 3.11 and newer, fuzzy");
}

TEST(FingerprintDatabase, ReadsWindowsAsMultiplesOfSegmentsAndOfPackets) {
  SynSignature syn;
  syn.hops_left = 128;
  syn.header_bytes = 48;
  syn.segment_bytes_max = 1460;
  syn.window = 3000;
  syn.options = "mss,nop,ws";
  EXPECT_EQ(Named(syn), "OpenVMS 8.x");
  syn.v6 = true;
  EXPECT_EQ(Named(syn), "");
}

TEST(FingerprintDatabase, HoldsAnAnswerAgainstTheSegmentsThatWereAskedFor) {
  SynSignature answer;
  answer.hops_left = 64;
  answer.header_bytes = 44;
  answer.segment_bytes_max = 1400;
  answer.window = 13600;
  answer.options = "mss";
  answer.quirks = kQuirkDf;
  EXPECT_EQ(Named(answer, true, 0), "");
  EXPECT_EQ(Named(answer, true, 1360), "Linux 3.x");
  EXPECT_EQ(Named(answer, false, 1360), "");
}

TEST(FingerprintDatabase, NamesNoToolAsASystem) {
  SynSignature scan;
  scan.hops_left = 50;
  scan.segment_bytes_max = 1460;
  scan.window = 1024;
  scan.options = "mss";
  EXPECT_EQ(Named(scan), "");
}

TEST(FingerprintDatabase, ShortensToWhatMeansTheSame) {
  const auto shortened = FingerprintDatabase::Shorten(kDatabase);
  ASSERT_TRUE(shortened);
  EXPECT_EQ(shortened->find("browser"), std::string::npos);
  EXPECT_EQ(shortened->find("Ethernet"), std::string::npos);
  EXPECT_EQ(*FingerprintDatabase::Shorten(*shortened), *shortened);
  const auto again = FingerprintDatabase::Parse(*shortened);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->Find(Linux(), false, 0)->os, "Linux 3.11 and newer");
}

TEST(FingerprintDatabase, NamesTheLineThatItCannotRead) {
  for (const std::string_view line :
       {"sig = *:64:0:*:mss*0,0:mss:df:0", "sig = 5:64:0:*:*,0:mss:df:0",
        "sig = *:64:0:*:*,0:mss:odd:0", "sig = *:640:0:*:*,0:mss:df:0", "sig = *:64",
        "label = x:unix:Linux:2"}) {
    const auto parsed =
        FingerprintDatabase::Parse(fmt::format("[tcp:request]\nlabel = s:unix:A:b\n\n{}\n", line));
    ASSERT_FALSE(parsed) << line;
    EXPECT_NE(parsed.error().message.find("line 4"), std::string::npos) << line;
  }
}

std::optional<SynSignature> Seen(const std::string& frame_bytes) {
  Frame frame;
  const Bytes bytes(reinterpret_cast<const std::uint8_t*>(frame_bytes.data()), frame_bytes.size());
  DecodeFrame(1, bytes, static_cast<std::uint32_t>(bytes.size()), frame);
  return frame.layer_count == 1 ? SignatureOf(frame.layers[0]) : std::nullopt;
}

/// An IPv4 frame with a SYN with these options.
std::string Syn(const std::string& options) {
  using namespace std::string_literals;
  std::string ip = "\x45\0\0\0\x12\x34\x40\0\x3c\x06\0\0\x0a\0\0\x01\x0a\0\0\x02"s;
  std::string tcp = "\x9c\x40\0\x50\0\0\0\x07\0\0\0\0\0\x02\x72\x10\0\0\0\0"s;
  tcp[12] = static_cast<char>((20 + options.size()) / 4 << 4);
  const std::size_t size = ip.size() + tcp.size() + options.size();
  ip[3] = static_cast<char>(size);
  return std::string(12, '\0') + "\x08\0"s + ip + tcp + options;
}

TEST(SynSignature, IsReadOffTheHeaders) {
  using namespace std::string_literals;
  const auto seen =
      Seen(Syn("\x02\x04\x05\xb4\x04\x02\x08\x0a\0\0\0\x09\0\0\0\0\x01\x03\x03\x0a"s));
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->options, "mss,sok,ts,nop,ws");
  EXPECT_EQ(seen->segment_bytes_max, 1460);
  EXPECT_EQ(seen->window, 29200);
  EXPECT_EQ(seen->window_scale, 10);
  EXPECT_EQ(seen->hops_left, 60);
  EXPECT_EQ(seen->header_bytes, 60);
  EXPECT_EQ(seen->quirks, kQuirkDf | kQuirkDfWithId);
  EXPECT_EQ(Named(*seen), "Linux 3.11 and newer");
}

TEST(SynSignature, SaysWhatIsPeculiar) {
  using namespace std::string_literals;
  EXPECT_EQ(Seen(Syn("\x02\x04\x05\xb4\0\0\0\x01"s))->options, "mss,eol+3");
  EXPECT_NE(Seen(Syn("\x02\x04\x05\xb4\0\0\0\x01"s))->quirks & kQuirkPadding, 0U);
  EXPECT_NE(Seen(Syn("\x02\x09\x05\xb4"s))->quirks & kQuirkBadOptions, 0U);
  EXPECT_NE(Seen(Syn("\x03\x03\x0f\x01"s))->quirks & kQuirkLargeScale, 0U);
  EXPECT_NE(Seen(Syn("\x08\x0a\0\0\0\0\0\0\0\x01\x01\x01"s))->quirks &
                (kQuirkZeroTimestamp | kQuirkPeerTimestamp),
            0U);
  EXPECT_EQ(Seen(Syn("\x1e\x04\0\0"s))->options, "?30");
  // Cut within the options: nothing is said of what was not seen.
  std::string cut = Syn("\x02\x04\x05\xb4\x01\x01\x01\x01"s);
  cut.resize(cut.size() - 4);
  EXPECT_FALSE(Seen(cut));
}

}  // namespace
}  // namespace spoor::packets
