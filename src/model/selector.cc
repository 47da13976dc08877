#include "src/model/selector.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/model/chance.h"
#include "src/model/scope.h"

namespace tinet {

namespace {

/// One word of a selector, without its `!`, taken apart.
struct Word {
  enum class Kind { Plain, Zone, Role, Random, Minority, Majority };
  Kind kind = Kind::Plain;
  std::string_view text;         ///< as typed
  std::string_view argument;     ///< what follows the kind: a name, a zone, a role or the pool
  std::size_t random_count = 1;  ///< of Random
};

bool is_chance(Word::Kind kind) {
  return kind == Word::Kind::Random || kind == Word::Kind::Minority || kind == Word::Kind::Majority;
}

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

[[noreturn]] void refuse(std::string_view what, const std::string& message,
                         const std::string& hint = {}) {
  throw_usage((what.empty() ? "" : std::string(what) + ": ") + message, hint);
}

/// Moves a leading "N:" out of the argument of a random word.
void take_random_count(Word& word, std::string_view what) {
  const auto colon = word.argument.find(':');
  const auto digits = word.argument.substr(0, colon);
  if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) {
    return;
  }
  const char* const hint = "write random:2:tikv or random:tikv";
  if (colon == std::string_view::npos) {
    refuse(what, quoted(word.text) + " does not say whom to choose from", hint);
  }
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), word.random_count);
  if (error != std::errc{}) {
    refuse(what, quoted(word.text) + " asks for more instances than there can be", hint);
  }
  if (word.random_count == 0) {
    refuse(what, quoted(word.text) + " chooses nobody", hint);
  }
  word.argument = word.argument.substr(colon + 1);
}

Word parse_word(std::string_view text, std::string_view what) {
  Word word;
  word.text = text;
  word.argument = text;
  const auto colon = text.find(':');
  const auto head = text.substr(0, colon);
  if (head == "zone") {
    word.kind = Word::Kind::Zone;
  } else if (head == "role") {
    word.kind = Word::Kind::Role;
  } else if (head == "random") {
    word.kind = Word::Kind::Random;
  } else if (head == "minority") {
    word.kind = Word::Kind::Minority;
  } else if (head == "majority") {
    word.kind = Word::Kind::Majority;
  } else if (colon != std::string_view::npos) {
    const auto meant = nearest(head, {"zone", "role", "random", "minority", "majority"});
    refuse(what, "unknown selector " + quoted(text),
           meant.empty() ? "known forms: zone:a, role:pd-leader, random:tikv, minority:tikv"
                         : "did you mean '" + meant + std::string(text.substr(colon)) + "'?");
  } else {
    return word;
  }

  const bool share = word.kind == Word::Kind::Minority || word.kind == Word::Kind::Majority;
  word.argument = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  if (share && colon == std::string_view::npos) {
    word.argument = "all";
  }
  if (word.kind == Word::Kind::Random) {
    take_random_count(word, what);
  }
  if (word.argument.empty()) {
    refuse(what, quoted(text) + " names nothing after " + quoted(head),
           "write it like zone:a, role:pd-leader, random:2:tikv or minority:tikv");
  }
  return word;
}

struct SignedWord {
  bool removes = false;
  std::string_view text;
};

std::vector<SignedWord> split_words(std::string_view text, std::string_view what) {
  std::vector<SignedWord> words;
  std::size_t begin = 0;
  for (;;) {
    const auto comma = text.find(',', begin);
    SignedWord word;
    word.text = trim(text.substr(begin, comma - begin));
    word.removes = !word.text.empty() && word.text.front() == '!';
    if (word.removes) {
      word.text = trim(word.text.substr(1));
    }
    if (word.text.empty()) {
      refuse(what, "empty word in selector " + quoted(text),
             "name instances or components, e.g. tikv-0,pd");
    }
    words.push_back(word);
    if (comma == std::string_view::npos) {
      return words;
    }
    begin = comma + 1;
  }
}

class Selector {
 public:
  Selector(const SelectorScope& scope, std::string_view what, std::uint64_t stream)
      : scope_(scope), what_(what), chance_(scope.seed, stream) {}

  /// Members of a word, sorted.
  std::set<Endpoint> members_of(const Word& word) {
    return is_chance(word.kind) ? chosen(word) : settled(word);
  }

  [[nodiscard]] std::set<Endpoint> all() const {
    return matching([](const SelectorMember& /*member*/) { return true; });
  }

  std::vector<std::string> take_notes() { return std::move(notes_); }

 private:
  template <typename Predicate>
  [[nodiscard]] std::set<Endpoint> matching(Predicate predicate) const {
    std::set<Endpoint> found;
    for (std::size_t i = 0; i < scope_.members.size(); ++i) {
      if (predicate(scope_.members[i])) {
        found.insert(static_cast<Endpoint>(i));
      }
    }
    return found;
  }

  /// Members of a word in which no chance is.
  std::set<Endpoint> settled(const Word& word) {
    switch (word.kind) {
      case Word::Kind::Zone:
        return in_zone(word);
      case Word::Kind::Role:
        return in_role(word);
      default:
        return named(word);
    }
  }

  [[nodiscard]] std::set<Endpoint> named(const Word& word) const {
    const auto name = word.text;
    if (name == "all") {
      return all();
    }
    if (name == "client") {
      return {scope_.client};
    }
    if (name == "host" && scope_.host) {
      return {*scope_.host};
    }
    if (name.find_first_of("*?") != std::string_view::npos) {
      auto found = matching([&](const auto& member) { return glob_match(name, member.name); });
      if (found.empty()) {
        refuse(what_, "no instance matches " + quoted(name) + " (has: " + known_names() + ")");
      }
      return found;
    }
    auto found = matching([&](const auto& member) { return member.name == name; });
    if (found.empty()) {
      found = matching([&](const auto& member) { return member.component == name; });
    }
    if (found.empty()) {
      refuse_unknown(name);
    }
    return found;
  }

  [[nodiscard]] std::set<Endpoint> in_zone(const Word& word) const {
    auto found = matching([&](const auto& member) { return member.zone == word.argument; });
    if (!found.empty()) {
      return found;
    }
    std::vector<std::string> zones;
    for (const auto& member : scope_.members) {
      if (!member.zone.empty() &&
          std::find(zones.begin(), zones.end(), member.zone) == zones.end()) {
        zones.push_back(member.zone);
      }
    }
    if (zones.empty()) {
      refuse(what_, "no zone " + quoted(word.argument) + ": the cluster has no zones",
             "give instances zones at start, e.g. --tikv.zone a,b,c");
    }
    const auto meant = nearest(word.argument, zones);
    refuse(what_, "no zone " + quoted(word.argument) + " (has: " + join(zones, ", ") + ")",
           meant.empty() ? "" : "did you mean 'zone:" + meant + "'?");
  }

  std::set<Endpoint> in_role(const Word& word) {
    const std::string role(word.argument);
    const auto looked_up = scope_.roles.find(role);
    if (looked_up == scope_.roles.end()) {
      refuse(what_, "no role " + quoted(role) + " in this cluster");
    }
    const auto& holders = looked_up->second;
    if (holders.instances.empty()) {
      throw_conflict("nobody holds role " + quoted(role) +
                         (holders.answers.empty() ? "" : ": " + join(holders.answers, "; ")),
                     "wait for it with 'tinet wait --role " + role + "'");
    }
    auto found = matching([&](const auto& member) {
      return std::find(holders.instances.begin(), holders.instances.end(), member.name) !=
             holders.instances.end();
    });
    if (found.empty()) {
      throw_conflict("role " + quoted(role) + " is held by " + join(holders.instances, ", ") +
                     ", which is no instance of this cluster");
    }
    notes_.push_back(std::string(word.text) + " is " + names_of(found));
    return found;
  }

  std::set<Endpoint> chosen(const Word& word) {
    const Word pool = parse_word(word.argument, what_);
    if (is_chance(pool.kind)) {
      refuse(what_, quoted(word.text) + " asks chance twice",
             "choose from a name, a glob, a zone or a role, e.g. random:2:tikv");
    }
    const auto members = settled(pool);
    std::vector<Endpoint> order(members.begin(), members.end());
    const std::size_t count = count_of(word, order.size());
    if (count == 0 || count > order.size()) {
      throw_conflict(quoted(word.text) + " cannot be filled: " + quoted(pool.text) + " has " +
                         std::to_string(order.size()) +
                         (order.size() == 1 ? " member" : " members"),
                     count == 0 ? "choose from more instances"
                                : "ask for at most " + std::to_string(order.size()));
    }
    chance_.draw(order, count);
    std::set<Endpoint> found(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count));
    notes_.push_back(std::string(word.text) + " chose " + names_of(found) + " (seed " +
                     std::to_string(scope_.seed) + ")");
    return found;
  }

  static std::size_t count_of(const Word& word, std::size_t pool) {
    switch (word.kind) {
      case Word::Kind::Minority:
        return pool == 0 ? 0 : (pool - 1) / 2;
      case Word::Kind::Majority:
        return pool / 2 + 1;
      default:
        return word.random_count;
    }
  }

  [[nodiscard]] std::string names_of(const std::set<Endpoint>& endpoints) const {
    return join(tinet::names_of({endpoints.begin(), endpoints.end()}, scope_), ", ");
  }

  [[nodiscard]] std::string known_names() const {
    constexpr std::size_t kShown = 10;
    std::vector<std::string> names;
    for (const auto& member : scope_.members) {
      if (names.size() == kShown) {
        names.emplace_back("...");
        break;
      }
      names.push_back(member.name);
    }
    return names.empty() ? "no instances" : join(names, ", ");
  }

  [[noreturn]] void refuse_unknown(std::string_view name) const {
    std::vector<std::string> candidates;
    for (const auto& member : scope_.members) {
      candidates.push_back(member.name);
    }
    for (const auto& member : scope_.members) {
      candidates.push_back(member.component);
    }
    candidates.insert(candidates.end(), {"all", "client", "minority", "majority"});
    if (scope_.host) {
      candidates.emplace_back("host");
    }
    const auto meant = nearest(name, candidates);
    refuse(what_, "no instance or component " + quoted(name) + " (has: " + known_names() + ")",
           meant.empty() ? "" : "did you mean '" + meant + "'?");
  }

  const SelectorScope& scope_;
  std::string_view what_;
  Chance chance_;
  std::vector<std::string> notes_;
};

}  // namespace

std::vector<std::string> roles_in(std::string_view text) {
  std::vector<std::string> roles;
  for (const auto& [removes, typed] : split_words(text, {})) {
    Word word = parse_word(typed, {});
    if (is_chance(word.kind)) {
      word = parse_word(word.argument, {});
    }
    std::string role(word.argument);
    if (word.kind == Word::Kind::Role &&
        std::find(roles.begin(), roles.end(), role) == roles.end()) {
      roles.push_back(std::move(role));
    }
  }
  return roles;
}

Selection select(std::string_view text, const SelectorScope& scope, std::string_view what,
                 std::uint64_t stream) {
  Selector selector(scope, what, stream);
  const auto words = split_words(text, what);
  std::set<Endpoint> selected;
  if (words.front().removes) {
    selected = selector.all();
  }
  for (const auto& [removes, typed] : words) {
    const auto members = selector.members_of(parse_word(typed, what));
    if (!removes) {
      selected.insert(members.begin(), members.end());
      continue;
    }
    for (const auto endpoint : members) {
      selected.erase(endpoint);
    }
  }
  if (selected.empty()) {
    refuse(what, "selector " + quoted(text) + " leaves no instance");
  }
  return {{selected.begin(), selected.end()}, selector.take_notes()};
}

}  // namespace tinet
