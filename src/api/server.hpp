// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

#include "api/endpoint.hpp"
#include "http/route.hpp"
#include "http/server.hpp"

/// The API and the pages as routes of an http::Server.
namespace spoor::api {

struct RoutesOptions {
  std::filesystem::path pages;  ///< the built UI; where it is not there, a page says so
};

/// Every route has a decision on who may ask it (Endpoint::needs), is held against it before
/// anything is looked up, and gives its answers under one set of headers. `context` outlives them.
/// Works out, and keeps, what every page asks for first.
void KeepFirstAnswers(const Context& context);

std::vector<http::Route> RoutesOf(const Context& context, const RoutesOptions& options);

/// How an http::Server that serves these routes spells its own refusals.
http::Answer RefusalOf(int status, std::string_view why);

/// The value of a cookie of the request; empty where there is none.
std::string CookieOf(const http::Request& request, std::string_view name);

inline constexpr std::string_view kSessionCookie = "spoor_session";

}  // namespace spoor::api
