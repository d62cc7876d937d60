// SPDX-License-Identifier: Apache-2.0
// Whatever is fed, cut anywhere, the reader returns; and what it accepts survives being written and
// read again.
#include "base/check.hpp"
#include "base/file.hpp"
#include "event/event_text.hpp"
#include "importers/events_reader.hpp"

namespace {

std::vector<spoor::event::Event> ReadAll(std::string_view text, std::size_t cut, bool& good) {
  spoor::event::Findings findings;
  const auto reader = spoor::importers::MakeEventsReader("fuzz");
  good = reader->Feed(spoor::AsBytes(text.substr(0, cut)), findings) &&
         reader->Feed(spoor::AsBytes(text.substr(cut)), findings) && reader->Finish(findings);
  return std::move(findings.events);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  bool good = false;
  std::string written;
  for (const spoor::event::Event& event : ReadAll(text, data[0] % size, good)) {
    written += spoor::event::EventText(event) + "\n";
  }
  if (!good) return 0;
  std::string again;
  for (const spoor::event::Event& event : ReadAll(written, written.size() / 2, good)) {
    again += spoor::event::EventText(event) + "\n";
  }
  SPOOR_CHECK(good) << "does not read its own text: " << written;
  SPOOR_CHECK(again == written) << again << " instead of " << written;
  return 0;
}
