#include "src/model/scope.h"

#include <algorithm>
#include <iterator>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/model/chance.h"
#include "src/model/shape.h"

namespace tinet {

namespace {

using Endpoints = std::vector<Endpoint>;

/// Draws of a shape differ from those of its selector.
constexpr std::uint64_t kShapeStream = 2;

bool has_groups(const LinkWords& words) {
  return words.selector.find('/') != std::string::npos;
}

std::string name_of(Endpoint endpoint, const SelectorScope& scope) {
  if (endpoint < scope.members.size()) {
    return scope.members[endpoint].name;
  }
  return scope.host == endpoint ? "host" : "client";
}

std::string zone_of(Endpoint endpoint, const SelectorScope& scope) {
  return endpoint < scope.members.size() ? scope.members[endpoint].zone : "";
}

/// All instances, never the client, that are not in `sorted`.
Endpoints others(const Endpoints& sorted, const SelectorScope& scope) {
  Endpoints rest;
  for (std::size_t i = 0; i < scope.members.size(); ++i) {
    const auto endpoint = static_cast<Endpoint>(i);
    if (!std::binary_search(sorted.begin(), sorted.end(), endpoint)) {
      rest.push_back(endpoint);
    }
  }
  return rest;
}

Endpoints merged(const Endpoints& a, const Endpoints& b) {
  Endpoints both;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}

void append(std::vector<std::string>& to, const std::vector<std::string>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

/// Adds without regard to order or repetition; pairs of one endpoint with itself are no links.
void add_links(std::vector<Link>& links, const Endpoints& target, const Endpoints& peers,
               Direction direction) {
  for (const auto a : target) {
    for (const auto b : peers) {
      if (a == b) {
        continue;
      }
      if (direction != Direction::In) {
        links.push_back({a, b});
      }
      if (direction != Direction::Out) {
        links.push_back({b, a});
      }
    }
  }
}

void sort_unique(std::vector<Link>& links) {
  std::sort(links.begin(), links.end());
  links.erase(std::unique(links.begin(), links.end()), links.end());
}

LinkChoice between_groups(const LinkWords& words, const SelectorScope& scope) {
  if (words.peers || words.each || words.between_zones) {
    throw_usage("groups '" + words.selector + "' already say who is cut from whom",
                "leave out --from, --to, --each and --between, or the '/'");
  }
  LinkChoice choice;
  std::vector<Endpoints> groups;
  Endpoints listed;
  for (const auto& text : split(words.selector, '/')) {
    auto group = select(text, scope, "group " + std::to_string(groups.size() + 1), groups.size());
    append(choice.notes, group.notes);
    Endpoints twice;
    std::set_intersection(listed.begin(), listed.end(), group.endpoints.begin(),
                          group.endpoints.end(), std::back_inserter(twice));
    if (!twice.empty()) {
      throw_usage(
          "'" + name_of(twice.front(), scope) + "' is in two groups of '" + words.selector + "'",
          "name every instance in one group only");
    }
    listed = merged(listed, group.endpoints);
    groups.push_back(std::move(group.endpoints));
  }
  if (auto rest = others(listed, scope); !rest.empty()) {
    choice.notes.push_back("one more group: " + join(names_of(rest, scope), ", "));
    groups.push_back(std::move(rest));
  }

  Endpoints peers;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    for (std::size_t j = i + 1; j < groups.size(); ++j) {
      add_links(choice.links, groups[i], groups[j], words.direction);
    }
    if (i > 0) {
      peers = merged(peers, groups[i]);
    }
  }
  choice.target = names_of(groups.front(), scope);
  choice.peers = names_of(peers, scope);
  sort_unique(choice.links);
  return choice;
}

/// P for a selection S, when there is one selector.
Endpoints peers_of(const LinkWords& words, const SelectorScope& scope, const Endpoints& target,
                   LinkChoice& choice) {
  Endpoints peers;
  if (words.peers) {
    auto selection = select(*words.peers, scope, "peers", 1);
    append(choice.notes, selection.notes);
    peers = std::move(selection.endpoints);
  } else if (words.between_zones) {
    peers = target;
  } else {
    peers = others(target, scope);
    if (peers.empty() && target.size() > 1) {
      peers = target;
      choice.notes.push_back("'" + words.selector +
                             "' is every instance, so every member is a peer of the others");
    }
  }
  return words.each ? merged(peers, target) : peers;
}

[[noreturn]] void refuse_no_links(const LinkWords& words, const LinkChoice& choice) {
  if (words.between_zones) {
    throw_usage("no two of '" + words.selector + "' are in different zones",
                "give instances zones at start, e.g. --tikv.zone a,b,c");
  }
  if (choice.peers.empty()) {
    throw_usage("'" + words.selector + "' has no peers: there is no other instance",
                "name the client with --to client, or start more instances");
  }
  throw_usage("'" + words.selector + "' and its peers are the same instance, '" +
                  choice.target.front() + "'",
              "name other peers with --from or --to");
}

void check_shape_words(const LinkWords& words, Shape shape) {
  if (has_groups(words) || words.peers || words.each || words.between_zones) {
    throw_usage("--shape " + words.shape + " already says who is cut from whom",
                "leave out groups, --from, --to, --each and --between; the selector says who takes "
                "part");
  }
  if (words.direction != Direction::Both && (shape == Shape::Ring || shape == Shape::Zones)) {
    throw_usage("--shape " + words.shape + " has no two sides for --direction to choose from",
                "leave out --direction");
  }
}

/// The links of a shape that chance has a part in.
LinkChoice by_shape(const LinkWords& words, Shape shape, Selection members,
                    const SelectorScope& scope) {
  LinkChoice choice;
  choice.notes = std::move(members.notes);
  Endpoints order = members.endpoints;
  if (order.size() < members_min(shape)) {
    throw_usage("--shape " + words.shape + " needs " + std::to_string(members_min(shape)) +
                    " instances, but '" + words.selector + "' has " + std::to_string(order.size()),
                "select more, or leave out SELECTOR: then it is the shape of all");
  }
  Chance chance(scope.seed, kShapeStream);
  chance.draw(order, order.size());
  std::string note = words.shape + " (seed " + std::to_string(scope.seed) + "): ";
  if (shape == Shape::Ring) {
    choice.target = names_of(members.endpoints, scope);
    choice.peers = choice.target;
    choice.links = ring_cuts(order);
    choice.notes.push_back(note + join(names_of(order, scope), ", ") + " in a circle");
    return choice;
  }
  const std::size_t first_count =
      shape == Shape::Random ? 1 + static_cast<std::size_t>(chance.below(order.size() - 1)) : 0;
  const Split split = split_members(shape, order, first_count);
  choice.target = names_of(split.first, scope);
  choice.peers = names_of(split.second, scope);
  add_links(choice.links, split.first, split.second, words.direction);
  sort_unique(choice.links);
  note += join(choice.target, ", ") + " / " + join(choice.peers, ", ");
  if (split.joint) {
    note += ", joined by " + name_of(*split.joint, scope);
  }
  choice.notes.push_back(std::move(note));
  return choice;
}

}  // namespace

std::vector<std::string> names_of(const std::vector<Endpoint>& endpoints,
                                  const SelectorScope& scope) {
  std::vector<std::string> names;
  names.reserve(endpoints.size());
  for (const auto endpoint : endpoints) {
    names.push_back(name_of(endpoint, scope));
  }
  return names;
}

Direction parse_direction(std::string_view text) {
  if (text == "both") {
    return Direction::Both;
  }
  if (text == "in") {
    return Direction::In;
  }
  if (text == "out") {
    return Direction::Out;
  }
  throw_usage("--direction: '" + std::string(text) + "' is not a direction",
              "write both, in or out");
}

std::vector<std::string> roles_in(const LinkWords& words) {
  std::vector<std::string> texts = split(words.selector, '/');
  if (words.peers) {
    texts.push_back(*words.peers);
  }
  std::vector<std::string> roles;
  for (const auto& text : texts) {
    for (auto& role : roles_in(std::string_view(text))) {
      if (std::find(roles.begin(), roles.end(), role) == roles.end()) {
        roles.push_back(std::move(role));
      }
    }
  }
  return roles;
}

LinkChoice choose_links(const LinkWords& words, const SelectorScope& scope) {
  LinkWords meant = words;
  if ((meant.between_zones || !meant.shape.empty()) && trim(meant.selector).empty()) {
    meant.selector = "all";
  }
  if (!meant.shape.empty()) {
    const Shape shape = parse_shape(meant.shape);
    check_shape_words(meant, shape);
    if (shape != Shape::Zones) {
      return by_shape(meant, shape, select(meant.selector, scope, {}), scope);
    }
    meant.between_zones = true;
  }
  if (has_groups(meant)) {
    return between_groups(meant, scope);
  }
  LinkChoice choice;
  auto target = select(meant.selector, scope, {});
  append(choice.notes, target.notes);
  const Endpoints peers = peers_of(meant, scope, target.endpoints, choice);
  choice.target = names_of(target.endpoints, scope);
  choice.peers = names_of(peers, scope);

  add_links(choice.links, target.endpoints, peers, meant.direction);
  if (meant.between_zones) {
    std::erase_if(choice.links, [&](const Link& link) {
      const auto from = zone_of(link.from, scope);
      const auto to = zone_of(link.to, scope);
      return from.empty() || to.empty() || from == to;
    });
  }
  if (choice.links.empty()) {
    refuse_no_links(meant, choice);
  }
  sort_unique(choice.links);
  return choice;
}

}  // namespace tinet
