// SPDX-License-Identifier: Apache-2.0
#include "evidence/note.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "base/file.hpp"
#include "evidence/checkpoint.hpp"
#include "evidence/hash.hpp"
#include "evidence/log_test_support.hpp"
#include "evidence/tile_path.hpp"

namespace spoor::evidence {
namespace {

struct Signer {
  TestStore store;
  SigningKey key = *SigningKey::Create(store.root() / "key/log.pem");
  VerifierKey verifier = *VerifierKey::Make("test.example/log", key.public_key());
};

TEST(Note, OpensWithTheKeyThatSignedIt) {
  const Signer signer;
  const std::string note = SignNote("hello\nworld\n", signer.verifier, signer.key);
  const auto opened = OpenNote(note, signer.verifier);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->text, "hello\nworld\n");
  EXPECT_EQ(opened->other_signatures, 0U);
}

TEST(Note, RefusesEveryChangedBit) {
  const Signer signer;
  const std::string note = SignNote("hello\nworld\n", signer.verifier, signer.key);
  for (std::size_t i = 0; i < note.size() * 8; ++i) {
    std::string changed = note;
    changed[i / 8] = static_cast<char>(changed[i / 8] ^ (1 << i % 8));
    const auto opened = OpenNote(changed, signer.verifier);
    ASSERT_FALSE(opened) << "bit " << i;
    EXPECT_EQ(opened.error().code, ErrorCode::kUnverified);
  }
  for (std::size_t size = 0; size < note.size(); ++size) {
    EXPECT_FALSE(OpenNote(note.substr(0, size), signer.verifier)) << size;
  }
}

TEST(Note, CountsSignaturesOfOthersWithoutTrustingThem) {
  const Signer signer;
  const Signer witness;
  const std::string text = "hello\n";
  const std::string theirs =
      SignNote(text, *VerifierKey::Make("witness.example", witness.key.public_key()), witness.key);
  const std::string both =
      SignNote(text, signer.verifier, signer.key) + theirs.substr(text.size() + 1);
  const auto opened = OpenNote(both, signer.verifier);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->other_signatures, 1U);
  EXPECT_FALSE(OpenNote(theirs, signer.verifier));
}

TEST(VerifierKey, IsWrittenAndReadAsOneLine) {
  const Signer signer;
  const std::string text = signer.verifier.Text();
  const auto parsed = VerifierKey::Parse(text + "\n");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->Text(), text);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(VerifierKey::Parse(changed)) << i;
    EXPECT_FALSE(VerifierKey::Parse(text.substr(0, i))) << i;
  }
}

TEST(VerifierKey, HasTheKeyIdOfTheC2spDocument) {
  // key id = first 4 bytes of SHA-256(name, newline, type 1, public key), computed apart with
  // `(printf 'example.com/log\n\001'; head -c 32 /dev/zero) | sha256sum`.
  const std::array<std::uint8_t, 32> zeros{};
  const auto key = VerifierKey::Make("example.com/log", zeros);
  ASSERT_TRUE(key);
  EXPECT_EQ(EncodeHex(key->key_id), "a3ad76db");
}

TEST(VerifierKey, RefusesNamesThatANoteCannotCarry) {
  const std::array<std::uint8_t, 32> zeros{};
  for (const char* name : {"", "two words", "plus+", "new\nline", "\xC3\xA9"}) {
    EXPECT_FALSE(VerifierKey::Make(name, zeros)) << name;
  }
}

TEST(SigningKey, RefusesWhatIsNoPrivateKey) {
  const TestStore store;
  const auto path = store.root() / "log.pem";
  ASSERT_TRUE(WriteFileAtomically(path, AsBytes("-----BEGIN PRIVATE KEY-----\nAAAA\n"), 0600));
  const auto key = SigningKey::Load(path);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, ErrorCode::kCorrupt);
  EXPECT_THAT(key.error().message, testing::Not(testing::HasSubstr("AAAA")));
}

TEST(Checkpoint, IsReadBackAsItWasWritten) {
  const Signer signer;
  const struct Checkpoint checkpoint {
    .origin = "test.example/log", .size = 123456789, .root = Hash{1, 2, 3},
    .signed_wall_ns = 1'795'293'095'000'000'001, .other_signatures = 0
  };
  const std::string text = FormatCheckpoint(checkpoint);
  EXPECT_THAT(text, testing::EndsWith("\ntime 2026-11-21T20:31:35.000000001Z\n"));
  const auto opened = OpenCheckpoint(SignNote(text, signer.verifier, signer.key), signer.verifier);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->size, checkpoint.size);
  EXPECT_EQ(opened->root, checkpoint.root);
  EXPECT_EQ(opened->signed_wall_ns, checkpoint.signed_wall_ns);
}

TEST(Checkpoint, RefusesSignedTextThatIsNone) {
  const Signer signer;
  const std::string root(43, 'A');
  for (const std::string& text :
       {std::string("test.example/log\n"), "other\n1\n" + root + "=\ntime 2026-11-21T20:31:35.0Z\n",
        "test.example/log\n01\n" + root + "=\ntime 2026-11-21T20:31:35.000000000Z\n",
        "test.example/log\n-1\n" + root + "=\ntime 2026-11-21T20:31:35.000000000Z\n",
        std::string("test.example/log\n1\nAAAA\ntime 2026-11-21T20:31:35.000000000Z\n"),
        "test.example/log\n1\n" + root + "=\n",
        "test.example/log\n1\n" + root + "=\ntime yesterday\n",
        "test.example/log\n1\n" + root + "=\ntime 2026-11-21T20:31:35.000000000Z\nmore\n",
        "test.example/log\n99999999999999999999\n" + root +
            "=\ntime 2026-11-21T20:31:35.000000000Z\n"}) {
    const auto opened =
        OpenCheckpoint(SignNote(text, signer.verifier, signer.key), signer.verifier);
    ASSERT_FALSE(opened) << text;
    EXPECT_EQ(opened.error().code, ErrorCode::kUnverified);
  }
}

TEST(TilePath, FollowsC2sp) {
  const TileId tile{.entries = false, .level = 2, .index = 1'234'067};
  EXPECT_EQ(TilePath(tile, TileForm::kFull), "tile/2/x001/x234/067");
  EXPECT_EQ(TilePath(tile, TileForm::kClosed, 8), "tile/2/x001/x234/067.p/8");
  EXPECT_EQ(TilePath(tile, TileForm::kGrowing), "tile/2/x001/x234/067.partial");
  const TileId bundle{.entries = true, .level = 0, .index = 0};
  EXPECT_EQ(TilePath(bundle, TileForm::kFull), "tile/entries/000");
}

TEST(TilePath, IsParsedOnlyInItsOneSpelling) {
  for (const std::uint64_t index :
       {0ULL, 999ULL, 1000ULL, 1'000'067ULL, 72'057'594'037'927'935ULL}) {
    for (const bool entries : {false, true}) {
      for (const TileForm form : {TileForm::kFull, TileForm::kGrowing, TileForm::kClosed}) {
        const TileId id{.entries = entries, .level = entries ? 0U : 3U, .index = index};
        const auto name = ParseTilePath(TilePath(id, form, 255));
        ASSERT_TRUE(name) << TilePath(id, form, 255);
        EXPECT_EQ(name->id, id);
        EXPECT_EQ(name->form, form);
      }
    }
  }
  for (const char* path : {"",
                           "tile",
                           "tile/0",
                           "tile/0/",
                           "tile/0/0",
                           "tile/0/0000",
                           "tile/0/x000/001",
                           "tile/0/001/002",
                           "tile/8/000",
                           "tile/00/000",
                           "tile/-1/000",
                           "tile/0/000.p",
                           "tile/0/000.p/",
                           "tile/0/000.p/0",
                           "tile/0/000.p/256",
                           "tile/0/000.p/01",
                           "tile/0/000.p/1/1",
                           "tile/0/000.partial/1",
                           "tile/0/000.tmp",
                           "tile/entries/abc",
                           "tile/data/000",
                           "/tile/0/000",
                           "tile/0/x999/x999/x999/x999/x999/x999/x999/999"}) {
    EXPECT_FALSE(ParseTilePath(path)) << path;
  }
}

}  // namespace
}  // namespace spoor::evidence
