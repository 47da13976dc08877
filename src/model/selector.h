#pragma once
/// Who is meant: SELECTOR words ("tikv-0", "tikv", "tikv-*", "a,b", "!x", "all", "client", "zone:a",
/// "role:pd-leader", "random:2:tikv", "minority:tikv") evaluated against a cluster. Pure: roles are
/// looked up live by the caller before.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "src/model/fault.h"

namespace tinet {

/// An instance as selectors see it; position in SelectorScope::members = Endpoint number.
struct SelectorMember {
  std::string name;
  std::string component;
  std::string zone;
};

/// Answer of the live role look-up for one role word ("pd-leader", "tikv-region-leader:7").
struct RoleHolders {
  std::vector<std::string> instances;  ///< empty: vacant
  std::vector<std::string> answers;    ///< what each member said, for the error of a vacant role
};

struct SelectorScope {
  std::vector<SelectorMember> members;          ///< without the client
  Endpoint client = 0;                          ///< number of the client
  std::map<std::string, RoleHolders> roles;     ///< for every word of roles_in(text)
  std::uint64_t seed = 0;                       ///< for random, minority, majority
};

struct Selection {
  std::vector<Endpoint> endpoints;  ///< sorted, unique
  /// Set when chance or a role decided ("random:1:tikv chose tikv-2 (seed 7)"), to be shown.
  std::vector<std::string> notes;
};

/// The role words in a selector, e.g. {"pd-leader"}; to be looked up before select().
[[nodiscard]] std::vector<std::string> roles_in(std::string_view text);

/// @param what names the word in errors, e.g. "--from"
/// @throws Error Usage for an unknown name (nearest match as hint) or a malformed word, Conflict for a
///         vacant role (shows each member's answer) or a selection that chance cannot fill
[[nodiscard]] Selection select(std::string_view text, const SelectorScope& scope,
                               std::string_view what);

}  // namespace tinet
