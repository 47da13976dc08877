// What users do to the instances of a running cluster.

#include <algorithm>
#include <set>
#include <utility>

#include <signal.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/value_from.hpp>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/base/units.h"
#include "src/model/selector.h"
#include "src/process/exit_status.h"
#include "src/supervisor/cluster.h"
#include "src/supervisor/documents.h"
#include "src/supervisor/join.h"

namespace tinet {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

std::vector<std::string> names_of(const std::vector<Instance*>& instances) {
  std::vector<std::string> names;
  names.reserve(instances.size());
  for (const Instance* instance : instances) {
    names.push_back(instance->plan().name);
  }
  return names;
}

/// Those that can be started. Of several, the ones that run already are left alone; one alone is
/// what the user meant, and start() says why it cannot be.
std::vector<Instance*> without_process(const std::vector<Instance*>& chosen,
                                       std::vector<std::string>& notes) {
  std::vector<Instance*> startable;
  for (Instance* instance : chosen) {
    if (chosen.size() > 1 && is_alive(instance->state())) {
      notes.push_back("'" + instance->plan().name + "' is running already");
    } else {
      startable.push_back(instance);
    }
  }
  return startable;
}

/// Never started, after --paused.
bool is_planned(const std::shared_ptr<Instance>& instance) {
  return instance->state() == InstanceState::Planned;
}

void check_wait_word(const std::string& word) {
  const std::vector<std::string> known = {"auto", "running", "ready", "no"};
  if (std::find(known.begin(), known.end(), word) == known.end()) {
    throw_usage("--wait: unknown word '" + word + "'", "one of: running, ready, no");
  }
}

}  // namespace

asio::awaitable<std::vector<Instance*>> Cluster::selected(std::string selector,
                                                          std::optional<std::uint64_t> seed,
                                                          std::vector<std::string>& notes) {
  const SelectorScope scope = co_await faults_.scope_for(roles_in(selector), seed);
  const Selection selection = select(selector, scope, "selector");
  notes.insert(notes.end(), selection.notes.begin(), selection.notes.end());
  std::vector<Instance*> chosen;
  for (const auto endpoint : selection.endpoints) {
    // The client and the host come after the instances.
    if (endpoint >= instances_.size()) {
      throw_usage("'" + endpoint_name(plan_, endpoint) + "' has no process of its own",
                  endpoint == scope.client ? "run programs in it with: tinet exec client"
                                           : "name instances, see: tinet status");
    }
    chosen.push_back(instances_[endpoint].get());
  }
  co_return chosen;
}

asio::awaitable<json::object> Cluster::instance_verb(std::string verb,
                                                     api::InstanceRequest request) {
  refuse_when_stopping();
  check_wait_word(request.wait);
  std::vector<std::string> notes;
  const auto chosen = co_await selected(request.selector, request.seed, notes);
  // All or none: a busy instance is found before anything is touched.
  std::vector<Instance::Busy> busy;
  busy.reserve(chosen.size());
  for (Instance* instance : chosen) {
    busy.emplace_back(*instance);
  }
  if (verb == "restart") {
    co_await restart(chosen, request);
    co_await start_again(chosen, request, notes);
  } else if (verb == "kill" || verb == "stop") {
    co_await end_processes(chosen, request, verb == "kill");
  } else if (verb == "start") {
    const auto startable = without_process(chosen, notes);
    co_await start_again(startable, request, notes);
  } else if (verb == "pause") {
    pause(chosen, request);
  } else if (verb == "resume") {
    co_await resume(chosen, request.wait, notes);
  } else {
    throw_usage("unknown verb '" + verb + "'");
  }
  busy.clear();
  json::object answer;
  answer["status"] = co_await status();
  answer["instances"] = json::value_from(names_of(chosen));
  answer["notes"] = json::value_from(notes);
  co_return answer;
}

void Cluster::refuse_when_stopping() const {
  if (phase_ == Phase::Stopping || phase_ == Phase::Stopped) {
    throw_conflict("cluster '" + plan_.tag + "' is stopping");
  }
}

asio::awaitable<void> Cluster::restart(std::vector<Instance*> chosen,
                                       api::InstanceRequest request) {
  co_await end_processes(chosen, request, false);
  if (request.after_ms && *request.after_ms > 0) {
    asio::steady_timer timer(executor_, std::chrono::milliseconds(*request.after_ms));
    co_await timer.async_wait(asio::use_awaitable);
  }
}

asio::awaitable<void> Cluster::end_processes(std::vector<Instance*> chosen,
                                             api::InstanceRequest request, bool kill) {
  const int given = request.signal.empty() ? 0 : parse_signal(request.signal, "--signal");
  std::vector<asio::awaitable<void>> ends;
  for (Instance* instance : chosen) {
    if (kill && given != 0 && given != SIGKILL) {
      instance->signal(given);
      journal_.add("user", "signal", instance->plan().name, "sent " + signal_name(given));
      continue;
    }
    const StopSpec& spec = instance->plan().stop;
    ends.push_back(kill ? instance->kill("user")
                        : instance->stop("user", given != 0 ? given : spec.signal,
                                         std::chrono::milliseconds(spec.grace_ms)));
  }
  co_await join_all(std::move(ends));
  for (const Instance* instance : chosen) {
    if (!is_alive(instance->state())) {
      faults_.forget_process_faults(instance->plan().name, FaultKind::Pause);
    }
  }
}

asio::awaitable<void> Cluster::start_again(std::vector<Instance*> chosen,
                                           api::InstanceRequest request,
                                           std::vector<std::string>& notes) {
  // A stop of the cluster may have begun while a restart waited for its instances.
  refuse_when_stopping();
  const Deadline deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(plan_.start_timeout_ms);
  faults_.traffic_begins();
  for (Instance* instance : chosen) {
    instance->start("user");
  }
  // After --paused every instance may have been started by itself.
  if (plan_.paused && std::none_of(instances_.begin(), instances_.end(), is_planned)) {
    come_up();
  }
  note_not_awaited(chosen, request.wait, notes);
  co_await until_ready(awaited_of(chosen, request.wait), deadline);
}

void Cluster::pause(const std::vector<Instance*>& chosen, const api::InstanceRequest& request) {
  if (request.for_ms && *request.for_ms < 1) {
    throw_usage("--for: a pause lasts at least 1ms");
  }
  std::optional<MonoTime> end;
  if (request.for_ms) {
    end = std::chrono::steady_clock::now() + std::chrono::milliseconds(*request.for_ms);
  }
  for (const Instance* instance : chosen) {
    instance->check_can_pause();
  }
  std::vector<Instance*> paused;
  try {
    for (Instance* instance : chosen) {
      instance->pause();
      paused.push_back(instance);
    }
  } catch (const Error&) {
    let_go_on(paused);
    throw;
  }
  for (const Instance* instance : chosen) {
    const std::string& name = instance->plan().name;
    faults_.add_process_fault(FaultKind::Pause, {name}, "pause " + name, end);
  }
}

asio::awaitable<void> Cluster::resume(std::vector<Instance*> chosen, std::string wait,
                                      std::vector<std::string>& notes) {
  const bool all = chosen.size() == instances_.size();
  if (all && std::any_of(instances_.begin(), instances_.end(), is_planned)) {
    std::erase_if(chosen, [](const Instance* instance) {
      return instance->state() != InstanceState::Paused;
    });
    let_go_on(chosen);
    co_await start_unstarted(std::move(wait), notes);
    co_return;
  }
  let_go_on(chosen);
  note_not_awaited(chosen, wait, notes);
  co_await until_ready(
      awaited_of(chosen, wait),
      std::chrono::steady_clock::now() + std::chrono::milliseconds(plan_.start_timeout_ms));
}

void Cluster::let_go_on(const std::vector<Instance*>& paused) {
  for (Instance* instance : paused) {
    instance->resume();
    faults_.forget_process_faults(instance->plan().name, FaultKind::Pause);
  }
}

void Cluster::end_process_fault(const Fault& fault) {
  for (const auto& name : fault.target) {
    Instance& target = instance(name);
    if (fault.kind == FaultKind::Pause && target.state() == InstanceState::Paused) {
      target.resume();
    }
  }
}

}  // namespace tinet
