#pragma once
/// A matrix of what happens between selections, e.g. latencies between zones. Pure.

#include <cstdint>
#include <string>
#include <vector>

#include "src/model/action.h"
#include "src/model/selector.h"

namespace tinet {

/// What every link from a member of `from` to a member of `to` suffers. An action that does nothing
/// frees links that earlier cells named.
struct MatrixWords {
  std::string from;
  std::string to;
  LinkAction action;
};

/// Links and what each of them suffers.
struct LinkActions {
  std::vector<std::string> target;       ///< names of all senders, in topology order
  std::vector<std::string> peers;        ///< names of all receivers
  std::vector<Link> links;               ///< sorted, unique
  std::vector<LinkAction> actions;       ///< distinct, each does something
  std::vector<std::uint32_t> action_of;  ///< for each link, position in `actions`
  std::vector<std::string> notes;        ///< of select()
};

/// All role words in the cells, each once.
[[nodiscard]] std::vector<std::string> roles_in(const std::vector<MatrixWords>& cells);

/// The last cell that names a link decides about it, so that a general cell can be followed by
/// exceptions.
/// @throws Error Usage when no link is left; whatever select() throws, naming the cell
[[nodiscard]] LinkActions resolve_matrix(const std::vector<MatrixWords>& cells,
                                         const SelectorScope& scope);

}  // namespace tinet
