// SPDX-License-Identifier: Apache-2.0
#include "importers/kinds.hpp"

#include <bzlib.h>
#include <gmock/gmock.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <set>

#include "importers/reading_for_tests.hpp"

namespace spoor::importers {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

std::string Gzip(std::string_view text) {
  std::string packed(compressBound(text.size()) + 64, '\0');
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string copy(text);
  stream.next_in = reinterpret_cast<Bytef*>(copy.data());
  stream.avail_in = static_cast<uInt>(copy.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string Bzip2(const std::string& text) {
  std::string packed(text.size() + text.size() / 100 + 1000, '\0');
  auto size = static_cast<unsigned>(packed.size());
  std::string copy = text;
  EXPECT_EQ(BZ2_bzBuffToBuffCompress(packed.data(), &size, copy.data(),
                                     static_cast<unsigned>(copy.size()), 9, 0, 0),
            BZ_OK);
  packed.resize(size);
  return packed;
}

std::string Xz(const std::string& text, std::uint32_t preset = 6) {
  std::string packed(lzma_stream_buffer_bound(text.size()), '\0');
  std::size_t size = 0;
  EXPECT_EQ(
      lzma_easy_buffer_encode(preset, LZMA_CHECK_CRC64, nullptr,
                              reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                              reinterpret_cast<std::uint8_t*>(packed.data()), &size, packed.size()),
      LZMA_OK);
  packed.resize(size);
  return packed;
}

std::string Zstd(const std::string& text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  const std::size_t size = ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3);
  EXPECT_EQ(ZSTD_isError(size), 0U);
  packed.resize(size);
  return packed;
}

const std::string kLog =
    "#separator \\x09\n#path\tdns\n#fields\tts\tquery\n#types\ttime\tstring\n1700000000.0\ta\n";

TEST(ImporterKinds, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (const ImporterKind& kind : ImporterKinds()) {
    EXPECT_TRUE(names.insert(kind.name).second) << kind.name;
    EXPECT_EQ(FindImporterKind(kind.name)->name, kind.name);
  }
  EXPECT_EQ(FindImporterKind("none of them"), nullptr);
}

TEST(ImporterKinds, ReadACompressedFileAsWhatItIsInside) {
  const std::string packed = Gzip(kLog) + Gzip("1700000001.0\tb\n");
  ASSERT_NE(DetectImporterKind(packed), nullptr);
  EXPECT_EQ(DetectImporterKind(packed)->name, "zeek");
  for (const std::size_t part : {1U, 2U, 5U, 1000U}) {
    const Reading reading = ReadAs("zeek", packed, {.host = "h", .time = {}}, part);
    EXPECT_EQ(reading.error, "");
    EXPECT_THAT(reading.findings.log_lines, SizeIs(2));
  }
}

TEST(ImporterKinds, UndoEachCompressionAlsoOfSeveralMembersAndHoweverItIsCut) {
  const std::string more = "1700000001.0\tb\n";
  // As tools that compress on several cores put before each frame.
  const std::string skipped("\x50\x2a\x4d\x18\x03\0\0\0abc", 11);
  for (const std::string& packed :
       {Bzip2(kLog) + Bzip2(more), Xz(kLog) + Xz(more), Xz(kLog) + std::string(4, '\0') + Xz(more),
        Zstd(kLog) + Zstd(more), skipped + Zstd(kLog) + skipped + Zstd(more)}) {
    ASSERT_NE(DetectImporterKind(packed), nullptr);
    EXPECT_EQ(DetectImporterKind(packed)->name, "zeek");
    for (const std::size_t part : {1U, 2U, 5U, 1000U}) {
      const Reading reading = ReadAs("zeek", packed, {.host = "h", .time = {}}, part);
      EXPECT_EQ(reading.error, "");
      EXPECT_EQ(reading.counts.malformed_count, 0);
      EXPECT_THAT(reading.findings.log_lines, SizeIs(2));
    }
    const std::string cut = packed.substr(0, packed.size() - 3);
    const Reading whole = ReadAs("zeek", cut, {.host = "h", .time = {}}, cut.size());
    // The end, and a line that it may have gone through.
    EXPECT_THAT(whole.counts.malformed_count, testing::AllOf(testing::Ge(1), testing::Le(2)));
    EXPECT_THAT(whole.findings.log_lines, SizeIs(testing::Ge(1)));
    const Reading in_parts = ReadAs("zeek", cut, {.host = "h", .time = {}}, 1);
    EXPECT_EQ(in_parts.findings.log_lines.size(), whole.findings.log_lines.size());
  }
}

TEST(ImporterKinds, EndWhatWasMadeToBeLargeWhenItIsUncompressed) {
  const std::string zeros(96 << 20, '\n');
  for (const std::string& packed : {Xz(kLog + zeros, 0), Zstd(kLog + zeros)}) {
    const Reading reading = ReadAs("zeek", packed, {.host = "h", .time = {}}, packed.size());
    EXPECT_EQ(reading.error, "");
    EXPECT_EQ(reading.counts.malformed_count, 1);
    EXPECT_THAT(reading.findings.log_lines, SizeIs(1));
  }
}

TEST(ImporterKinds, CountThatACompressedFileWasCutOff) {
  const std::string packed = Gzip(kLog);
  for (std::size_t size = 4; size < packed.size(); ++size) {
    const Reading reading = ReadAs("zeek", packed.substr(0, size));
    EXPECT_EQ(reading.error, "") << size;
    EXPECT_GE(reading.counts.malformed_count, 1) << size;
  }
  EXPECT_THAT(ReadAs("zeek", Gzip(kLog) + "no gzip any more").findings.log_lines, SizeIs(1));
  EXPECT_THAT(ReadAs("events", Gzip("\n").substr(0, 15)).error, HasSubstr("cut off"));
}

TEST(ImporterKinds, ReadTheSameOfABrokenCompressedFileHoweverItIsCut) {
  std::string faulty = Gzip(kLog + std::string(kLog.size(), '#') + "\n1700000001.0\tb\n");
  faulty[faulty.size() - 12] ^= 0x40;
  const std::string zeros(9, '\0');
  for (const std::string& packed :
       {Gzip(kLog) + zeros, Gzip(kLog) + zeros + "more", Gzip(kLog) + zeros + Gzip("\n"), faulty}) {
    const Reading whole = ReadAs("zeek", packed, {.host = "h", .time = {}}, packed.size());
    for (const std::size_t part : {1U, 2U, 3U, 7U, 50U}) {
      const Reading cut = ReadAs("zeek", packed, {.host = "h", .time = {}}, part);
      EXPECT_EQ(cut.error, whole.error);
      EXPECT_EQ(cut.findings.log_lines.size(), whole.findings.log_lines.size());
      EXPECT_EQ(cut.counts.malformed_count, whole.counts.malformed_count);
    }
  }
}

TEST(ImporterKinds, ReadJsonInArraysAndSpreadOverLinesLikeLines) {
  const auto alert = [](int second, std::string_view signature) {
    return fmt::format(
        R"({{"timestamp":"2024-01-02T03:04:0{}.0+0000","event_type":"alert","src_ip":"10.0.0.1",)"
        R"("dest_ip":"10.0.0.2","proto":"TCP","alert":{{"signature":"{}","metadata":{{"a":["]}}"]}}}}}})",
        second, signature);
  };
  const std::string one = alert(1, "a [{\\\"brace"), two = alert(2, "b");
  std::string spread;
  for (const char c : one + two) spread += c == ',' ? std::string(",\n   ") : std::string(1, c);
  spread.insert(1, "\n");
  for (const std::string& text :
       {"[" + one + "," + two + "]", "[\n " + one + ",\n " + two + "\n]\n", spread,
        "\xef\xbb\xbf[\r\n" + one + ",\r\n" + two + "]"}) {
    ASSERT_NE(DetectImporterKind(text), nullptr) << text;
    EXPECT_EQ(DetectImporterKind(text)->name, "eve");
    for (const std::size_t part : {1U, 7U, 10000U}) {
      const Reading reading = ReadAs("eve", text, {.host = "h", .time = {}}, part);
      EXPECT_EQ(reading.counts.malformed_count, 0) << text;
      ASSERT_THAT(reading.findings.alerts, SizeIs(2)) << text;
      EXPECT_EQ(reading.findings.alerts[0].signature, "a [{\"brace");
    }
  }
  const Reading cut = ReadAs("eve", "[" + one + ", garbage, " + two.substr(0, 40));
  EXPECT_THAT(cut.findings.alerts, SizeIs(1));
  EXPECT_EQ(cut.counts.malformed_count, 2);
}

TEST(ImporterKinds, ReadWhatWasWrittenOnWindows) {
  std::string text = "\xef\xbb\xbf";
  for (const char c : kLog) text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  ASSERT_NE(DetectImporterKind(text), nullptr);
  EXPECT_EQ(DetectImporterKind(text)->name, "zeek");
  const Reading reading = ReadAs("zeek", text);
  EXPECT_EQ(reading.counts.malformed_count, 0);
  EXPECT_THAT(reading.findings.log_lines, SizeIs(1));
}

TEST(ImporterKinds, TakeNothingForWhatItIsNot) {
  for (const std::string_view text : {"", "\n\n", "hello", "{}", "{\"a\":1}", "\x1f\x8b\x08",
                                      "\x7f"
                                      "ELF",
                                      "a,b,c\n1,2,3\n"}) {
    const ImporterKind* const kind = DetectImporterKind(text);
    EXPECT_EQ(kind, nullptr) << text << ": " << kind->name;
  }
}

}  // namespace
}  // namespace spoor::importers
