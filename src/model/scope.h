#pragma once
/// From selections to links: which ordered pairs a fault verb means (design: "Who is meant"). Pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/model/selector.h"

namespace tinet {

/// Seen from the target S: Out keeps what S sends to its peers, In what they send to S.
enum class Direction { Both, In, Out };
/// "both", "in" or "out".
/// @throws Error Usage
[[nodiscard]] Direction parse_direction(std::string_view text);

/// The words of a fault verb that say who is meant, as the user typed them.
struct LinkWords {
  std::string selector;                             ///< "tikv-0", or groups "a,b / c,d"
  std::optional<std::string> peers = std::nullopt;  ///< --from/--to; default: all not in selector
  Direction direction = Direction::Both;
  bool each = false;           ///< isolate every member of the selector
  bool between_zones = false;  ///< every ordered pair of different zones once
  std::string shape{};         ///< name of a Shape; the selector then says who takes part
};

struct LinkChoice {
  std::vector<std::string> target;  ///< names, in topology order
  std::vector<std::string> peers;   ///< names, in topology order
  std::vector<Link> links;          ///< sorted, unique, never from == to
  std::vector<std::string> notes;   ///< of select(), and what a default came to mean
};

/// Names of instances, "client" and "host".
[[nodiscard]] std::vector<std::string> names_of(const std::vector<Endpoint>& endpoints,
                                                const SelectorScope& scope);

/// All role words in these words, each once.
[[nodiscard]] std::vector<std::string> roles_in(const LinkWords& words);

/// One selector S: the links (a,b) and (b,a) of a in S and b in P, a != b. P is `peers`, else all
/// instances outside S, else (S is everybody) S itself. `each` adds the links inside S.
///
/// Groups "A / B / ...": the links between members of different groups. Unlisted instances form one
/// more, last group; in two groups is Usage. A direction applies to each pair of groups with the
/// earlier one as S, so "A / B --direction out" keeps A>B. `peers` and `each` are Usage with
/// groups.
///
/// `between_zones`: of the links of one selector (empty: all), with P = S by default, those whose
/// ends are in different zones; instances without a zone are left alone. With groups it is Usage.
///
/// `shape`: the links that the shape cuts among the members of one selector (empty: all), see
/// src/model/shape.h; what chance decided is a note. A direction applies to the two groups of a
/// shape as to written ones; with ring and zones, which have none, it is Usage, and so are groups,
/// `peers`, `each` and `between_zones` with a shape.
///
/// @throws Error Usage when no link is left (e.g. one instance and nobody else, or peers equal to
/// the
///         one target), naming why; whatever select() throws
[[nodiscard]] LinkChoice choose_links(const LinkWords& words, const SelectorScope& scope);

}  // namespace tinet
