// SPDX-License-Identifier: Apache-2.0
#include "witness/request.hpp"

#include <gmock/gmock.h>

#include "base/base64.hpp"

namespace spoor::witness {
namespace {

using testing::HasSubstr;

std::string HashLine(char fill) {
  return ToBase64(std::string(32, fill)) + "\n";
}

TEST(AddCheckpointRequest, IsReadAsWritten) {
  for (const std::size_t count : {0U, 1U, 63U}) {
    AddCheckpointRequest request{.old_size = UINT64_MAX, .proof = {}, .checkpoint = "a\n\nnote\n"};
    request.proof.resize(count);
    for (std::size_t i = 0; i < count; ++i) request.proof[i].fill(static_cast<std::uint8_t>(i));
    const auto parsed = ParseAddCheckpoint(FormatAddCheckpoint(request));
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->old_size, request.old_size);
    EXPECT_EQ(parsed->proof, request.proof);
    EXPECT_EQ(parsed->checkpoint, request.checkpoint);
  }
}

TEST(AddCheckpointRequest, IsRefusedInAnyOtherSpelling) {
  const std::string proof = HashLine('a');
  ASSERT_TRUE(ParseAddCheckpoint("old 1\n" + proof + "\nnote"));
  for (const std::string& body : std::vector<std::string>{
           "", "\n", "old", "old 1", "old 1\n", "old 1\n" + proof, "old 01\n\nnote",
           "old  1\n\nnote", "old +1\n\nnote", "old 1 \n\nnote", "old 1\r\n\r\nnote",
           "Old 1\n\nnote", "old 18446744073709551616\n\nnote",
           "old 1\n" + proof + proof.substr(1) + "\nnote",
           "old 1\n" + ToBase64(std::string(31, 'a')) + "\n\nnote",
           "old 1\n" + ToBase64(std::string(33, 'a')) + "\n\nnote",
           "old 1\n " + proof + "\nnote"}) {
    const auto parsed = ParseAddCheckpoint(body);
    ASSERT_FALSE(parsed) << body;
    EXPECT_EQ(parsed.error().code, ErrorCode::kInvalidArgument);
  }
}

TEST(AddCheckpointRequest, IsBounded) {
  std::string body = "old 1\n";
  for (std::size_t i = 0; i <= kProofHashesMax; ++i) body += HashLine('a');
  const auto long_proof = ParseAddCheckpoint(body + "\nnote");
  ASSERT_FALSE(long_proof);
  EXPECT_THAT(long_proof.error().message, HasSubstr("more than 63"));
  EXPECT_FALSE(ParseAddCheckpoint("old 1\n\n" + std::string(kRequestBytesMax, 'a')));
}

TEST(SizeLine, HasOneSpelling) {
  EXPECT_EQ(*ParseSizeLine("0\n"), 0U);
  EXPECT_EQ(*ParseSizeLine("18446744073709551615\n"), UINT64_MAX);
  for (const char* body :
       {"", "\n", "1", "01\n", "1\n\n", "1 \n", "-1\n", "18446744073709551616\n", "not known\n"}) {
    EXPECT_FALSE(ParseSizeLine(body)) << body;
  }
}

TEST(CosignedCheckpointPath, IsTheHashOfTheName) {
  // printf example.com/log | sha256sum
  EXPECT_EQ(CosignedCheckpointPath("example.com/log"),
            "/4d3203c8f35cdf600e475f55fede6081a703d3d322f208865fca2ec4f0e030f8/checkpoint");
}

}  // namespace
}  // namespace spoor::witness
