// SPDX-License-Identifier: Apache-2.0
#include "http/exchange.hpp"

#include <fmt/format.h>

#include "http/request_head.hpp"

namespace spoor::http {
namespace {

// A head and a body of that size go out together.
constexpr std::size_t kTogetherBytesMax = 64 << 10;
constexpr std::string_view kRetryAfterSeconds = "1";

std::string_view ReasonOf(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 202:
      return "Accepted";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 416:
      return "Range Not Satisfiable";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return status < 400 ? "OK" : "Error";
  }
}

bool HasBody(const Request& request) {
  return request.method != "GET" && request.method != "HEAD";
}

}  // namespace

Answer PlainRefusal(int status, std::string_view why) {
  return {.status = status,
          .content_type = "text/plain; charset=utf-8",
          .body = fmt::format("{}\n", why),
          .headers = {{"Cache-Control", "no-store"}}};
}

bool Exchange::Run() {
  std::string head;
  switch (connection_.ReadHead(head, kHeadBytesMax)) {
    case Connection::Head::kGone:
      return false;
    case Connection::Head::kTooLong:
      return Refuse(431, "the head is too long");
    case Connection::Head::kWhole:
      break;
  }
  tl::expected<RequestHead, Refusal> parsed = ParseRequestHead(head);
  if (!parsed) return Refuse(parsed.error().status, parsed.error().why);
  head = {};
  Request& request = parsed->request;
  request.address = peer_.address;
  request.whose = peer_.whose;
  request.certificate = peer_.certificate.get();
  head_only_ = request.method == "HEAD";
  closes_ = closes_ || !parsed->keeps_connection;
  return AnswerRequest(request, parsed->has_length, parsed->expects_continue);
}

bool Exchange::AnswerRequest(Request& request, bool has_length, bool expects_continue) {
  if (options_.admit) {
    if (const std::optional<Answer> refusal = options_.admit(request)) return Refuse(*refusal);
  }
  const Routes::Found found = routes_.Find(request);
  if (found.route == nullptr) {
    const Answer answer = options_.refuse(
        found.status, found.status == 404 ? "no such thing here" : "not that method");
    return request.body_bytes == 0 ? Send(answer) : Refuse(answer);
  }
  if (!HasBody(request)) {
    if (request.body_bytes == 0) return SendAnswerOf(*found.route, request);
    closes_ = true;  // its body stays unread
    if (SendAnswerOf(*found.route, request); !connection_.stopping()) connection_.SayGoodbye();
    return false;
  }
  // Where none is said there is no body (RFC 9112); browsers say none for what is deleted.
  if (!has_length && request.method != "DELETE") {
    return Refuse(411, "the body's length must be said before");
  }
  if (request.body_bytes > found.route->body_bytes_max) return Refuse(413, "the body is too large");
  const RoomForBodies::Room room(rooms_, peer_.whose, request.body_bytes);
  if (!room.taken()) return RefuseForNow("too much is being received");
  if (expects_continue && request.body_bytes != 0) {
    connection_.BeginAnswer();
    if (!connection_.Write("HTTP/1.1 100 Continue\r\n\r\n")) return false;
  }
  if (!connection_.ReadBody(request.body, request.body_bytes)) return false;
  return SendAnswerOf(*found.route, request);
}

bool Exchange::SendAnswerOf(const Route& route, Request& request) {
  if (answers_ != nullptr) {
    answer_place_ = answers_->Take(peer_.whose, connection_.fd());
    if (answer_place_ == nullptr) return RefuseForNow("too many answers are being given");
  }
  return Send(route.answer(request));
}

bool Exchange::RefuseForNow(std::string_view why) {
  Answer answer = options_.refuse(503, why);
  answer.headers.push_back({"Retry-After", std::string(kRetryAfterSeconds)});
  return Refuse(answer);
}

bool Exchange::Refuse(const Answer& answer) {
  closes_ = true;
  if (Send(answer); !connection_.stopping()) connection_.SayGoodbye();
  return false;
}

bool Exchange::Send(const Answer& answer) {
  std::string head =
      fmt::format("HTTP/1.1 {} {}\r\nX-Content-Type-Options: nosniff\r\nAccept-Ranges: none\r\n",
                  answer.status, ReasonOf(answer.status));
  const auto add = [&head](std::string_view name, std::string_view value) {
    head.append(name).append(": ").append(value).append("\r\n");
  };
  if (!answer.content_type.empty()) add("Content-Type", answer.content_type);
  for (const Header& header : answer.headers) add(header.name, header.value);
  if (answer.stream) return SendStream(answer, std::move(head));
  add("Content-Length", std::to_string(answer.body.size()));
  if (closes_) add("Connection", "close");
  head += "\r\n";
  connection_.BeginAnswer();
  if (head_only_) return connection_.Write(head) && !closes_;
  if (answer.body.size() <= kTogetherBytesMax) {
    return connection_.Write(head + answer.body) && !closes_;
  }
  return connection_.Write(head) && connection_.Write(answer.body) && !closes_;
}

bool Exchange::SendStream(const Answer& answer, std::string head) {
  const bool chunked = !answer.stream_bytes;
  head += chunked ? "Transfer-Encoding: chunked\r\n"
                  : fmt::format("Content-Length: {}\r\n", *answer.stream_bytes);
  if (closes_) head += "Connection: close\r\n";
  connection_.BeginAnswer();
  if (!connection_.Write(head + "\r\n")) return false;
  if (head_only_) return !closes_;
  std::uint64_t left_bytes = answer.stream_bytes.value_or(0);
  const bool whole = answer.stream([&](std::string_view piece) {
    if (connection_.stopping()) return false;
    if (piece.empty()) return true;
    connection_.BeginAnswer();
    if (chunked) {
      return connection_.Write(fmt::format("{:x}\r\n", piece.size())) && connection_.Write(piece) &&
             connection_.Write("\r\n");
    }
    if (piece.size() > left_bytes) return false;
    left_bytes -= piece.size();
    return connection_.Write(piece);
  });
  if (!whole || left_bytes != 0) return false;
  return (!chunked || connection_.Write("0\r\n\r\n")) && !closes_;
}

}  // namespace spoor::http
