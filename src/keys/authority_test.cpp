// SPDX-License-Identifier: Apache-2.0
#include "keys/authority.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "base/file.hpp"
#include "base/scratch_folder.hpp"
#include "base/time.hpp"

namespace spoor::keys {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr std::int64_t kHour = 3600'000'000'000;

class AuthorityTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(Authority::Create(folder_)); }

  Authority Open() const {
    Result<Authority> authority = Authority::Open(folder_);
    EXPECT_TRUE(authority) << authority.error().message;
    return std::move(*authority);
  }
  static CertificateTerms Terms(Role role, std::string name) {
    return {.role = role, .name = std::move(name), .addresses = {}, .lifetime_days = 30};
  }
  const ScratchFolder scratch_;
  const std::filesystem::path folder_ = scratch_.path();
};

unsigned ModeOf(const std::filesystem::path& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777U;
}

std::string RequestOf(const KeyPointer& key) {
  return FormatRequest(key.get()).value_or("");
}

TEST_F(AuthorityTest, KeepsEveryPrivateKeyToItsOwner) {
  const Authority authority = Open();
  ASSERT_TRUE(authority.Issue(Terms(Role::kSensor, "web-1"), folder_ / "sensors/web-1"));
  ASSERT_TRUE(authority.Issue(Terms(Role::kCollector, "hub"), folder_ / "collectors/hub"));
  EXPECT_EQ(ModeOf(folder_ / "ca.key"), 0600U);
  EXPECT_EQ(ModeOf(folder_ / "escrow.key"), 0600U);
  EXPECT_EQ(ModeOf(folder_ / "sensors/web-1/identity.key"), 0600U);
  EXPECT_EQ(ModeOf(folder_ / "collectors/hub/escrow.key"), 0600U);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "sensors/web-1/escrow.key"));
}

TEST_F(AuthorityTest, DoesNotReplaceAnAuthority) {
  const Result<> again = Authority::Create(folder_);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kInvalidArgument);
  Open();
}

TEST_F(AuthorityTest, RefusesAPrivateKeyOpenToOthers) {
  ASSERT_EQ(::chmod((folder_ / "ca.key").c_str(), 0644), 0);
  const Result<Authority> opened = Authority::Open(folder_);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("open to others"));
}

TEST_F(AuthorityTest, WritesTheRoleIntoSubjectAndKeyUsage) {
  const Authority authority = Open();
  for (const Role role : {Role::kCollector, Role::kSensor, Role::kAnalyst}) {
    const std::string name = "a-" + std::string(RoleName(role));
    ASSERT_TRUE(authority.Issue(Terms(role, name), folder_ / name));
    const Result<CertificatePointer> certificate = LoadCertificate(folder_ / name / "identity.crt");
    ASSERT_TRUE(certificate) << certificate.error().message;
    const Result<Identity> identity = IdentityOf(certificate->get());
    ASSERT_TRUE(identity) << identity.error().message;
    EXPECT_EQ(identity->role, role);
    EXPECT_EQ(identity->name, name);
    const bool serves = X509_check_purpose(certificate->get(), X509_PURPOSE_SSL_SERVER, 0) == 1;
    const bool asks = X509_check_purpose(certificate->get(), X509_PURPOSE_SSL_CLIENT, 0) == 1;
    EXPECT_EQ(serves, role == Role::kCollector);
    EXPECT_EQ(asks, role != Role::kCollector);
  }
}

TEST_F(AuthorityTest, NamesTheCollectorsAddresses) {
  CertificateTerms terms = Terms(Role::kCollector, "hub");
  terms.addresses = {"hub.example.org", "192.0.2.7", "2001:db8::7"};
  ASSERT_TRUE(Open().Issue(terms, folder_ / "hub"));
  const Result<CertificatePointer> certificate = LoadCertificate(folder_ / "hub/identity.crt");
  ASSERT_TRUE(certificate);
  EXPECT_EQ(X509_check_host(certificate->get(), "hub.example.org", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate->get(), "192.0.2.7", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate->get(), "2001:db8::7", 0), 1);
  EXPECT_NE(X509_check_ip_asc(certificate->get(), "192.0.2.8", 0), 1);
}

TEST_F(AuthorityTest, RefusesAnAddressThatWouldSmuggleAnExtension) {
  CertificateTerms terms = Terms(Role::kCollector, "hub");
  terms.addresses = {"a,DNS:evil"};
  const Result<> issued = Open().Issue(terms, folder_ / "hub");
  ASSERT_FALSE(issued);
  EXPECT_EQ(issued.error().code, ErrorCode::kInvalidArgument);
}

TEST_F(AuthorityTest, KeepsANameToOneRole) {
  const Authority authority = Open();
  ASSERT_TRUE(authority.Issue(Terms(Role::kSensor, "web-1"), folder_ / "a"));
  const Result<> other = authority.Issue(Terms(Role::kAnalyst, "web-1"), folder_ / "b");
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message, HasSubstr("belongs to a sensor"));
}

TEST_F(AuthorityTest, RefusesNamesThatAreNone) {
  for (const char* name : {"", "UPPER", "a/b", "..", "-x", "a b", "a:b"}) {
    EXPECT_FALSE(CheckName(name)) << name;
  }
  EXPECT_FALSE(CheckName(std::string(64, 'a')));
  EXPECT_TRUE(CheckName(std::string(63, 'a')));
}

TEST_F(AuthorityTest, RevokesAllOrAllButTheNewest) {
  const Authority authority = Open();
  ASSERT_TRUE(authority.Issue(Terms(Role::kCollector, "hub"), folder_ / "collectors/hub"));
  ASSERT_TRUE(authority.Issue(Terms(Role::kSensor, "web-1"), folder_ / "s"));
  ASSERT_TRUE(authority.Issue(Terms(Role::kSensor, "web-1"), folder_ / "s"));
  EXPECT_EQ(authority.Revoke("web-1", /*keep_newest=*/true).value_or(99), 1U);
  const std::filesystem::path of_collector = folder_ / "collectors/hub/ca.crl";
  Result<std::vector<std::string>> revoked = LoadRevocations(of_collector, authority.root());
  ASSERT_TRUE(revoked) << revoked.error().message;
  const std::vector<Issued> issued = authority.List().value_or(std::vector<Issued>{});
  ASSERT_THAT(issued, SizeIs(3));
  EXPECT_THAT(*revoked, ::testing::ElementsAre(issued[1].serial));
  EXPECT_EQ(authority.Revoke("web-1", /*keep_newest=*/false).value_or(99), 1U);
  revoked = LoadRevocations(of_collector, authority.root());
  ASSERT_TRUE(revoked);
  EXPECT_THAT(*revoked, SizeIs(2));
  EXPECT_FALSE(authority.Revoke("nobody", false));
}

TEST_F(AuthorityTest, DoesNotBelieveAnotherAuthoritysRevocations) {
  const std::filesystem::path other = folder_ / "other";
  ASSERT_TRUE(Authority::Create(other));
  const Result<std::vector<std::string>> list = LoadRevocations(other / "ca.crl", Open().root());
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().code, ErrorCode::kUnverified);
}

TEST_F(AuthorityTest, EnrolsOnceWithAToken) {
  const Authority authority = Open();
  const Result<Token> token = authority.MakeToken("web-1", kHour);
  ASSERT_TRUE(token);
  const KeyPointer key = std::move(*MakeSigningKey());
  const Result<Enrolment> first = authority.Enrol("web-1", token->secret, RequestOf(key), 30);
  ASSERT_TRUE(first) << first.error().message;
  const Result<CertificatePointer> certificate = ParseCertificate(first->certificate, "answer");
  ASSERT_TRUE(certificate);
  EXPECT_EQ(X509_check_private_key(certificate->get(), key.get()), 1);
  EXPECT_EQ(IdentityOf(certificate->get())->name, "web-1");
  const Result<Enrolment> second = authority.Enrol("web-1", token->secret, RequestOf(key), 30);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("used before"));
}

TEST_F(AuthorityTest, RefusesExpiredForeignAndUnknownTokens) {
  const Authority authority = Open();
  const KeyPointer key = std::move(*MakeSigningKey());
  const Result<Token> expired = authority.MakeToken("web-1", -1);
  EXPECT_THAT(authority.Enrol("web-1", expired->secret, RequestOf(key), 30).error().message,
              HasSubstr("expired"));
  const Result<Token> good = authority.MakeToken("web-1", kHour);
  EXPECT_THAT(authority.Enrol("web-2", good->secret, RequestOf(key), 30).error().message,
              HasSubstr("another name"));
  EXPECT_FALSE(authority.Enrol("web-1", std::string(64, '0'), RequestOf(key), 30));
  EXPECT_FALSE(authority.Enrol("web-1", "../../ca.key", RequestOf(key), 30));
  EXPECT_FALSE(authority.Enrol("web-1", good->secret, "no request", 30));
  // A bad request did not spend the token.
  EXPECT_TRUE(authority.Enrol("web-1", good->secret, RequestOf(key), 30));
}

TEST_F(AuthorityTest, RefusesEveryTruncationOfARequest) {
  const Authority authority = Open();
  const Result<Token> token = authority.MakeToken("web-1", kHour);
  const std::string request = RequestOf(*MakeSigningKey());
  // The last character is the newline behind the closing line.
  for (std::size_t size = 0; size + 1 < request.size(); ++size) {
    EXPECT_FALSE(authority.Enrol("web-1", token->secret, request.substr(0, size), 30)) << size;
  }
}

TEST(Token, ReadsBackWhatItWrites) {
  const Token token{"web-1", std::string(64, 'a'), std::string(64, 'b')};
  const Result<Token> again = Token::Parse(token.Text());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->Text(), token.Text());
  for (std::size_t size = 0; size < token.Text().size(); ++size) {
    const Result<Token> cut = Token::Parse(token.Text().substr(0, size));
    ASSERT_FALSE(cut);
    EXPECT_THAT(cut.error().message, ::testing::Not(HasSubstr("aaaa")));
  }
}

}  // namespace
}  // namespace spoor::keys
