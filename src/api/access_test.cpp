// SPDX-License-Identifier: Apache-2.0
#include "api/access.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"

namespace spoor::api {
namespace {

constexpr const char* kPassword = "correct horse battery";

class AccessTest : public ::testing::Test {
 protected:
  std::unique_ptr<Access> Open(bool everybody = false) {
    auto access = Access::Open({.folder = folder(), .everybody = everybody});
    EXPECT_TRUE(access) << access.error().message;
    return *std::move(access);
  }
  std::filesystem::path folder() const { return scratch_ / "analysts"; }
  void SetUp() override {
    scratch_ =
        std::filesystem::path(::testing::TempDir()) /
        ("access." + std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::remove_all(scratch_);
    std::filesystem::create_directories(scratch_);
  }
  void TearDown() override { std::filesystem::remove_all(scratch_); }
  std::filesystem::path scratch_;
};

TEST_F(AccessTest, TheSetUpTokenMakesOneAdminAndNoMore) {
  const auto access = Open();
  ASSERT_TRUE(access->needs_set_up());
  EXPECT_FALSE(access->SetUp("not the token", "alice", kPassword, "a"));
  const auto in = access->SetUp(access->set_up_token(), "alice", kPassword, "a");
  ASSERT_TRUE(in) << in.error().message;
  EXPECT_EQ(in->identity.role, Role::kAdmin);
  EXPECT_FALSE(access->needs_set_up());
  EXPECT_FALSE(access->SetUp(access->set_up_token(), "mallory", kPassword, "b"));
}

TEST_F(AccessTest, ASessionIsOfWhoSignedInUntilTheySignOut) {
  const auto access = Open();
  ASSERT_TRUE(access->AddUser("vera", Role::kViewer, kPassword));
  EXPECT_FALSE(access->SignIn("vera", "another password", "a"));
  EXPECT_FALSE(access->SignIn("nobody", kPassword, "b"));
  const auto in = access->SignIn("vera", kPassword, "c");
  ASSERT_TRUE(in) << in.error().message;
  EXPECT_EQ(access->OfSession(in->session).user, "vera");
  EXPECT_EQ(access->OfSession(in->session).role, Role::kViewer);
  EXPECT_FALSE(access->OfSession(in->session).csrf_token.empty());
  EXPECT_EQ(access->OfSession("").role, Role::kNobody);
  access->SignOut(in->session);
  EXPECT_EQ(access->OfSession(in->session).role, Role::kNobody);
}

TEST_F(AccessTest, WhoTriesPasswordsMustWait) {
  const auto access = Open();
  ASSERT_TRUE(access->AddUser("vera", Role::kViewer, kPassword));
  ErrorCode last = ErrorCode::kInvalidArgument;
  for (int i = 0; i < 10 && last == ErrorCode::kInvalidArgument; ++i) {
    last = access->SignIn("vera", "guess", "a").error().code;
  }
  EXPECT_EQ(last, ErrorCode::kUnavailable);
  const auto right = access->SignIn("vera", kPassword, "b");
  ASSERT_FALSE(right);
  EXPECT_EQ(right.error().code, ErrorCode::kUnavailable);
}

TEST_F(AccessTest, ATokenActsAsItsAnalystUntilTheyAreRemoved) {
  const auto access = Open();
  ASSERT_TRUE(access->AddUser("ana", Role::kAnalyst, kPassword));
  EXPECT_FALSE(access->AddToken("nobody"));
  const auto token = access->AddToken("ana");
  ASSERT_TRUE(token);
  EXPECT_EQ(access->OfToken(*token).role, Role::kAnalyst);
  EXPECT_EQ(access->OfToken(*token + "0").role, Role::kNobody);
  ASSERT_TRUE(access->RemoveUser("ana"));
  EXPECT_EQ(access->OfToken(*token).role, Role::kNobody);
}

TEST_F(AccessTest, WhatAnotherProcessChangesCountsAtOnce) {
  const auto server = Open();
  const auto command = Open();
  ASSERT_TRUE(command->AddUser("vera", Role::kViewer, kPassword));
  const auto in = server->SignIn("vera", kPassword, "a");
  ASSERT_TRUE(in) << in.error().message;
  ASSERT_TRUE(command->AddUser("vera", Role::kAnalyst, kPassword));
  EXPECT_EQ(server->OfSession(in->session).role, Role::kAnalyst);
  ASSERT_TRUE(command->RemoveUser("vera"));
  EXPECT_EQ(server->OfSession(in->session).role, Role::kNobody);
}

TEST_F(AccessTest, SecretsAreNotInTheFolder) {
  const auto access = Open();
  ASSERT_TRUE(access->AddUser("vera", Role::kViewer, kPassword));
  const auto token = access->AddToken("vera");
  ASSERT_TRUE(token);
  const auto text = ReadTextFile(folder() / "users.json", 1 << 20);
  ASSERT_TRUE(text);
  EXPECT_EQ(text->find(kPassword), std::string::npos);
  EXPECT_EQ(text->find(*token), std::string::npos);
  EXPECT_NE(text->find("$argon2id$"), std::string::npos);
}

TEST_F(AccessTest, RefusesShortPasswordsAndOddNames) {
  const auto access = Open();
  EXPECT_FALSE(access->AddUser("vera", Role::kViewer, "short"));
  EXPECT_FALSE(access->AddUser("", Role::kViewer, kPassword));
  EXPECT_FALSE(access->AddUser("../vera", Role::kViewer, kPassword));
  EXPECT_FALSE(access->AddUser("ve\nra", Role::kViewer, kPassword));
}

TEST_F(AccessTest, ABrokenListLetsNobodyIn) {
  std::filesystem::create_directories(folder());
  ASSERT_TRUE(WriteFileAtomically(folder() / "users.json", AsBytes("{\"users\": [1]}")));
  const auto access = Access::Open({.folder = folder()});
  ASSERT_FALSE(access);
  EXPECT_EQ(access.error().code, ErrorCode::kCorrupt);
}

TEST_F(AccessTest, EverybodyIsAdminWhereNobodySignsIn) {
  const auto access = Open(true);
  EXPECT_FALSE(access->needs_set_up());
  EXPECT_EQ(access->OfSession("").role, Role::kAdmin);
}

}  // namespace
}  // namespace spoor::api
