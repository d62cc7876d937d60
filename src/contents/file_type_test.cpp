// SPDX-License-Identifier: Apache-2.0
#include "contents/file_type.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace spoor::contents {
namespace {

using testing::HasSubstr;

TEST(FileType, IsToldByTheFirstBytes) {
  EXPECT_THAT(FileTypeOf("#!/bin/sh\nexit 0\n"), HasSubstr("shell script"));
  EXPECT_THAT(FileTypeOf(std::string("\x7f"
                                     "ELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0",
                                     24)),
              HasSubstr("ELF 64-bit"));
  EXPECT_EQ(FileTypeOf(""), "");
}

TEST(FileType, OfMuchIsThatOfItsBegin) {
  EXPECT_THAT(FileTypeOf("#!/bin/sh\n" + std::string(10'000'000, 'x')), HasSubstr("shell script"));
}

TEST(FileType, IsToldInSeveralThreadsAtOnce) {
  std::thread other([] { EXPECT_THAT(FileTypeOf("#!/bin/sh\n"), HasSubstr("shell script")); });
  EXPECT_THAT(FileTypeOf("#!/bin/sh\n"), HasSubstr("shell script"));
  other.join();
}

}  // namespace
}  // namespace spoor::contents
