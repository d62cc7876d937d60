// SPDX-License-Identifier: Apache-2.0
// Whatever a stranger posts to a witness, as the request itself and as the proof and checkpoint of
// a request that is signed by a log the witness knows.
#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "base/check.hpp"
#include "evidence/fuzz_support.hpp"
#include "witness/request.hpp"
#include "witness/witness.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  using namespace spoor;  // NOLINT(google-build-using-namespace)
  static const evidence::FuzzLog log;
  // Each input meets a witness that has cosigned nothing, so that it means the same in every run.
  std::filesystem::remove_all(log.scratch.path() / "witness/logs");
  const std::unique_ptr<witness::Witness> witness =
      *witness::Witness::Open({.folder = log.scratch.path() / "witness",
                               .name = "witness.example/fuzz",
                               .logs = {log.verifier},
                               .narrate = {}});
  const std::string_view input(reinterpret_cast<const char*>(data), size_bytes);
  static_cast<void>(witness->AddCheckpoint(input));
  static_cast<void>(witness->Answer(input));
  if (const auto size = witness::ParseSizeLine(input)) {
    SPOOR_CHECK(input == fmt::format("{}\n", *size)) << "two spellings of one size";
  }
  auto request = witness::ParseAddCheckpoint(input);
  if (!request) return 0;
  SPOOR_CHECK(witness::FormatAddCheckpoint(*request) == input) << "two spellings of one request";
  // Reaches what lies behind the signature.
  if (!request->checkpoint.ends_with('\n')) request->checkpoint += '\n';
  const std::string text = request->checkpoint;
  request->checkpoint = evidence::SignNote(text, log.verifier, log.key);
  static_cast<void>(witness->AddCheckpoint(witness::FormatAddCheckpoint(*request)));
  return 0;
}
