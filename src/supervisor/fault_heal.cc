#include <algorithm>
#include <map>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/value_from.hpp>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/supervisor/documents.h"
#include "src/supervisor/fault_desk.h"
#include "src/supervisor/outage.h"

namespace tinet {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

MonoTime now() {
  return std::chrono::steady_clock::now();
}

bool touches_any(const Fault& fault, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return std::count(fault.target.begin(), fault.target.end(), name) > 0 ||
           std::count(fault.peers.begin(), fault.peers.end(), name) > 0;
  });
}

FaultId issued_id(const FaultBook& book, const std::string& word, const ClusterPlan& plan) {
  const auto id = parse_fault_id(word);
  if (!id || !book.issued(*id)) {
    throw_conflict("no fault '" + word + "' was ever made in cluster '" + plan.tag + "'",
                   "see: tinet faults");
  }
  return *id;
}

std::string ended_note(const FaultBook::Ended& ended) {
  return to_string(ended.fault.id) + (ended.ending == FaultBook::Ending::Expired
                                          ? " had expired already"
                                          : " was healed already");
}

/// Of a fault that is neither active nor in the history any more.
std::string forgotten_note(FaultId id) {
  return to_string(id) + " ended long ago: only the newest " + std::to_string(kEndedMax) +
         " faults that ended are remembered";
}

/// @param names whose faults should have ended; empty for those of everybody
std::string nothing_healed(const FaultBook& book, const std::vector<std::string>& names) {
  std::vector<std::string> active;
  for (const auto& [id, entry] : book.entries()) {
    active.push_back(to_string(id));
  }
  if (active.empty()) {
    return "no fault was active";
  }
  const std::string which = active.size() == 1
                                ? "the active fault (" + active.front() + ") does not concern "
                                : "none of the " + std::to_string(active.size()) +
                                      " active faults (" + join(active, ", ") + ") concerns ";
  return which + join(names, ", ");
}

/// The longest silence that the healed faults leave behind.
class Aftermath {
 public:
  explicit Aftermath(Nanoseconds rto_max) : rto_max_(rto_max) {}

  void add(const Fault& fault, const PacketCounts& packets, Nanoseconds lasted) {
    const auto residual = residual_outage(fault, packets, lasted, rto_max_);
    if (residual && (!residual_ || *residual > *residual_)) {
      residual_ = residual;
      lasted_ = lasted;
    }
  }
  [[nodiscard]] std::optional<std::string> note() const {
    return residual_ ? std::optional(outage_note(lasted_, *residual_)) : std::nullopt;
  }

 private:
  Nanoseconds rto_max_;
  std::optional<Nanoseconds> residual_;
  Nanoseconds lasted_{};
};

}  // namespace

asio::awaitable<std::vector<std::string>> FaultDesk::names_in(std::vector<std::string> selectors) {
  std::vector<std::string> names;
  for (const auto& selector : selectors) {
    const SelectorScope scope = co_await scope_for(roles_in(selector), std::nullopt);
    for (const auto endpoint : select(selector, scope, "heal").endpoints) {
      names.push_back(endpoint_name(plan_, endpoint));
    }
  }
  co_return names;
}

/// What holds keep goes on its way before their end would drop it.
void FaultDesk::release_held(const std::vector<Fault>& going, std::vector<std::string>& notes) {
  for (const auto& fault : going) {
    if (fault.kind != FaultKind::Hold) {
      continue;
    }
    try {
      const ReleaseReport report = fabric_.release(fault.id, false);
      if (report.delivered + report.dropped > 0) {
        notes.push_back(to_string(fault.id) + ": " + std::to_string(report.delivered) +
                        " held packets were delivered, " + std::to_string(report.dropped) +
                        " dropped");
      }
    } catch (const Error& error) {
      notes.push_back(to_string(fault.id) +
                      ": held packets could not be delivered: " + error.what());
    }
  }
}

/// Links of the faults that are free of cuts now: to end connections of others would be no help.
/// @param links of faults that had ended before
std::vector<Link> FaultDesk::links_to_kick(const std::vector<Fault>& healed,
                                           std::vector<Link> links) {
  for (const auto& fault : healed) {
    links.insert(links.end(), fault.links.begin(), fault.links.end());
  }
  std::sort(links.begin(), links.end());
  links.erase(std::unique(links.begin(), links.end()), links.end());
  for (const auto& state : fabric_.links(now())) {
    if (state.effect.cut()) {
      const auto at = std::lower_bound(links.begin(), links.end(), state.link);
      if (at != links.end() && *at == state.link) {
        links.erase(at);
      }
    }
  }
  return links;
}

/// What the healed faults have delayed goes on in its time.
std::optional<std::string> FaultDesk::still_waiting(const std::vector<Fault>& healed) {
  std::vector<Link> links;
  for (const auto& fault : healed) {
    links.insert(links.end(), fault.links.begin(), fault.links.end());
  }
  const std::uint64_t packets = links.empty() ? 0 : fabric_.waiting(links);
  if (packets == 0) {
    return std::nullopt;
  }
  return std::to_string(packets) +
         " of the packets that were delayed or queued are still on their way, each for as long as "
         "it was to wait";
}

/// @return why a process fault could not be undone and stays; the others have ended nevertheless,
///         because the network has changed already
std::optional<Error> FaultDesk::end_faults(const std::vector<Fault>& going,
                                           std::string_view actor) {
  std::optional<Error> stays;
  for (const auto& fault : going) {
    try {
      if (fault.links.empty()) {
        end_process_fault_(fault);
      }
    } catch (const Error& error) {
      journal_.add("tinet", "fault-clean-up-failed", fault.target.front(),
                   to_string(fault.id) + ": " + error.what());
      stays.emplace(error.kind(),
                    to_string(fault.id) +
                        " could not be undone and stays; the others are healed: " + error.what(),
                    error.hint());
      continue;
    }
    book_.end(fault.id, FaultBook::Ending::Healed, now());
    journal_fault(actor, "fault-healed", fault);
  }
  return stays;
}

asio::awaitable<json::object> FaultDesk::heal(api::HealRequest request) {
  const std::vector<std::string> names = co_await names_in(request.selectors);
  expire_due();
  std::vector<FaultId> doomed;
  std::vector<Link> ended_links;
  std::vector<std::string> notes;
  for (const auto& word : request.ids) {
    const FaultId id = issued_id(book_, word, plan_);
    if (const auto* ended = book_.find_ended(id)) {
      notes.push_back(ended_note(*ended));
      const auto& links = ended->fault.links;
      ended_links.insert(ended_links.end(), links.begin(), links.end());
    } else if (book_.find(id) != nullptr) {
      doomed.push_back(id);
    } else {
      notes.push_back(forgotten_note(id));
    }
  }
  const bool everything = request.ids.empty() && request.selectors.empty();
  std::vector<Fault> staying;
  std::vector<Fault> going;
  std::map<FaultId, MonoTime> since;
  for (const auto& [id, entry] : book_.entries()) {
    const bool goes = everything || touches_any(entry.fault, names) ||
                      std::count(doomed.begin(), doomed.end(), id) > 0;
    if (goes || !entry.fault.links.empty()) {
      (goes ? going : staying).push_back(entry.fault);
    }
    since[id] = entry.since;
  }

  release_held(going, notes);
  const ApplyReport report = fabric_.apply(staying, now());
  notes.insert(notes.end(), report.notes.begin(), report.notes.end());
  json::array healed;
  std::vector<std::string> without_effect;
  Aftermath aftermath(plan_.tcp_rto_max_ms ? Milliseconds(*plan_.tcp_rto_max_ms) : kRtoMax);
  for (const auto& fault : going) {
    const PacketCounts packets = fault.links.empty() ? PacketCounts{} : reports_.packets(fault.id);
    if (!fault.links.empty() && packets.matched() == 0) {
      without_effect.push_back(to_string(fault.id));
    }
    aftermath.add(fault, packets, now() - since.at(fault.id));
    healed.push_back(reports_.document(fault));
  }
  if (auto note = still_waiting(going)) {
    notes.push_back(std::move(*note));
  }
  const auto stays = end_faults(going, "user");
  settle(report);
  if (going.empty() && notes.empty()) {
    notes.push_back(nothing_healed(book_, names));
  }

  json::object answer{{"healed", std::move(healed)}};
  answer["without_effect"] = json::value_from(without_effect);
  if (request.kick) {
    try {
      answer["kicked"] = fabric_.kick(links_to_kick(going, std::move(ended_links))).destroyed;
    } catch (const Error& error) {
      throw Error(error.kind(),
                  std::string("healed, but connections cannot be ended: ") + error.what(),
                  error.hint());
    }
  } else if (auto note = aftermath.note()) {
    notes.push_back(std::move(*note));
  }
  if (stays) {
    throw Error(*stays);
  }
  answer["notes"] = json::value_from(notes);
  if (request.require_effect && !without_effect.empty()) {
    throw Error(ErrorKind::Check,
                "healed, but without effect (no packet matched): " + join(without_effect, ", "));
  }
  co_return answer;
}

json::object FaultDesk::release(const api::ReleaseRequest& request) {
  expire_due();
  const FaultId id = issued_id(book_, request.id, plan_);
  const Fault* active = book_.find(id);
  if (active == nullptr) {
    const auto* ended = book_.find_ended(id);
    const std::string note = ended == nullptr ? forgotten_note(id) : ended_note(*ended);
    return {{"released", nullptr},
            {"delivered", 0},
            {"dropped", 0},
            {"notes", json::array{json::value(note)}}};
  }
  const Fault fault = *active;
  if (fault.kind != FaultKind::Hold) {
    throw_conflict(
        "'" + request.id + "' is a " + std::string(to_string(fault.kind)) + " and holds no packets",
        "end it with: tinet heal " + request.id);
  }
  std::vector<Fault> staying = book_.network_faults();
  std::erase_if(staying, [&](const Fault& other) { return other.id == id; });
  const ReleaseReport released = fabric_.release(id, request.drop);
  const ApplyReport report = fabric_.apply(staying, now());
  json::object answer{{"released", reports_.document(fault)},
                      {"delivered", released.delivered},
                      {"dropped", released.dropped}};
  end_faults({fault}, "user");
  settle(report);
  answer["notes"] = json::value_from(report.notes);
  return answer;
}

}  // namespace tinet
