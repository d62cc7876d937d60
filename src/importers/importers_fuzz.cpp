// SPDX-License-Identifier: Apache-2.0
// Whatever is fed to any reader, cut anywhere, it returns, and it finds the same however it is cut.
#include "base/check.hpp"
#include "base/file.hpp"
#include "importers/kinds.hpp"

namespace {

struct Sizes {
  std::size_t events = 0, flows = 0, alerts = 0, fingerprints = 0, log_lines = 0;
  std::uint64_t malformed = 0;
  bool good = false;
  bool operator==(const Sizes&) const = default;
};

Sizes SizesOf(const spoor::importers::ImporterKind& kind, std::string_view text, std::size_t cut) {
  spoor::event::Findings findings;
  const auto reader =
      MakeImporter(kind, {.host = "fuzz", .time = {.year = 2024, .utc_offset_ns = 0}});
  Sizes sizes;
  sizes.good = reader->Feed(spoor::AsBytes(text.substr(0, cut)), findings) &&
               reader->Feed(spoor::AsBytes(text.substr(cut)), findings) && reader->Finish(findings);
  sizes.events = findings.events.size();
  sizes.flows = findings.flows.size();
  sizes.alerts = findings.alerts.size();
  sizes.fingerprints = findings.fingerprints.size();
  sizes.log_lines = findings.log_lines.size();
  sizes.malformed = reader->counts().malformed_count;
  return sizes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // "KIND\n", where to cut, and the file; another first line stands for one of them.
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view name = input.substr(0, input.find('\n'));
  if (size < name.size() + 2) return 0;
  const auto kinds = spoor::importers::ImporterKinds();
  const spoor::importers::ImporterKind* kind = spoor::importers::FindImporterKind(name);
  if (kind == nullptr) kind = &kinds[data[0] % kinds.size()];
  const std::size_t where = data[name.size() + 1];
  const std::string_view text = input.substr(name.size() + 2);
  // Binary files of these go through a program, which is not what is fuzzed here.
  const bool for_client = kind->name == "argus" || kind->name == "nfdump";
  if (for_client && !text.empty() && (text[0] < ' ' || text[0] > '~')) return 0;
  const Sizes whole = SizesOf(*kind, text, 0);
  const Sizes cut = SizesOf(*kind, text, text.empty() ? 0 : where % text.size());
  SPOOR_CHECK(whole == cut) << kind->name;
  static_cast<void>(spoor::importers::DetectImporterKind(text));
  return 0;
}
