#include "src/model/matrix.h"

#include <algorithm>
#include <map>
#include <set>

#include "src/base/error.h"
#include "src/model/scope.h"

namespace tinet {

namespace {

/// Cells number their draws beyond those of other words.
constexpr std::uint64_t kCellStream = 1'000;

}  // namespace

std::vector<std::string> roles_in(const std::vector<MatrixWords>& cells) {
  std::set<std::string> roles;
  for (const auto& cell : cells) {
    for (const auto& text : {cell.from, cell.to}) {
      for (auto& role : roles_in(std::string_view(text))) {
        roles.insert(std::move(role));
      }
    }
  }
  return {roles.begin(), roles.end()};
}

LinkActions resolve_matrix(const std::vector<MatrixWords>& cells, const SelectorScope& scope) {
  LinkActions result;
  std::map<Link, std::size_t> cell_of;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string name = "matrix[" + std::to_string(i) + "]";
    const std::uint64_t stream = kCellStream + 2 * i;
    const auto from = select(cells[i].from, scope, name + ".from", stream);
    const auto to = select(cells[i].to, scope, name + ".to", stream + 1);
    for (const auto* notes : {&from.notes, &to.notes}) {
      result.notes.insert(result.notes.end(), notes->begin(), notes->end());
    }
    for (const auto sender : from.endpoints) {
      for (const auto receiver : to.endpoints) {
        if (sender != receiver) {
          cell_of[{sender, receiver}] = i;
        }
      }
    }
  }

  std::map<LinkAction, std::uint32_t> known;
  std::set<Endpoint> senders;
  std::set<Endpoint> receivers;
  for (const auto& [link, cell] : cell_of) {
    const LinkAction& action = cells[cell].action;
    if (action == LinkAction{}) {
      continue;
    }
    const auto [at, added] =
        known.try_emplace(action, static_cast<std::uint32_t>(result.actions.size()));
    if (added) {
      result.actions.push_back(action);
    }
    result.links.push_back(link);
    result.action_of.push_back(at->second);
    senders.insert(link.from);
    receivers.insert(link.to);
  }
  if (result.links.empty()) {
    throw_usage(
        cells.empty() ? "the matrix has no cells" : "no cell of the matrix does anything to a link",
        "a cell is one direction between two different instances or groups of them");
  }
  result.target = names_of({senders.begin(), senders.end()}, scope);
  result.peers = names_of({receivers.begin(), receivers.end()}, scope);
  return result;
}

}  // namespace tinet
