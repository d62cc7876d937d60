// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

struct evp_md_ctx_st;

namespace spoor::store {

/// SHA-256 of bytes that come part by part.
class Sha256Stream {
 public:
  Sha256Stream();
  void Add(std::span<const std::byte> bytes);
  /// 64 hex digits of all that was added. Call once.
  std::string Finish();

 private:
  struct FreeContext {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, FreeContext> context_;
};

}  // namespace spoor::store
