// SPDX-License-Identifier: Apache-2.0
// The main function of every test program in C++, in place of GoogleTest's own, for which a skipped
// test is a passed one. Exit code 0: all passed; 1: something failed; 77: nothing failed, something
// was skipped. A line "SKIPPED suite.test: reason" for each skip.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

namespace {

constexpr int kSkippedExitCode = 77;  // as in CMakeLists.txt

class SkipCollector : public testing::EmptyTestEventListener {
 public:
  const std::vector<std::string>& skips() const { return skips_; }

 private:
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (result.skipped()) reason_ = result.message();
  }
  void OnTestEnd(const testing::TestInfo& test) override {
    if (test.result()->Skipped()) {
      skips_.push_back(std::string(test.test_suite_name()) + "." + test.name() + ": " + reason_);
    }
    reason_.clear();
  }

  std::vector<std::string> skips_;
  std::string reason_;
};

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  auto* collector = new SkipCollector;  // the listeners own it
  testing::UnitTest::GetInstance()->listeners().Append(collector);
  const int failed = RUN_ALL_TESTS();
  for (const std::string& skip : collector->skips()) std::printf("SKIPPED %s\n", skip.c_str());
  if (failed != 0) return failed;
  return collector->skips().empty() ? 0 : kSkippedExitCode;
}
