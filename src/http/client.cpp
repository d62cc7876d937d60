// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 as a client speaks it, over the same bounded connection as the server: cpp-httplib's
// client takes any number of header lines of any length from whom it asks.
#include "http/client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <optional>

#include "http/connection.hpp"
#include "http/dialling.hpp"
#include "http/request_head.hpp"

namespace spoor::http {
namespace {

// A multiple of what fits into a TLS record.
constexpr std::size_t kWriteBytes = 16 << 10;
// Before the answer itself.
constexpr int kInterimAnswersMax = 4;
constexpr std::size_t kChunkLineBytesMax = 64;

struct ReplyHead {
  int status = 0;
  bool keeps_connection = true;
  std::vector<Header> headers;

  std::string_view Find(std::string_view name) const {
    const auto found = std::ranges::find(headers, name, &Header::name);
    return found == headers.end() ? std::string_view() : found->value;
  }
};

template <typename Number>
bool ParseNumber(std::string_view text, Number& number, int base = 10) {
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return status == std::errc{} && end == text.data() + text.size();
}

std::optional<ReplyHead> ParseReplyHead(std::string_view text) {
  constexpr std::string_view kBegin = "HTTP/1.x 200";
  ReplyHead head;
  const std::size_t end = text.find('\n');
  if (!text.starts_with("HTTP/1.") || end < kBegin.size() ||
      !ParseNumber(text.substr(kBegin.size() - 3, 3), head.status)) {
    return std::nullopt;
  }
  head.keeps_connection = text[kBegin.find('x')] == '1';
  text.remove_prefix(end + 1);
  if (ParseHeaders(text, head.headers)) return std::nullopt;
  std::string wish(head.Find("connection"));
  std::ranges::transform(wish, wish.begin(), [](unsigned char c) { return std::tolower(c); });
  if (wish.find("close") != wish.npos) head.keeps_connection = false;
  return head;
}

class BoundedClient final : public Client {
 public:
  BoundedClient(const Options& options, ContextPointer context)
      : options_(options), origin_(options.url.Origin()), context_(std::move(context)) {}

  Result<Reply> Send(const Client::Request& request) override {
    Result<Reply> reply = TrySend(request);
    if (reply) return reply;
    connection_.reset();
    return Fail(reply.error().code, "{}: {}", origin_, reply.error().message);
  }
  void Cancel() override { cancelled_ = true; }

 private:
  Result<Reply> TrySend(const Client::Request& request) {
    if (connection_ != nullptr && connection_->IsStale()) connection_.reset();
    if (connection_ == nullptr) RETURN_IF_ERROR(Connect());
    RETURN_IF_ERROR(Write(HeadOf(request)));
    RETURN_IF_ERROR(Write(
        std::string_view(reinterpret_cast<const char*>(request.body.data()), request.body.size())));
    ASSIGN_OR_RETURN(const ReplyHead head, ReadHead());
    Reply reply{.status = head.status,
                .content_type = std::string(head.Find("content-type")),
                .retry_after_seconds = 0,
                .body = {}};
    if (!ParseNumber(head.Find("retry-after"), reply.retry_after_seconds)) {
      reply.retry_after_seconds = 0;
    }
    bool keep = head.keeps_connection;
    RETURN_IF_ERROR(ReadBody(head, reply.body, keep));
    if (!keep) connection_.reset();
    return reply;
  }

  Result<> Connect() {
    ASSIGN_OR_RETURN(Dialled dialled, Dial({.url = &options_.url,
                                            .context = context_.get(),
                                            .connect = options_.connect,
                                            .handshake = options_.transfer,
                                            .notices_dead_links = options_.notices_dead_links,
                                            .before_connect = &options_.before_connect},
                                           cancelled_));
    connection_ = std::make_unique<Connection>(std::move(dialled.socket), std::move(dialled.ssl),
                                               Connection::Limits{.idle = options_.transfer,
                                                                  .request = options_.transfer,
                                                                  .answer = options_.transfer,
                                                                  .bytes_per_second_min = 1 << 10},
                                               cancelled_);
    return {};
  }

  std::string HeadOf(const Client::Request& request) const {
    const bool brackets = options_.url.host.find(':') != std::string::npos;
    std::string head = fmt::format("{} {} HTTP/1.1\r\nHost: {}{}{}:{}\r\nUser-Agent: spoor\r\n",
                                   request.method, request.path, brackets ? "[" : "",
                                   options_.url.host, brackets ? "]" : "", options_.url.port);
    if (!request.content_type.empty()) {
      head += fmt::format("Content-Type: {}\r\n", request.content_type);
    }
    if (request.method != "GET") head += fmt::format("Content-Length: {}\r\n", request.body.size());
    return head + "\r\n";
  }

  Result<> Write(std::string_view bytes) {
    while (!bytes.empty()) {
      connection_->BeginAnswer();
      if (!connection_->Write(bytes.substr(0, kWriteBytes)))
        return Fail(ErrorCode::kUnavailable, "takes no more");
      bytes.remove_prefix(std::min(kWriteBytes, bytes.size()));
    }
    return {};
  }

  Result<ReplyHead> ReadHead() {
    for (int i = 0; i <= kInterimAnswersMax; ++i) {
      std::string text;
      if (!connection_->BeginRequest()) return Fail(ErrorCode::kUnavailable, "does not answer");
      switch (connection_->ReadHead(text, kHeadBytesMax)) {
        case Connection::Head::kGone:
          return Fail(ErrorCode::kUnavailable, "its answer was cut off");
        case Connection::Head::kTooLong:
          return Fail(ErrorCode::kUnavailable, "its answer has too long a head");
        case Connection::Head::kWhole:
          break;
      }
      std::optional<ReplyHead> head = ParseReplyHead(text);
      if (!head) return Fail(ErrorCode::kUnavailable, "its answer is not HTTP");
      if (head->status >= 200) return *std::move(head);
    }
    return Fail(ErrorCode::kUnavailable, "does not answer");
  }

  Result<> ReadBody(const ReplyHead& head, std::string& body, bool& keep) {
    constexpr std::string_view kCut = "its answer was cut off, or is too long";
    const std::size_t bytes_max = options_.answer_bytes_max;
    const std::string_view length = head.Find("content-length");
    if (head.status == 204 || head.status == 304) return {};
    if (!head.Find("transfer-encoding").empty()) {
      if (head.Find("transfer-encoding") != "chunked" || !length.empty()) {
        return Fail(ErrorCode::kUnavailable, "its answer has a length that is not understood");
      }
      return ReadChunks(body);
    }
    std::uint64_t size_bytes = 0;
    if (length.empty()) {
      keep = false;
      if (!connection_->ReadToEnd(body, bytes_max))
        return Fail(ErrorCode::kUnavailable, "{}", kCut);
      return {};
    }
    if (!ParseNumber(length, size_bytes) || size_bytes > bytes_max ||
        !connection_->ReadBody(body, size_bytes)) {
      return Fail(ErrorCode::kUnavailable, "{}", kCut);
    }
    return {};
  }

  Result<> ReadChunks(std::string& body) {
    const auto bad = [] {
      return Fail(ErrorCode::kUnavailable, "its answer was cut off, or is too long");
    };
    const auto read_line = [this](std::string& line) {
      if (connection_->ReadLine(line, kChunkLineBytesMax) != Connection::Head::kWhole) return false;
      while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
      return true;
    };
    for (;;) {
      std::string line;
      std::uint64_t size_bytes = 0;
      if (!read_line(line) ||
          !ParseNumber(std::string_view(line).substr(0, line.find(';')), size_bytes, 16)) {
        return bad();
      }
      if (size_bytes > options_.answer_bytes_max - body.size() ||
          !connection_->ReadBody(body, size_bytes)) {
        return bad();
      }
      std::string after;
      // No trailers are asked for.
      if (!read_line(after) || !after.empty()) return bad();
      if (size_bytes == 0) return {};
    }
  }

  const Options options_;
  const std::string origin_;
  const ContextPointer context_;  ///< null for plain HTTP
  std::atomic<bool> cancelled_ = false;
  std::unique_ptr<Connection> connection_;  ///< null: none is open
};

}  // namespace

Result<std::unique_ptr<Client>> Client::Open(const Options& options) {
  ContextPointer context;
  if (options.url.tls) {
    ASSIGN_OR_RETURN(context, OpenClientContext({.trust = options.trust,
                                                 .root = options.root,
                                                 .certificate = options.certificate,
                                                 .private_key = options.private_key,
                                                 .only_tls13 = options.only_tls13}));
  }
  return std::make_unique<BoundedClient>(options, std::move(context));
}

}  // namespace spoor::http
