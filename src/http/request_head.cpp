// SPDX-License-Identifier: Apache-2.0
#include "http/request_head.hpp"

#include <algorithm>
#include <charconv>

namespace spoor::http {
namespace {

using Refused = tl::unexpected<Refusal>;

constexpr std::size_t kMethodBytesMax = 16;
constexpr std::size_t kLengthDigitsMax = 18;

Refused Refuse(int status, std::string why) {
  return Refused(Refusal{status, std::move(why)});
}

// RFC 9110 §5.6.2.
bool IsToken(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kOthers.find(c) != kOthers.npos;
  });
}

bool IsControl(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

bool HasControl(std::string_view text) {
  return std::ranges::any_of(text, IsControl);
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The next line without its end; nothing when it has none, or another than CR LF.
std::optional<std::string_view> TakeLine(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  if (end == rest.npos || end == 0 || rest[end - 1] != '\r') return std::nullopt;
  const std::string_view line = rest.substr(0, end - 1);
  rest.remove_prefix(end + 1);
  return line;
}

std::optional<Refusal> ParseTarget(std::string_view target, Request& request) {
  if (target.size() > kTargetBytesMax) return Refusal{414, "the address is too long"};
  if (!target.starts_with('/') || HasControl(target)) {
    return Refusal{400,
                   "the address does not begin with /, or has a character that may not be there"};
  }
  const std::size_t question = target.find('?');
  std::optional<std::string> path = DecodePercent(target.substr(0, question));
  if (!path) return Refusal{400, "the address is malformed"};
  if (HasControl(*path)) return Refusal{404, "no such thing here"};
  request.path = *std::move(path);
  if (question == target.npos) return std::nullopt;
  for (std::string_view rest = target.substr(question + 1); !rest.empty();) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    std::optional<std::string> name = DecodePercent(pair.substr(0, equals), true);
    std::optional<std::string> value =
        DecodePercent(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value || HasControl(*name) || HasControl(*value))
      return Refusal{400, "the query is malformed"};
    request.query.emplace_back(*std::move(name), *std::move(value));
  }
  return std::nullopt;
}

std::optional<Refusal> ParseRequestLine(std::string_view line, RequestHead& head) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == line.npos || first == last) return Refusal{400, "no request line"};
  const std::string_view method = line.substr(0, first);
  const std::string_view version = line.substr(last + 1);
  if (!IsToken(method) || method.size() > kMethodBytesMax) return Refusal{400, "no method"};
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return Refusal{version.starts_with("HTTP/") ? 505 : 400, "not HTTP/1.1"};
  }
  head.request.method = method;
  head.keeps_connection = version == "HTTP/1.1";
  return ParseTarget(line.substr(first + 1, last - first - 1), head.request);
}

std::optional<Refusal> ParseHeader(std::string_view line, std::vector<Header>& headers) {
  const std::size_t colon = line.find(':');
  if (colon == line.npos || !IsToken(line.substr(0, colon))) {
    return Refusal{400, "a header is malformed"};
  }
  const std::string_view value = Trim(line.substr(colon + 1));
  if (std::ranges::any_of(value, [](char c) { return IsControl(c) && c != '\t'; })) {
    return Refusal{400, "a header is malformed"};
  }
  if (headers.size() == kHeadersMax) return Refusal{431, "too many headers"};
  headers.push_back({Lower(line.substr(0, colon)), std::string(value)});
  return std::nullopt;
}

std::optional<Refusal> ParseLength(std::string_view text, RequestHead& head) {
  const auto [end, status] =
      std::from_chars(text.data(), text.data() + text.size(), head.request.body_bytes);
  if (text.empty() || status != std::errc{} || end != text.data() + text.size()) {
    return Refusal{text.size() > kLengthDigitsMax ? 413 : 400, "the body's length is malformed"};
  }
  head.has_length = true;
  return std::nullopt;
}

std::optional<Refusal> UseHeaders(RequestHead& head) {
  const auto count = [&head](std::string_view name) {
    return std::ranges::count(head.request.headers, name, &Header::name);
  };
  for (const std::string_view once : {"content-length", "transfer-encoding", "host", "range"}) {
    if (count(once) > 1) return Refusal{400, std::string(once) + " is said more than once"};
  }
  if (count("transfer-encoding") != 0) {
    if (count("content-length") != 0) return Refusal{400, "the body has two lengths"};
    return Refusal{411, "the body's length must be said before"};
  }
  if (const auto length = head.request.FindHeader("content-length")) {
    if (std::optional<Refusal> refusal = ParseLength(*length, head)) return refusal;
  }
  if (const auto connection = head.request.FindHeader("connection")) {
    const std::string wish = Lower(*connection);
    if (wish.find("close") != wish.npos) head.keeps_connection = false;
  }
  if (const auto expected = head.request.FindHeader("expect")) {
    if (Lower(*expected) != "100-continue") return Refusal{417, "nothing of that is expected here"};
    head.expects_continue = true;
  }
  if (count("range") != 0) return Refusal{416, "ranges are not served"};
  if (head.request.body_bytes != 0 && count("content-encoding") != 0) {
    return Refusal{415, "the body must be plain"};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> ParseHeaders(std::string_view& rest, std::vector<Header>& headers) {
  for (;;) {
    const std::optional<std::string_view> line = TakeLine(rest);
    if (!line) return Refusal{400, "a header is malformed"};
    if (line->empty()) return std::nullopt;
    if (std::optional<Refusal> refusal = ParseHeader(*line, headers)) return refusal;
  }
}

std::optional<std::string> DecodePercent(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
      const int low = high < 0 ? -1 : HexDigit(text[i + 2]);
      if (low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    decoded.push_back(c);
  }
  return decoded;
}

tl::expected<RequestHead, Refusal> ParseRequestHead(std::string_view head) {
  if (head.size() > kHeadBytesMax) return Refuse(431, "the head is too long");
  RequestHead parsed;
  std::optional<std::string_view> line = TakeLine(head);
  if (!line) return Refuse(400, "no request line");
  if (std::optional<Refusal> refusal = ParseRequestLine(*line, parsed)) return Refused(*refusal);
  if (std::optional<Refusal> refusal = ParseHeaders(head, parsed.request.headers)) {
    return Refused(*refusal);
  }
  if (!head.empty()) return Refuse(400, "more than a head");
  if (std::optional<Refusal> refusal = UseHeaders(parsed)) return Refused(*refusal);
  return parsed;
}

std::optional<std::string_view> Request::FindHeader(std::string_view name) const {
  const auto found = std::ranges::find(headers, name, &Header::name);
  return found == headers.end() ? std::nullopt : std::optional<std::string_view>(found->value);
}

std::string_view Request::Parameter(std::string_view name) const {
  const auto found = parameters.find(name);
  return found == parameters.end() ? std::string_view() : found->second;
}

std::string_view Request::QueryValue(std::string_view name) const {
  const auto found = std::ranges::find(query, name, &std::pair<std::string, std::string>::first);
  return found == query.end() ? std::string_view() : found->second;
}

}  // namespace spoor::http
