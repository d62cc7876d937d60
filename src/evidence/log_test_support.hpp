// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>
#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/file.hpp"
#include "base/scratch_folder.hpp"
#include "evidence/log.hpp"
#include "evidence/verify.hpp"

namespace spoor::evidence {

/// Entry `index` of every test log: small, and of different lengths.
inline std::vector<std::byte> TestEntry(std::uint64_t index) {
  const std::string text = fmt::format("{}{}", index, std::string(index % 5, 'x'));
  const auto bytes = AsBytes(text);
  return {bytes.begin(), bytes.end()};
}

/// A store folder of its own, removed at the end.
class TestStore {
 public:
  TestStore() = default;
  explicit TestStore(const std::filesystem::path& parent) : scratch_(parent) {}
  /// A new store with the key of `other` and no log yet.
  TestStore(const TestStore& other) : TestStore() {
    std::filesystem::copy(other.root() / "key", root() / "key",
                          std::filesystem::copy_options::recursive);
  }
  TestStore& operator=(const TestStore&) = delete;

  const std::filesystem::path& root() const { return scratch_.path(); }
  std::filesystem::path folder() const { return root() / "evidence"; }
  LogOptions options() const {
    return {.folder = folder(), .key_file = root() / "key/log.pem", .origin = "test.example/log"};
  }
  std::string verifier_key() const { return *ReadTextFile(root() / "key/log.vkey", 4096); }

  std::unique_ptr<LogWriter> OpenWriter() const {
    auto writer = LogWriter::Open(options());
    EXPECT_TRUE(writer) << writer.error().message;
    return std::move(*writer);
  }
  /// Appends test entries until there are `size`, and closes in order.
  void Fill(std::uint64_t size) const {
    const auto writer = OpenWriter();
    while (writer->size() < size) ASSERT_TRUE(writer->Append(TestEntry(writer->size())));
    const auto closed = writer->Close();
    ASSERT_TRUE(closed) << closed.error().message;
  }
  /// Reads all entries, expects them to be the test entries, returns their number.
  std::uint64_t ReadAll() const {
    const auto reader = LogReader::Open(folder(), verifier_key());
    EXPECT_TRUE(reader) << reader.error().message;
    if (!reader) return 0;
    std::uint64_t next = 0;
    const auto read = (*reader)->ForEach(0, [&](std::uint64_t index, auto entry) -> Result<> {
      EXPECT_EQ(index, next++);
      if (AsText(entry) != AsText(TestEntry(index))) {
        return Fail(ErrorCode::kCorrupt, "entry {} is another", index);
      }
      return {};
    });
    EXPECT_TRUE(read) << read.error().message;
    EXPECT_EQ(next, (*reader)->size());
    return next;
  }
  Result<VerifyReport> Verify() const {
    return VerifyLog(
        {.folder = folder(), .public_key = verifier_key(), .progress = {}, .visit = {}});
  }
  /// Every file of the log folder with its bytes, by name relative to it.
  std::map<std::string, std::string> Files() const {
    std::map<std::string, std::string> files;
    for (const auto& file : std::filesystem::recursive_directory_iterator(folder())) {
      if (!file.is_regular_file()) continue;
      files[std::filesystem::relative(file.path(), folder()).string()] =
          *ReadTextFile(file.path(), 1 << 26);
    }
    return files;
  }

 private:
  ScratchFolder scratch_;
};

}  // namespace spoor::evidence
