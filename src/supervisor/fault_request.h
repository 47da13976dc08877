#pragma once
/// From the words of a request to a Fault: who is meant, which packets, what happens to them, until
/// when. Pure; roles are looked up by the caller before.

#include <cstddef>
#include <string>
#include <vector>

#include "src/api/requests.h"
#include "src/base/error.h"
#include "src/model/fault.h"
#include "src/model/plan.h"
#include "src/model/selector.h"

namespace tinet {

/// A fault without an id and, for Connections::Established, without its flows.
struct MadeFault {
  Fault fault;
  std::vector<std::string> notes;  ///< what chance, roles and defaults came to mean
};

/// Role words in the request, each once.
[[nodiscard]] std::vector<std::string> roles_in(const api::FaultRequest& request);

/// Whom selectors can mean; without roles and seed.
[[nodiscard]] SelectorScope scope_of(const ClusterPlan& plan);

/// @param scope with the roles of roles_in(), and the seed of every choice and of the wire
/// @param start when the fault begins, from which its end is counted
/// @throws Error Usage for words that are wrong, contradict each other or do nothing; Conflict for
///         a vacant role
[[nodiscard]] MadeFault make_fault(const api::FaultRequest& request, const ClusterPlan& plan,
                                   const SelectorScope& scope, MonoTime start);

/// An error about one fault of several, with its place, or its number where there is none.
[[nodiscard]] Error about_fault(const api::FaultRequest& request, std::size_t index,
                                const Error& error);

/// The request without what is no part of the fault (dry run, verification, the words it was typed
/// with and their place), as text: equal for requests that ask for the same.
[[nodiscard]] std::string canonical_words(api::FaultRequest request);

}  // namespace tinet
