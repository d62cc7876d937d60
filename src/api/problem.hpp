// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "http/message.hpp"

namespace spoor::api {

/// A refusal or a failure (RFC 9457). Each gets a request id of its own.
http::Answer ProblemAnswer(int status, std::string_view detail);
/// The status that an error of a question has.
int StatusOf(const Error& error);
http::Answer ProblemAnswer(const Error& error);

}  // namespace spoor::api
