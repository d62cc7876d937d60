// SPDX-License-Identifier: Apache-2.0
#include "http/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace spoor::http {
namespace {

constexpr int kHttpPort = 80;
constexpr int kHttpsPort = 443;

Result<int> ParsePort(std::string_view text) {
  int port = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (status != std::errc{} || end != text.data() + text.size() || port < 1 || port > 65535) {
    return Fail(ErrorCode::kInvalidArgument, "its port must be a number from 1 to 65535");
  }
  return port;
}

}  // namespace

std::string Url::Origin() const {
  const bool brackets = host.find(':') != host.npos;
  return fmt::format("{}://{}{}{}:{}", tls ? "https" : "http", brackets ? "[" : "", host,
                     brackets ? "]" : "", port);
}

Result<Url> ParseUrl(std::string_view text) {
  Url url;
  constexpr std::string_view kHttp = "http://";
  constexpr std::string_view kHttps = "https://";
  url.tls = text.starts_with(kHttps);
  if (!url.tls && !text.starts_with(kHttp)) {
    return Fail(ErrorCode::kInvalidArgument, "it must begin with http:// or https://");
  }
  const bool strange = std::ranges::any_of(text, [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '?' || c == '#' || c == '@' ||
           c == '\\';
  });
  if (strange) {
    return Fail(ErrorCode::kInvalidArgument, "it has a character that does not belong there");
  }
  std::string_view rest = text.substr(url.tls ? kHttps.size() : kHttp.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  url.path = rest.substr(slash);
  while (url.path.ends_with('/')) url.path.pop_back();
  std::string_view host = rest.substr(0, slash);
  url.port = url.tls ? kHttpsPort : kHttpPort;
  const std::size_t bracket = host.starts_with('[') ? host.find(']') : 0;
  const std::size_t colon = bracket == host.npos ? host.npos : host.find(':', bracket);
  if (colon != host.npos) {
    ASSIGN_OR_RETURN(url.port, ParsePort(host.substr(colon + 1)));
    url.port_said = true;
    host = host.substr(0, colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty() || host.starts_with('[')) {
    return Fail(ErrorCode::kInvalidArgument, "it names no host");
  }
  url.host = host;
  return url;
}

}  // namespace spoor::http
