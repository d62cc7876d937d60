// SPDX-License-Identifier: Apache-2.0
// DuckDB's own parser says as JSON what a query is made of (json_serialize_sql), and this walks
// through it. What the walk does not know by name is refused.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "base/visible_text.hpp"
#include "store/embedded_sql.hpp"
#include "store/sql_check.hpp"
#include "store/store.hpp"

namespace spoor::store {
namespace {

using Json = nlohmann::json;
using Names = std::set<std::string, std::less<>>;

constexpr std::size_t kShownCharactersMax = 100;
constexpr std::string_view kReadOnly =
    "the store is read only: only queries (SELECT, WITH, DESCRIBE, EXPLAIN) can be run";

Names NamesIn(const char* text) {
  std::istringstream words{text};
  Names names;
  for (std::string word; words >> word;) names.insert(word);
  return names;
}

const Names& Functions() {
  static const Names names = NamesIn(kSqlFunctions);
  return names;
}
const Names& TableFunctions() {
  static const Names names = NamesIn(kSqlTableFunctions);
  return names;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

std::string TextAt(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? Lower(found->get<std::string>()) : "";
}

[[nodiscard]] tl::unexpected<Error> NotAllowed(std::string_view what, std::string_view name) {
  return Fail(ErrorCode::kInvalidArgument, "{} {}: is not one that queries may use", what,
              VisibleText(name, kShownCharactersMax));
}

/// One statement, walked with a list of what is still to be looked at: nesting costs no stack.
class Walk {
 public:
  explicit Walk(const KnownNames& known) : known_(known) {}

  Result<> Run(const Json& statement) {
    RETURN_IF_ERROR(CollectCommonTables(statement));
    rest_ = {&statement};
    while (!rest_.empty()) {
      const Json& node = *rest_.back();
      rest_.pop_back();
      if (node.is_object()) RETURN_IF_ERROR(CheckNode(node));
      for (const Json& child : node) {
        const bool named_above = node.is_object() && IsFunctionOfTable(node, child);
        if (named_above) {
          Push(child.at("children"));
        } else {
          Push(child);
        }
      }
    }
    return {};
  }

 private:
  void Push(const Json& node) {
    if (node.is_structured()) rest_.push_back(&node);
  }

  /// The call inside of a table function is looked up among those, not among scalar functions.
  static bool IsFunctionOfTable(const Json& node, const Json& child) {
    if (TextAt(node, "type") != "table_function") return false;
    const auto function = node.find("function");
    return function != node.end() && &*function == &child && child.contains("children");
  }

  /// Names that WITH gives. A file can be named like a table, but never without one of these.
  Result<> CollectCommonTables(const Json& statement) {
    rest_ = {&statement};
    while (!rest_.empty()) {
      const Json& node = *rest_.back();
      rest_.pop_back();
      if (const auto map = node.is_object() ? node.find("cte_map") : node.end();
          node.is_object() && map != node.end() && map->is_object() && map->contains("map")) {
        for (const Json& item : map->at("map")) {
          const std::string name = TextAt(item, "key");
          if (name.find_first_of("./:*?[") != name.npos) return NotAllowed("table", name);
          common_tables_.insert(name);
        }
      }
      for (const Json& child : node) Push(child);
    }
    return {};
  }

  Result<> CheckNode(const Json& node) const {
    const std::string kind = TextAt(node, "class");
    if (kind == "function" || kind == "window") {
      const std::string name = TextAt(node, "function_name");
      const bool known = Functions().contains(name) || known_.macros.contains(name);
      return known ? Result<>() : NotAllowed("function", name);
    }
    // Only what a FROM names has both of these.
    if (!kind.empty() || !node.contains("sample") || !node.contains("alias")) return {};
    return CheckTable(node, TextAt(node, "type"));
  }

  Result<> CheckTable(const Json& node, const std::string& type) const {
    static const Names kHarmless{"empty", "join", "subquery", "expression_list", "pivot"};
    if (kHarmless.contains(type)) return {};
    if (type == "table_function") {
      const auto function = node.find("function");
      const std::string name =
          function == node.end() ? std::string() : TextAt(*function, "function_name");
      const bool known = TableFunctions().contains(name) || known_.macros.contains(name);
      return known ? Result<>() : NotAllowed("table function", name);
    }
    const std::string name = TextAt(node, "table_name");
    if (type == "base_table") return CheckBaseTable(TextAt(node, "schema_name"), name);
    if (type == "show_ref") {
      const auto query = node.find("query");
      const bool of_query = query != node.end() && query->is_object();
      if (of_query || name == "\"tables\"" || name == "__show_tables_expanded") return {};
      return NotAllowed("SHOW", name);
    }
    return NotAllowed("FROM", type);
  }

  Result<> CheckBaseTable(const std::string& schema, const std::string& name) const {
    static const Names kDescriptions{"tables", "columns", "schemata"};
    if (schema == "information_schema" && kDescriptions.contains(name)) return {};
    const bool ours = schema.empty() || schema == "main" || schema == "segment";
    if (ours && known_.tables.contains(name)) return {};
    if (schema.empty() && common_tables_.contains(name)) return {};
    return Fail(ErrorCode::kInvalidArgument,
                "table {}: there is none of that name (SHOW TABLES lists them)",
                VisibleText(name, kShownCharactersMax));
  }

  const KnownNames& known_;
  Names common_tables_;
  std::vector<const Json*> rest_;
};

/// The statements of `sql` as DuckDB's parser sees them.
Result<Json> Parse(Connection& connection, std::string_view sql) {
  ASSIGN_OR_RETURN(
      const std::optional<std::string> text,
      connection.RunForText(fmt::format("SELECT json_serialize_sql({})", Quoted(sql))));
  Json json = Json::parse(text.value_or(""), nullptr, false);
  if (json.is_discarded() || !json.is_object()) {
    return Fail(ErrorCode::kInvalidArgument, "the query cannot be parsed");
  }
  if (json.value("error", true)) {
    if (TextAt(json, "error_type") == "not implemented") {
      return Fail(ErrorCode::kInvalidArgument, "{}", kReadOnly);
    }
    const std::string message = json.value("error_message", "cannot be parsed");
    return Fail(ErrorCode::kInvalidArgument, "{}", message.substr(0, message.find("\n\n")));
  }
  return json.at("statements");
}

Result<> CheckOne(Connection& connection, std::string_view sql, const KnownNames& known) {
  ASSIGN_OR_RETURN(const Json statements, Parse(connection, sql));
  if (statements.size() != 1) {
    return Fail(ErrorCode::kInvalidArgument, "{} statements where one is expected",
                statements.size());
  }
  return Walk(known).Run(statements.at(0));
}

void SkipSpace(std::string_view& text) {
  for (;;) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text[0])) != 0) {
      text.remove_prefix(1);
    }
    if (!text.starts_with("--")) return;
    text.remove_prefix(std::min(text.find('\n'), text.size()));
  }
}

/// Takes `word` off `text`, in any case, if a name does not go on behind it.
bool TakeWord(std::string_view& text, std::string_view word) {
  SkipSpace(text);
  if (text.size() < word.size() || Lower(text.substr(0, word.size())) != word) return false;
  const bool ends = text.size() == word.size() ||
                    (std::isalnum(static_cast<unsigned char>(text[word.size()])) == 0 &&
                     text[word.size()] != '_');
  if (ends) text.remove_prefix(word.size());
  return ends;
}

std::string TakeName(std::string_view& text) {
  SkipSpace(text);
  std::size_t length = 0;
  while (length < text.size() &&
         (std::isalnum(static_cast<unsigned char>(text[length])) != 0 || text[length] == '_')) {
    ++length;
  }
  const std::string name = Lower(text.substr(0, length));
  text.remove_prefix(length);
  return name;
}

/// What stands between the parenthesis that `text` begins with and the one that seems to close it.
/// Whether it really does is found when what is inside is parsed alone.
std::optional<std::string_view> TakeParentheses(std::string_view& text) {
  char quote = 0;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '\'' || c == '"') {
      quote = c;
    } else if (c == '(') {
      ++depth;
    } else if (c == ')' && --depth == 0) {
      const std::string_view inside = text.substr(1, i - 1);
      text.remove_prefix(i + 1);
      return inside;
    }
  }
  return std::nullopt;
}

/// Behind a line end a comment that `sql` ends with does not reach.
std::string Enclosed(std::string_view before, std::string_view sql) {
  return fmt::format("{}{}\n)", before, sql);
}

constexpr std::string_view kParameters = "spoor_parameters";

}  // namespace

Result<> CheckQuery(Connection& connection, std::string_view query, const KnownNames& known) {
  if (TakeWord(query, "explain")) TakeWord(query, "analyze");
  return CheckOne(connection, query, known);
}

Result<> CheckDefinition(Connection& connection, std::string_view sql, KnownNames& known) {
  const auto bad = [] {
    return Fail(ErrorCode::kInvalidArgument,
                "not one statement CREATE [OR REPLACE] VIEW name AS … or MACRO name(…) AS …");
  };
  if (!TakeWord(sql, "create")) return bad();
  if (TakeWord(sql, "or") && !TakeWord(sql, "replace")) return bad();
  const bool is_view = TakeWord(sql, "view");
  if (!is_view && !TakeWord(sql, "macro")) return bad();
  const std::string name = TakeName(sql);
  if (name.empty()) return bad();
  KnownNames with_parameters = known;
  with_parameters.macros.emplace(kParameters);
  if (!is_view) {
    SkipSpace(sql);
    if (!sql.starts_with('(')) return bad();
    const std::optional<std::string_view> parameters = TakeParentheses(sql);
    if (!parameters) return bad();
    RETURN_IF_ERROR(CheckOne(connection,
                             Enclosed(fmt::format("SELECT {}(", kParameters), *parameters),
                             with_parameters));
  }
  if (!TakeWord(sql, "as")) return bad();
  const bool is_query = is_view || TakeWord(sql, "table");
  while (!sql.empty() &&
         (sql.back() == ';' || std::isspace(static_cast<unsigned char>(sql.back())) != 0)) {
    sql.remove_suffix(1);
  }
  (is_view ? known.tables : known.macros).insert(name);
  return CheckOne(connection, is_query ? std::string(sql) : fmt::format("SELECT {}", sql), known);
}

}  // namespace spoor::store
