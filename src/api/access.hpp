// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

/// Who may come in: analysts with passwords and roles, the sessions of their browsers, and tokens
/// for programs.
namespace spoor::api {

/// Each may do what those before it may.
enum class Role : std::uint8_t {
  kNobody,   ///< who is not signed in
  kViewer,   ///< reads
  kAnalyst,  ///< asks SQL, takes captured bytes out, pins and notes
  kAdmin,    ///< makes analysts
};
std::string_view RoleName(Role role);
std::optional<Role> ParseRole(std::string_view name);

/// Who asks.
struct Identity {
  std::string user;  ///< empty: nobody
  Role role = Role::kNobody;
  std::string csrf_token;  ///< that a change must show; empty: none is needed (an API token)
};

/// Analysts and tokens in a folder, sessions in memory. Passwords are kept as Argon2id, tokens as
/// SHA-256. What another process changes in the folder counts from the next request on. Safe from
/// any thread.
class Access {
 public:
  static constexpr std::chrono::hours kSessionMax{12};
  static constexpr std::size_t kPasswordCharactersMin = 10;
  static constexpr std::size_t kPasswordBytesMax = 1024;

  struct Options {
    std::filesystem::path folder;  ///< made where there is none
    /// No passwords: whoever comes is an admin called "local". For loopback addresses only.
    bool everybody = false;
  };
  /// Fails: kIo, kCorrupt (the list of analysts), kUnavailable.
  static Result<std::unique_ptr<Access>> Open(Options options);

  /// Whether there is no analyst yet, so that the set-up token is good.
  bool needs_set_up();
  /// For the link that is printed at the first start; empty where there were analysts then.
  const std::string& set_up_token() const { return set_up_token_; }
  bool everybody() const { return options_.everybody; }

  struct SignedIn {
    Identity identity;
    std::string session;  ///< the secret of its cookie
  };
  /// Who tries often waits longer and longer, by name and by address: kUnavailable. Fails besides:
  /// kInvalidArgument (wrong name or password, which is not told).
  Result<SignedIn> SignIn(const std::string& user, const std::string& password,
                          const std::string& address);
  /// Makes the first analyst, an admin. Fails: kInvalidArgument (token, name or password), kIo,
  /// kUnavailable (tried too often).
  Result<SignedIn> SetUp(const std::string& token, const std::string& user,
                         const std::string& password, const std::string& address);
  void SignOut(const std::string& session);
  /// Nobody where the session is over or never was.
  Identity OfSession(const std::string& session);
  Identity OfToken(const std::string& token);

  /// Makes an analyst or changes role and password. Fails: kInvalidArgument, kIo.
  Result<> AddUser(const std::string& user, Role role, const std::string& password);
  /// Their names and roles, by name.
  std::vector<std::pair<std::string, Role>> Users();
  /// Takes their tokens and sessions, too. Fails: kNotFound, kIo.
  Result<> RemoveUser(const std::string& user);
  /// Makes a token that acts as `user` until it is removed: shown once. Fails: kNotFound, kIo.
  Result<std::string> AddToken(const std::string& user);

 private:
  struct User {
    Role role = Role::kViewer;
    std::string password;  ///< as crypto_pwhash_str gives it
  };
  struct Session {
    Identity identity;
    std::chrono::steady_clock::time_point until;
  };
  struct Tries {
    std::uint64_t count = 0;
    std::chrono::steady_clock::time_point next;
  };
  explicit Access(Options options) : options_(std::move(options)) {}
  Result<> Load();
  Result<> Save();
  void LoadIfChanged();
  bool MayTry(const std::string& who);
  SignedIn Begin(const std::string& user, Role role);

  const Options options_;
  std::string set_up_token_;
  std::string stamp_;  ///< of the file, as it was read or written
  mutable std::mutex mutex_;
  std::mutex hashing_;  ///< one at a time: each takes 64 MiB
  std::map<std::string, User> users_;
  std::map<std::string, std::string> tokens_;  ///< hash: user
  std::map<std::string, Session> sessions_;    ///< by hash
  std::map<std::string, Tries> tries_;
};

}  // namespace spoor::api
