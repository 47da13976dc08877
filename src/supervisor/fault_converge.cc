#include <algorithm>
#include <set>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/value_from.hpp>

#include "src/base/error.h"
#include "src/supervisor/fault_desk.h"

namespace tinet {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

MonoTime now() {
  return std::chrono::steady_clock::now();
}

void check(const api::ApplyRequest& request) {
  for (std::size_t i = 0; i < request.faults.size(); ++i) {
    if (request.faults[i].dry_run || request.faults[i].verify_ms) {
      throw_usage("faults[" + std::to_string(i) +
                      "]: a fault among others is neither tried nor verified by itself",
                  "leave out dry_run and verify_ms");
    }
  }
}

}  // namespace

struct FaultDesk::Convergence {
  std::set<FaultId> keep;
  std::vector<Fault> heal;
  std::vector<std::size_t> create;  ///< positions in the request
};

/// Every request claims one active fault that the same words made; which of several equal ones
/// makes no difference.
FaultDesk::Convergence FaultDesk::compare(const std::vector<std::string>& words) const {
  Convergence result;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto& entries = book_.entries();
    const auto same = std::find_if(entries.begin(), entries.end(), [&](const auto& entry) {
      return entry.second.words == words[i] && result.keep.count(entry.first) == 0;
    });
    if (same == entries.end()) {
      result.create.push_back(i);
    } else {
      result.keep.insert(same->first);
    }
  }
  for (const auto& [id, entry] : book_.entries()) {
    if (!entry.fault.links.empty() && result.keep.count(id) == 0) {
      result.heal.push_back(entry.fault);
    }
  }
  return result;
}

/// Looks up roles for what has to be made, and for that only: a fault that took away a role's
/// holder must stay comparable. Faults may end meanwhile, so it looks again until nothing is open.
asio::awaitable<FaultDesk::Convergence> FaultDesk::look_up(const api::ApplyRequest& request,
                                                           std::vector<SelectorScope>& scopes) {
  std::vector<std::string> words;
  for (const auto& fault : request.faults) {
    words.push_back(canonical_words(fault));
  }
  scopes.resize(request.faults.size());
  std::vector<bool> known(request.faults.size(), false);
  for (;;) {
    expire_due();
    Convergence result = compare(words);
    const auto open = std::find_if(result.create.begin(), result.create.end(),
                                   [&](std::size_t i) { return !known[i]; });
    if (open == result.create.end()) {
      co_return result;
    }
    const std::size_t i = *open;
    known[i] = true;
    try {
      scopes[i] = co_await scope_for(roles_in(request.faults[i]), request.faults[i].seed);
    } catch (const Error& error) {
      throw about_fault(request.faults[i], i, error);
    }
  }
}

asio::awaitable<json::object> FaultDesk::converge(api::ApplyRequest request) {
  check(request);
  std::vector<SelectorScope> scopes;
  Convergence result = co_await look_up(request, scopes);

  // From here to the answer of the kernel nothing else runs.
  const MonoTime start = now();
  std::vector<std::string> notes;
  std::vector<MadeFault> created;
  std::vector<Fault> wanted = book_.network_faults();
  std::erase_if(wanted, [&](const Fault& fault) { return result.keep.count(fault.id) == 0; });
  FaultId id = book_.next_id();
  for (const std::size_t i : result.create) {
    try {
      created.push_back(prepare(request.faults[i], scopes[i], id, start));
    } catch (const Error& error) {
      throw about_fault(request.faults[i], i, error);
    }
    ++id.value;
    wanted.push_back(created.back().fault);
    for (const auto& note : created.back().notes) {
      notes.push_back(to_string(created.back().fault.id) + ": " + note);
    }
  }

  json::object answer{{"dry_run", request.dry_run}};
  if (request.dry_run) {
    answer["transaction"] = json::value_from(fabric_.preview(wanted, start));
  } else if (!created.empty() || !result.heal.empty()) {
    if (!created.empty()) {
      book_.use_up(created.back().fault.id);
    }
    if (!result.heal.empty()) {
      // What contradicts itself is refused before anything is let go.
      static_cast<void>(fabric_.preview(wanted, start));
    }
    release_held(result.heal, notes);
    const ApplyReport report = fabric_.apply(wanted, start);
    notes.insert(notes.end(), report.notes.begin(), report.notes.end());
    answer["atomic"] = report.atomic;
    end_faults(result.heal, "user");
    for (std::size_t i = 0; i < created.size(); ++i) {
      enter(created[i], request.faults[result.create[i]], report, start);
    }
    settle(report);
  }
  json::array keep;
  for (const auto kept : result.keep) {
    keep.push_back(reports_.document(*book_.find(kept)));
  }
  json::array heal;
  for (const auto& fault : result.heal) {
    heal.push_back(reports_.document(fault));
  }
  json::array create;
  for (const auto& made : created) {
    create.push_back(reports_.document(made.fault));
  }
  answer["keep"] = std::move(keep);
  answer["heal"] = std::move(heal);
  answer["create"] = std::move(create);
  answer["notes"] = json::value_from(notes);
  co_return answer;
}

}  // namespace tinet
