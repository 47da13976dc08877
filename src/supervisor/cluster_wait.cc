// What users wait for: instances that are ready, roles that are held or have moved, faults that
// ended.

#include <algorithm>
#include <utility>

#include <boost/asio/use_awaitable.hpp>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/base/units.h"
#include "src/model/selector.h"
#include "src/supervisor/cluster.h"

namespace tinet {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

/// Roles change without an event that reaches us, so a wait for one asks this often.
constexpr std::chrono::milliseconds kRolePause{200};

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Cluster::Awaited Cluster::awaited_fault(const std::string& word) {
  const auto id = parse_fault_id(word);
  if (!id || !faults_.book().issued(*id)) {
    throw_conflict("no fault '" + word + "' was ever made", "see: tinet faults");
  }
  faults_.expire_due();
  const bool active = faults_.book().find(*id) != nullptr;
  return {active ? word + " is active" : "", word + " has ended"};
}

Cluster::Awaited Cluster::awaited_ready(const std::vector<Instance*>& chosen) {
  Awaited awaited;
  std::vector<std::string> names;
  for (const Instance* instance : chosen) {
    names.push_back(instance->plan().name);
    if (instance->state() != InstanceState::Ready) {
      awaited.missing = "'" + names.back() + "' is " + std::string(to_string(instance->state()));
      if (!instance->waiting_for().empty()) {
        awaited.missing += ": " + instance->waiting_for();
      }
    }
  }
  awaited.text = join(names, ", ") + (names.size() == 1 ? " is ready" : " are ready");
  return awaited;
}

/// @param before who held the role at the time of the call, for --changed; nullptr for --role
asio::awaitable<Cluster::Awaited> Cluster::awaited_role(std::string role,
                                                        std::vector<Instance*> chosen,
                                                        const std::vector<std::string>* before) {
  const std::vector<std::string> words = {role};
  const RoleResult result = co_await roles_.resolve(words);
  const auto& holders = result.holders.at(role).instances;
  const std::string who = holders.empty() ? "nobody" : join(holders, ", ");
  Awaited awaited{role + " is held by " + who, role + " is held by " + who};
  for (const Instance* instance : chosen) {
    const std::string& name = instance->plan().name;
    if (contains(holders, name) && (before == nullptr || !contains(*before, name))) {
      awaited.missing.clear();
    }
  }
  co_return awaited;
}

asio::awaitable<json::object> Cluster::wait(api::WaitRequest request) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(request.timeout_ms);
  std::vector<std::string> notes;
  const auto chosen = co_await selected(request.selector, std::nullopt, notes);
  const std::string role = request.role.empty() ? request.changed : request.role;
  std::vector<std::string> before;
  if (!request.changed.empty()) {
    const std::vector<std::string> words = {role};
    const RoleResult result = co_await roles_.resolve(words);
    before = result.holders.at(role).instances;
  }
  Awaited awaited;
  for (;;) {
    const auto seen = changes_.version();
    if (!request.fault_ended.empty()) {
      awaited = awaited_fault(request.fault_ended);
    } else if (!role.empty()) {
      const auto* earlier = request.changed.empty() ? nullptr : &before;
      awaited = co_await awaited_role(role, chosen, earlier);
    } else {
      awaited = awaited_ready(chosen);
    }
    if (awaited.missing.empty()) {
      break;
    }
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) {
      throw_operation("waited " + format_duration(std::chrono::milliseconds(request.timeout_ms)) +
                          " in vain: " + awaited.missing,
                      "give more time with --timeout");
    }
    const auto next = role.empty() ? deadline : std::min(deadline, now + kRolePause);
    co_await changes_.wait(seen, next);
  }
  json::object answer;
  answer["status"] = co_await status();
  answer["text"] = awaited.text;
  co_return answer;
}

}  // namespace tinet
