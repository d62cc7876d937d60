// SPDX-License-Identifier: Apache-2.0
#include "api/page_files.hpp"

#include <array>
#include <optional>

#include "base/file.hpp"

namespace spoor::api {
namespace {

constexpr std::uint64_t kFileBytesMax = 32 << 20;

struct Kind {
  std::string_view ending, content_type;
};
constexpr std::array kKinds{Kind{".html", "text/html; charset=utf-8"},
                            Kind{".js", "text/javascript; charset=utf-8"},
                            Kind{".css", "text/css; charset=utf-8"},
                            Kind{".json", "application/json"},
                            Kind{".svg", "image/svg+xml"},
                            Kind{".png", "image/png"},
                            Kind{".ico", "image/x-icon"},
                            Kind{".woff2", "font/woff2"},
                            Kind{".wasm", "application/wasm"},
                            Kind{".txt", "text/plain; charset=utf-8"}};

std::string_view ContentTypeOf(std::string_view path) {
  for (const Kind& kind : kKinds) {
    if (path.ends_with(kind.ending)) return kind.content_type;
  }
  return "application/octet-stream";
}

/// Names below the folder: no part begins with a dot.
bool IsPlain(std::string_view path) {
  return !path.empty() && path.front() != '.' && path.find("/.") == path.npos &&
         path.find("//") == path.npos && path.find('\\') == path.npos && path.back() != '/';
}

std::optional<std::string> Read(const std::filesystem::path& folder, const std::string& name) {
  const std::filesystem::path path = folder / name;
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return std::nullopt;
  Result<std::string> text = ReadTextFile(path, kFileBytesMax);
  return text ? std::optional(*std::move(text)) : std::nullopt;
}

constexpr std::string_view kNotBuilt = R"(<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Spoor</title>
<body style="font-family: sans-serif; max-width: 44em; margin: 3em auto">
<h1>The pages of Spoor are not built</h1>
<p><code>make web</code> builds them (it needs npm); <code>spoor serve --ui DIR</code> serves them from a folder.</p>
<p>Everything that they show can be asked without them: <code>spoor query --list</code>, <code>spoor sql</code>,
<code>spoor track</code>, <code>spoor replay</code> and <code>spoor report</code> on the command line, and
<code>/api/v1</code> here (<code>src/api/openapi.yaml</code> describes it).</p>
)";

}  // namespace

http::Answer PageFiles::AnswerOf(const http::Request& request) const {
  std::string name = request.path.substr(1);
  const bool asset = name.starts_with("assets/");
  if (!IsPlain(name)) name = "index.html";
  const std::string_view accepted = request.FindHeader("accept-encoding").value_or("");
  const auto answer = [&](const std::string& file) -> std::optional<http::Answer> {
    http::Answer found{
        .content_type = std::string(ContentTypeOf(file)),
        .headers = {{"Cache-Control", asset ? "public, max-age=31536000, immutable" : "no-cache"},
                    {"Vary", "Accept-Encoding"}}};
    for (const auto& [coding, ending] : {std::pair{"br", ".br"}, std::pair{"gzip", ".gz"}}) {
      if (accepted.find(coding) == accepted.npos) continue;
      if (std::optional<std::string> packed = Read(folder_, file + ending)) {
        found.body = *std::move(packed);
        found.headers.push_back({"Content-Encoding", coding});
        return found;
      }
    }
    std::optional<std::string> plain = Read(folder_, file);
    if (!plain) return std::nullopt;
    found.body = *std::move(plain);
    return found;
  };
  if (std::optional<http::Answer> found = answer(name)) return *std::move(found);
  if (asset) return http::PlainRefusal(404, "no such file");
  if (std::optional<http::Answer> found = answer("index.html")) return *std::move(found);
  return {.status = 200,
          .content_type = "text/html; charset=utf-8",
          .body = std::string(kNotBuilt),
          .headers = {{"Cache-Control", "no-store"}}};
}

}  // namespace spoor::api
