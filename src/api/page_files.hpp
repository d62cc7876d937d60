// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "http/message.hpp"

namespace spoor::api {

/// The built UI as files of one folder (web/dist, or installed with the program): under assets/
/// they have names that tell their content and never change; beside X there may be X.br and X.gz.
/// Whatever else is asked for gives index.html, which finds its page itself.
class PageFiles {
 public:
  explicit PageFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}
  http::Answer AnswerOf(const http::Request& request) const;

 private:
  const std::filesystem::path folder_;
};

}  // namespace spoor::api
