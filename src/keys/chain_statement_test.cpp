// SPDX-License-Identifier: Apache-2.0
#include "keys/chain_statement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spoor::keys {
namespace {

using ::testing::HasSubstr;

class ChainStatementTest : public ::testing::Test {
 protected:
  CertificatePointer Issue(EVP_PKEY* key, const std::string& name,
                           Role role = Role::kSensor) const {
    return *SignCertificate({.role = role, .name = name, .addresses = {}, .lifetime_days = 1}, key,
                            root_.get(), root_key_.get());
  }
  void ExpectRefused(const std::string& description, const ChainClaim& claim,
                     const std::string& why) const {
    const Result<> checked = CheckChainStatement(description, claim);
    ASSERT_FALSE(checked) << why;
    EXPECT_EQ(checked.error().code, ErrorCode::kUnverified);
    EXPECT_THAT(checked.error().message, HasSubstr(why));
  }

  KeyPointer root_key_ = *MakeSigningKey();
  CertificatePointer root_ = *MakeRoot(root_key_.get(), 1);
  KeyPointer key_ = *MakeSigningKey();
  CertificatePointer certificate_ = Issue(key_.get(), "web-1");
  const ChainStatement statement_{.sensor = "web-1",
                                  .host = "h",
                                  .boot_id = "b",
                                  .chain_id = ChainIdOf("web-1", std::string(64, 'f')),
                                  .first_key_tag = std::string(64, 'f')};
  const ChainClaim claim_{.sensor = "web-1",
                          .chain_id = statement_.chain_id,
                          .first_key_tag = statement_.first_key_tag,
                          .root = root_.get()};
};

TEST_F(ChainStatementTest, HoldsForItsChainAndKeyOnly) {
  const std::string signed_text = *SignChainStatement(statement_, certificate_.get(), key_.get());
  const Result<> good = CheckChainStatement(signed_text, claim_);
  ASSERT_TRUE(good) << good.error().message;
  ChainClaim other = claim_;
  other.chain_id = std::string(32, 'd');
  ExpectRefused(signed_text, other, "is not signed by web-1");
  other = claim_;
  other.first_key_tag = std::string(64, '0');
  ExpectRefused(signed_text, other, "first key is not the one that was signed");
  other = claim_;
  other.sensor = "db-1";
  ExpectRefused(signed_text, other, "in the name of another sensor");
}

// Or one sensor could begin another's chain at a collector that does not know it yet.
TEST_F(ChainStatementTest, HoldsForNoIdButItsSensorsAndFirstKeys) {
  ChainStatement taken = statement_;
  taken.chain_id = ChainIdOf("db-1", std::string(64, 'f'));
  ChainClaim claim = claim_;
  claim.chain_id = taken.chain_id;
  ExpectRefused(*SignChainStatement(taken, certificate_.get(), key_.get()), claim,
                "id is not that of web-1 and its first key");
  EXPECT_EQ(ChainIdOf("web-1", std::string(64, '0')), "78c6a8eca5472b04a526fc2fb8dcb956");
}

TEST_F(ChainStatementTest, HoldsForAHostOfAnyName) {
  ChainStatement odd = statement_;
  odd.host = "a\nb\xff \"c\"";
  const Result<> good =
      CheckChainStatement(*SignChainStatement(odd, certificate_.get(), key_.get()), claim_);
  EXPECT_TRUE(good) << good.error().message;
}

TEST_F(ChainStatementTest, IsRefusedWithAnythingElseInIt) {
  const std::string signed_text = *SignChainStatement(statement_, certificate_.get(), key_.get());
  for (const std::string member : {"boot_id", "first_key_tag", "host", "sensor", "signature"}) {
    std::string changed = signed_text;
    const std::size_t value = changed.find("\"" + member + "\":\"") + member.size() + 4;
    changed[value] = changed[value] == '1' ? '2' : '1';
    EXPECT_FALSE(CheckChainStatement(changed, claim_)) << member;
  }
}

TEST_F(ChainStatementTest, NeedsTheSensorsOwnKeyAndACertificateOfTheAuthority) {
  const KeyPointer other = *MakeSigningKey();
  ExpectRefused(*SignChainStatement(statement_, certificate_.get(), other.get()), claim_,
                "is not signed by web-1");
  const CertificatePointer analyst = Issue(key_.get(), "web-1", Role::kAnalyst);
  ExpectRefused(*SignChainStatement(statement_, analyst.get(), key_.get()), claim_,
                "no certificate of the sensor web-1");
  const CertificatePointer another = Issue(key_.get(), "db-1");
  ExpectRefused(*SignChainStatement(statement_, another.get(), key_.get()), claim_,
                "no certificate of the sensor web-1");
  const CertificatePointer other_root = *MakeRoot(other.get(), 1);
  ChainClaim elsewhere = claim_;
  elsewhere.root = other_root.get();
  const std::string signed_text = *SignChainStatement(statement_, certificate_.get(), key_.get());
  ExpectRefused(signed_text, elsewhere, "was not issued by this authority");
  elsewhere.root = nullptr;
  EXPECT_TRUE(CheckChainStatement(signed_text, elsewhere));
}

TEST_F(ChainStatementTest, RefusesWhatIsNestedTooDeepOrNoObject) {
  ExpectRefused("[]", claim_, "no JSON object");
  ExpectRefused("{", claim_, "no JSON object");
  ExpectRefused(R"({"x":)" + std::string(16, '[') + std::string(16, ']') + "}", claim_, "too deep");
  ExpectRefused(R"({"x":)" + std::string(15, '[') + std::string(15, ']') + "}", claim_,
                "another sensor");
}

}  // namespace
}  // namespace spoor::keys
