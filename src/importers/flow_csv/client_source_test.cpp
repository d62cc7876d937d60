// SPDX-License-Identifier: Apache-2.0
#include "importers/flow_csv/client_source.hpp"

#include <gmock/gmock.h>

#include "base/file.hpp"
#include "importers/flow_csv/flow_csv_reader.hpp"

namespace spoor::importers {
namespace {

using testing::HasSubstr;

/// Keeps what it is fed.
class Keeper : public event::EventSource {
 public:
  explicit Keeper(std::string& kept) : kept_(kept) {}
  Result<> Feed(std::span<const std::byte> bytes, event::Findings&) override {
    kept_ += AsText(bytes);
    return {};
  }
  Result<> Finish(event::Findings&) override { return {}; }

 private:
  std::string& kept_;
};

struct Outcome {
  std::string kept, error;
};

Outcome RunClient(Client client, std::string_view text) {
  Outcome run;
  const auto source = MakeClientSource(
      std::move(client), [](std::string_view beginning) { return beginning.starts_with("BIN"); },
      std::make_unique<Keeper>(run.kept));
  event::Findings findings;
  Result<> result = source->Feed(AsBytes(text.substr(0, 2)), findings);
  if (result)
    result = source->Feed(AsBytes(text.substr(std::min<std::size_t>(2, text.size()))), findings);
  if (result) result = source->Finish(findings);
  if (!result) run.error = result.error().message;
  return run;
}

TEST(ClientSource, HandsTextOnAsItIs) {
  const Outcome run = RunClient({.name = "false", .arguments = {}, .package = "p"}, "a,b\n1,2\n");
  EXPECT_EQ(run.error, "");
  EXPECT_EQ(run.kept, "a,b\n1,2\n");
  EXPECT_EQ(RunClient({.name = "false", .arguments = {}, .package = "p"}, "x").kept, "x");
}

TEST(ClientSource, HandsOnWhatTheClientMakesOfABinaryFile) {
  const Outcome run =
      RunClient({.name = "tr", .arguments = {"a-z", "A-Z"}, .package = "p"}, "BINary file");
  EXPECT_EQ(run.error, "");
  EXPECT_EQ(run.kept, "BINARY FILE");
}

TEST(ClientSource, GivesTheClientNothingOfTheEnvironment) {
  ::setenv("SPOOR_SECRET", "x", 1);
  const Outcome run = RunClient({.name = "env", .arguments = {}, .package = "p"}, "BIN ");
  EXPECT_EQ(run.kept.find("SPOOR_SECRET"), std::string::npos) << run.kept;
  EXPECT_THAT(run.kept, HasSubstr("TZ=UTC"));
}

TEST(ClientSource, SaysThatTheClientFailedOrIsNotThere) {
  EXPECT_THAT(RunClient({.name = "false", .arguments = {}, .package = "p"}, "BIN ").error,
              HasSubstr("could not read the file (exit code 1)"));
  EXPECT_THAT(
      RunClient({.name = "spoor-no-such-client", .arguments = {}, .package = "p"}, "BIN ").error,
      HasSubstr("not installed (p)"));
}

TEST(ClientSource, KnowsBinaryFilesOfArgusAndNfdump) {
  EXPECT_TRUE(
      LooksLikeArgus(std::string_view("\x83\x10\x00\x20\x00\x00\x00\x00\xe5\x71\x2d\xcb", 12)));
  EXPECT_TRUE(LooksLikeNfdump(std::string_view("\x0c\xa5\x02\x00\x00\x01", 6)));
  EXPECT_FALSE(LooksLikeArgus("\x83"));
  EXPECT_FALSE(LooksLikeNfdump("\x0c\xa5"));
}

}  // namespace
}  // namespace spoor::importers
