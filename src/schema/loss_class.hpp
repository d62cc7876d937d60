// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// What can be missing: the values of gap.loss_class, each with its sentence, declared once.
namespace spoor::schema {

enum class LossClass : std::uint8_t {
  // In the order of LOSS_… in wire/kernel_event.h: counted where they were dropped.
  kProcess,
  kNamespace,
  kDescriptor,
  kNetwork,
  kIo,
  kPayload,
  kMissedHook,
  // Found out later.
  kSequence,
  kMalformed,
  kOrder,
  kBatch,
  kRetention,
  kEnd,
  kName,
  kPacket,
};
inline constexpr std::size_t kLossClassCount = static_cast<std::size_t>(LossClass::kPacket) + 1;

struct LossClassTraits {
  LossClass loss_class{};
  std::string_view name{};     ///< in JSON, SQL and the event text
  std::string_view meaning{};  ///< one sentence
  bool events = true;          ///< events are missing; false: only what they moved
  bool terminal = false;       ///< what a terminal showed may be missing
};

/// In the order of LossClass.
inline constexpr std::array<LossClassTraits, kLossClassCount> kLossClasses{{
    {.loss_class = LossClass::kProcess,
     .name = "process",
     .meaning = "The sensor dropped forks, execs, ends, credentials, signals or the baseline"},
    {.loss_class = LossClass::kNamespace,
     .name = "namespace",
     .meaning = "The sensor dropped changes of names, owners or modes of files"},
    {.loss_class = LossClass::kDescriptor,
     .name = "descriptor",
     .meaning = "The sensor dropped events that open, close or copy descriptors"},
    {.loss_class = LossClass::kNetwork,
     .name = "network",
     .meaning = "The sensor dropped calls on sockets"},
    {.loss_class = LossClass::kIo,
     .name = "io",
     .meaning = "The sensor dropped reads, writes, sends, receives or changes of terminals",
     .terminal = true},
    {.loss_class = LossClass::kPayload,
     .name = "payload",
     .meaning = "The budget left out what calls moved; the calls themselves are there",
     .events = false,
     .terminal = true},
    {.loss_class = LossClass::kMissedHook,
     .name = "missed_hook",
     .meaning = "The kernel did not run a program of the sensor",
     .terminal = true},
    {.loss_class = LossClass::kSequence,
     .name = "sequence",
     .meaning = "Records are missing that sequence numbers count and no counter does"},
    {.loss_class = LossClass::kMalformed,
     .name = "malformed",
     .meaning = "Records of a batch could not be understood, or events had numbers that cannot be"},
    {.loss_class = LossClass::kOrder,
     .name = "order",
     .meaning = "Records are there, but not in the order of time: too many waited for their turn"},
    {.loss_class = LossClass::kBatch,
     .name = "batch",
     .meaning = "A batch is missing, does not follow the one before it, or could not be understood",
     .terminal = true},
    {.loss_class = LossClass::kRetention,
     .name = "retention",
     .meaning = "A policy removed the beginning of the recording, or of all evidence"},
    {.loss_class = LossClass::kEnd,
     .name = "end",
     .meaning = "The recording was cut off: it has no closing batch"},
    {.loss_class = LossClass::kName,
     .name = "name",
     .meaning = "Names below renamed folders were not followed"},
    {.loss_class = LossClass::kPacket,
     .name = "packet",
     .meaning = "Packets passed that a capture could not keep"},
}};

constexpr std::string_view LossClassName(LossClass loss_class) {
  return kLossClasses[static_cast<std::size_t>(loss_class)].name;
}

/// Whether a gap of this class lacks events. An unknown name counts as such.
bool SaysThatEventsAreMissing(std::string_view loss_class);
/// SQL, true when `loss_class` says that events are missing. An unknown name counts as such.
std::string EventsAreMissingSql();
/// SQL, true when `loss_class` says that what a terminal showed may be missing.
std::string TerminalIsMissingSql();

}  // namespace spoor::schema
