#pragma once
/// Who is meant: SELECTOR words evaluated against a cluster. Pure: roles are looked up live by the
/// caller before.
///
/// A selector is a comma list of words, applied from left to right; a word adds, `!word` removes,
/// and a leading `!` starts from all. A word is one of
///
///     tikv-0  tikv  tikv-*  tikv-?     an instance, a component, a glob over instance names
///     all                              every instance; never the client
///     client                           the client; no other word means it
///     zone:a                           every instance of a zone
///     role:NAME[:ARG]                  whoever holds a role now
///     random[:N]:WORD                  N (default 1) members of WORD, by chance
///     minority[:WORD] majority[:WORD]  (n-1)/2 or n/2+1 of the n members of WORD (default all)
///
/// where WORD is any of the first five kinds.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/model/fault.h"

namespace tinet {

/// An instance as selectors see it; position in SelectorScope::members = Endpoint number.
struct SelectorMember {
  std::string name;
  std::string component;
  std::string zone;  ///< empty: in no zone
};

/// Answer of the live role look-up for one role word ("pd-leader", "tikv-region-leader:7").
struct RoleHolders {
  std::vector<std::string> instances;  ///< empty: vacant
  std::vector<std::string> answers;    ///< what each member said, for the error of a vacant role
};

struct SelectorScope {
  std::vector<SelectorMember> members;       ///< without the client
  std::optional<Endpoint> host{};            ///< number of the host, with --host-link
  Endpoint client = 0;                       ///< number of the client
  std::map<std::string, RoleHolders> roles;  ///< for every word of roles_in(text) that is known
  std::uint64_t seed = 0;                    ///< for random, minority, majority
};

struct Selection {
  std::vector<Endpoint> endpoints;  ///< sorted, unique, never empty
  /// Set when chance or a role decided ("random:1:tikv chose tikv-2 (seed 7)"), to be shown.
  std::vector<std::string> notes;
};

/// The role words in a selector, without "role:" and each once, e.g. {"pd-leader"}; to be looked up
/// before select().
[[nodiscard]] std::vector<std::string> roles_in(std::string_view text);

/// Chance is that of src/model/chance.h: a choice of k of n draws k members in topology order.
/// @param what names the word in errors, e.g. "--from"
/// @param stream tells selections of one command apart, so that one seed gives them different draws
/// @throws Error Usage for an unknown name (nearest match as hint), a malformed word or a selector
/// that
///         leaves nobody; Conflict for a vacant role (shows each member's answer) or a selection
///         that chance cannot fill
[[nodiscard]] Selection select(std::string_view text, const SelectorScope& scope,
                               std::string_view what, std::uint64_t stream = 0);

}  // namespace tinet
