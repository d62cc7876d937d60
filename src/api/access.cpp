// SPDX-License-Identifier: Apache-2.0
#include "api/access.hpp"

#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/exists.hpp"
#include "base/file.hpp"

namespace spoor::api {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kUsersBytesMax = 4 << 20;
constexpr std::size_t kUserCharactersMax = 64;
constexpr std::size_t kSessionsMax = 10'000;
constexpr std::size_t kTriesMax = 10'000;
constexpr std::uint64_t kFreeTries = 5;
constexpr std::chrono::seconds kWaitMax{900};

std::string RandomHex() {
  std::array<unsigned char, 32> bytes{};
  ::randombytes_buf(bytes.data(), bytes.size());
  std::array<char, 65> text{};
  ::sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  return text.data();
}

/// What is kept of a secret: who reads the folder or the memory has not got it.
std::string HashOf(std::string_view secret) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  ::crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(secret.data()),
                       secret.size());
  std::array<char, 2 * crypto_hash_sha256_BYTES + 1> text{};
  ::sodium_bin2hex(text.data(), text.size(), hash.data(), hash.size());
  return text.data();
}

bool Matches(const std::string& stored, const std::string& password) {
  return ::crypto_pwhash_str_verify(stored.c_str(), password.data(), password.size()) == 0;
}

Result<std::string> Argon2id(const std::string& password) {
  std::array<char, crypto_pwhash_STRBYTES> text{};
  if (::crypto_pwhash_str(text.data(), password.data(), password.size(),
                          crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0) {
    return Fail(ErrorCode::kUnavailable, "no memory to hash a password");
  }
  return std::string(text.data());
}

Result<> CheckName(const std::string& user) {
  const bool good =
      !user.empty() && user.size() <= kUserCharactersMax && std::ranges::all_of(user, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("._-@").find(c) != std::string_view::npos;
      });
  if (good) return {};
  return Fail(ErrorCode::kInvalidArgument,
              "a name is 1 to {} of the characters a-z A-Z 0-9 . _ - @", kUserCharactersMax);
}

Result<> CheckPassword(const std::string& password) {
  if (password.size() >= Access::kPasswordCharactersMin &&
      password.size() <= Access::kPasswordBytesMax) {
    return {};
  }
  return Fail(ErrorCode::kInvalidArgument, "a password has {} to {} bytes",
              Access::kPasswordCharactersMin, Access::kPasswordBytesMax);
}

/// Changes whenever the file is replaced.
std::string StampOf(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return fmt::format("{}.{}.{}.{}", status.st_ino, status.st_size, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec);
}

}  // namespace

std::string_view RoleName(Role role) {
  switch (role) {
    case Role::kNobody:
      return "nobody";
    case Role::kViewer:
      return "viewer";
    case Role::kAnalyst:
      return "analyst";
    case Role::kAdmin:
      break;
  }
  return "admin";
}

std::optional<Role> ParseRole(std::string_view name) {
  for (const Role role : {Role::kViewer, Role::kAnalyst, Role::kAdmin}) {
    if (name == RoleName(role)) return role;
  }
  return std::nullopt;
}

Result<std::unique_ptr<Access>> Access::Open(Options options) {
  if (::sodium_init() < 0) return Fail(ErrorCode::kUnavailable, "no random numbers");
  std::unique_ptr<Access> access(new Access(std::move(options)));
  if (access->options_.everybody) return access;
  RETURN_IF_ERROR(CreateFolders(access->options_.folder));
  RETURN_IF_ERROR(access->Load());
  if (access->users_.empty()) access->set_up_token_ = RandomHex();
  return access;
}

Result<> Access::Load() {
  const std::filesystem::path path = options_.folder / "users.json";
  stamp_ = StampOf(path);
  ASSIGN_OR_RETURN(const bool there, Exists(path));
  if (!there) return {};
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path, kUsersBytesMax));
  const auto bad = [&path] {
    return Fail(ErrorCode::kCorrupt, "{}: not a list of analysts", path.string());
  };
  const nlohmann::json list = nlohmann::json::parse(text, nullptr, false);
  if (!list.is_object() || !list.contains("users") || !list["users"].is_object() ||
      !list.contains("tokens") || !list["tokens"].is_object()) {
    return bad();
  }
  std::map<std::string, User> users;
  std::map<std::string, std::string> tokens;
  for (const auto& [name, user] : list["users"].items()) {
    if (!user.is_object() || !user.contains("role") || !user["role"].is_string() ||
        !user.contains("password") || !user["password"].is_string()) {
      return bad();
    }
    const std::optional<Role> role = ParseRole(user["role"].get<std::string>());
    if (!role) return bad();
    users[name] = {*role, user["password"].get<std::string>()};
  }
  for (const auto& [hash, user] : list["tokens"].items()) {
    if (!user.is_string()) return bad();
    tokens[hash] = user.get<std::string>();
  }
  users_ = std::move(users);
  tokens_ = std::move(tokens);
  return {};
}

// A list that cannot be read lets nobody in anew; sessions go on, for those that are no longer
// analysts have none.
void Access::LoadIfChanged() {
  if (options_.everybody || StampOf(options_.folder / "users.json") == stamp_) return;
  if (!Load()) {
    users_.clear();
    tokens_.clear();
    stamp_.clear();
  }
  std::erase_if(sessions_,
                [this](const auto& one) { return !users_.contains(one.second.identity.user); });
  for (auto& [hash, session] : sessions_) {
    session.identity.role = users_.at(session.identity.user).role;
  }
}

Result<> Access::Save() {
  nlohmann::json list{{"users", nlohmann::json::object()}, {"tokens", tokens_}};
  for (const auto& [name, user] : users_) {
    list["users"][name] = {{"role", RoleName(user.role)}, {"password", user.password}};
  }
  RETURN_IF_ERROR(
      WriteFileAtomically(options_.folder / "users.json", AsBytes(list.dump(1) + "\n"), 0600));
  stamp_ = StampOf(options_.folder / "users.json");
  return {};
}

bool Access::needs_set_up() {
  const std::scoped_lock lock(mutex_);
  LoadIfChanged();
  return !options_.everybody && users_.empty();
}

// After some tries each further one must come twice as late as the one before.
bool Access::MayTry(const std::string& who) {
  const std::scoped_lock lock(mutex_);
  const auto now = Clock::now();
  if (tries_.size() >= kTriesMax) {
    std::erase_if(tries_, [now](const auto& one) { return one.second.next <= now; });
    if (tries_.size() >= kTriesMax) return false;
  }
  Tries& tries = tries_[who];
  if (now < tries.next) return false;
  if (now - tries.next > kWaitMax) tries.count = 0;
  ++tries.count;
  const std::uint64_t doublings = tries.count < kFreeTries ? 0 : tries.count - kFreeTries + 1;
  tries.next =
      now +
      (doublings == 0
           ? std::chrono::seconds(0)
           : std::min(kWaitMax, std::chrono::seconds(std::int64_t{1}
                                                     << std::min<std::uint64_t>(doublings, 10))));
  return true;
}

Access::SignedIn Access::Begin(const std::string& user, Role role) {
  SignedIn signed_in{.identity = {.user = user, .role = role, .csrf_token = RandomHex()},
                     .session = RandomHex()};
  const std::scoped_lock lock(mutex_);
  const auto now = Clock::now();
  std::erase_if(sessions_, [now](const auto& one) { return one.second.until <= now; });
  if (sessions_.size() >= kSessionsMax) sessions_.erase(sessions_.begin());
  sessions_[HashOf(signed_in.session)] = {signed_in.identity, now + kSessionMax};
  return signed_in;
}

Result<Access::SignedIn> Access::SignIn(const std::string& user, const std::string& password,
                                        const std::string& address) {
  if (!MayTry("name " + user) || !MayTry("address " + address)) {
    return Fail(ErrorCode::kUnavailable, "too many tries: wait before the next");
  }
  User known;
  {
    const std::scoped_lock lock(mutex_);
    LoadIfChanged();
    const auto found = users_.find(user);
    if (found != users_.end()) known = found->second;
  }
  // Also for a name that is not there, so that the time does not tell which there are.
  static const std::string nobody = Argon2id("nobody has this password").value_or("");
  bool good = false;
  if (password.size() <= kPasswordBytesMax) {
    const std::scoped_lock lock(hashing_);
    good = Matches(known.password.empty() ? nobody : known.password, password) &&
           !known.password.empty();
  }
  if (!good) return Fail(ErrorCode::kInvalidArgument, "the name or the password is wrong");
  {
    const std::scoped_lock lock(mutex_);
    tries_.erase("name " + user);
    tries_.erase("address " + address);
  }
  return Begin(user, known.role);
}

Result<Access::SignedIn> Access::SetUp(const std::string& token, const std::string& user,
                                       const std::string& password, const std::string& address) {
  if (!MayTry("address " + address)) {
    return Fail(ErrorCode::kUnavailable, "too many tries: wait before the next");
  }
  if (!needs_set_up() || HashOf(token) != HashOf(set_up_token_)) {
    return Fail(ErrorCode::kInvalidArgument, "this set-up link is not, or no longer, good");
  }
  RETURN_IF_ERROR(AddUser(user, Role::kAdmin, password));
  return Begin(user, Role::kAdmin);
}

Result<> Access::AddUser(const std::string& user, Role role, const std::string& password) {
  RETURN_IF_ERROR(CheckName(user));
  RETURN_IF_ERROR(CheckPassword(password));
  std::string hash;
  {
    const std::scoped_lock lock(hashing_);
    ASSIGN_OR_RETURN(hash, Argon2id(password));
  }
  const std::scoped_lock lock(mutex_);
  LoadIfChanged();
  users_[user] = {role, std::move(hash)};
  return Save();
}

std::vector<std::pair<std::string, Role>> Access::Users() {
  const std::scoped_lock lock(mutex_);
  LoadIfChanged();
  std::vector<std::pair<std::string, Role>> users;
  for (const auto& [name, user] : users_) users.emplace_back(name, user.role);
  return users;
}

Result<> Access::RemoveUser(const std::string& user) {
  const std::scoped_lock lock(mutex_);
  LoadIfChanged();
  if (users_.erase(user) == 0) return Fail(ErrorCode::kNotFound, "there is no analyst {}", user);
  std::erase_if(tokens_, [&user](const auto& one) { return one.second == user; });
  std::erase_if(sessions_, [&user](const auto& one) { return one.second.identity.user == user; });
  return Save();
}

Result<std::string> Access::AddToken(const std::string& user) {
  const std::scoped_lock lock(mutex_);
  LoadIfChanged();
  if (!users_.contains(user)) return Fail(ErrorCode::kNotFound, "there is no analyst {}", user);
  std::string token = "spoor_" + RandomHex();
  tokens_[HashOf(token)] = user;
  RETURN_IF_ERROR(Save());
  return token;
}

void Access::SignOut(const std::string& session) {
  const std::scoped_lock lock(mutex_);
  sessions_.erase(HashOf(session));
}

Identity Access::OfSession(const std::string& session) {
  if (options_.everybody) return {.user = "local", .role = Role::kAdmin, .csrf_token = "local"};
  const std::scoped_lock lock(mutex_);
  LoadIfChanged();
  const auto found = sessions_.find(HashOf(session));
  if (found == sessions_.end() || found->second.until <= Clock::now()) return {};
  return found->second.identity;
}

Identity Access::OfToken(const std::string& token) {
  const std::scoped_lock lock(mutex_);
  LoadIfChanged();
  const auto found = tokens_.find(HashOf(token));
  if (found == tokens_.end()) return {};
  const auto user = users_.find(found->second);
  if (user == users_.end()) return {};
  return {.user = user->first, .role = user->second.role, .csrf_token = {}};
}

}  // namespace spoor::api
