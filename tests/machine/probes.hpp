// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

/// What tests ask of the machine before they run. Each function tries the thing itself, without
/// Spoor's code, and returns why it does not work here, in words to skip with; empty when it works.
/// machine.py asks the same for tests in Python.
namespace spoor::machine {

/// Root, kernel BTF, and a kernel that takes a ring buffer and a tracing program from us.
std::string WhyItCannotRecord();

/// A system call by `int 0x80`, made in a child process, which may die of it.
std::string WhyItRefuses32BitCalls();

/// strace at work on a command.
std::string WhyItHasNoStrace();

/// `dot` of graphviz.
std::string WhyItHasNoGraphviz();

}  // namespace spoor::machine
