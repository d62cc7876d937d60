// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "packets/frame.hpp"

namespace spoor::packets {

/// The application protocol that the payload `payload`, sent by the source of `ends` or by its
/// destination, is of; empty: not recognised. Goes by what is said; a port counts only together
/// with a payload of the right form. The set is small and fixed, so that the same packets give the
/// same rows wherever they are read: it is no replacement for a library of deep inspection.
std::string_view Recognise(const Ends& ends, bool from_source, Bytes payload);

}  // namespace spoor::packets
