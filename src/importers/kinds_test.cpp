// SPDX-License-Identifier: Apache-2.0
#include "importers/kinds.hpp"

#include <gmock/gmock.h>
#include <zlib.h>

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
