// SPDX-License-Identifier: Apache-2.0
// What a sensor with a good certificate may send, and what a damaged log may hold.
#include <cstddef>
#include <cstdint>

#include "collector/ledger.hpp"
#include "keys/certificate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const spoor::keys::KeyPointer kEscrow = *spoor::keys::MakeEscrowKey();
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  spoor::collector::Ledger ledger(kEscrow.get());
  const auto decision = ledger.Receive("web-1", bytes, true, 0);
  if (decision.outcome == spoor::collector::Ledger::Outcome::kTaken) __builtin_trap();
  const auto records = spoor::collector::ParseRecords(bytes);
  if (!records) return 0;
  for (const auto& record : *records) static_cast<void>(ledger.Replay(record));
  return 0;
}
