#pragma once
/// From selections to links: which ordered pairs a fault verb means (design: "Who is meant"). Pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/model/selector.h"

namespace tinet {

enum class Direction { Both, In, Out };
/// @throws Error Usage
[[nodiscard]] Direction parse_direction(std::string_view text);

/// The words of a fault verb that say who is meant, as the user typed them.
struct LinkWords {
  std::string selector;                ///< "tikv-0", or groups "a,b / c,d"
  std::optional<std::string> peers;    ///< --from/--to; default: all instances not in the selector
  Direction direction = Direction::Both;
  bool each = false;                   ///< isolate every member of the selector
  bool between_zones = false;          ///< every ordered pair of different zones once
};

struct LinkChoice {
  std::vector<std::string> target;  ///< names
  std::vector<std::string> peers;   ///< names
  std::vector<Link> links;          ///< sorted, unique, never from == to
  std::vector<std::string> notes;
};

/// All role words in these words.
[[nodiscard]] std::vector<std::string> roles_in(const LinkWords& words);

/// @throws Error Usage when no link is left (e.g. one instance and nobody else, or peers equal to the
///         one target), naming why; whatever select() throws
[[nodiscard]] LinkChoice choose_links(const LinkWords& words, const SelectorScope& scope);

}  // namespace tinet
