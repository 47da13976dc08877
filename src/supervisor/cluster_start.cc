// How a cluster comes up: its components in their order, and what is waited for meanwhile.

#include <algorithm>
#include <set>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/base/units.h"
#include "src/process/user_files.h"
#include "src/supervisor/checks.h"
#include "src/supervisor/cluster.h"

namespace tinet {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds kSettlePause{100};
/// Those that come after an instance behind a fault give it this long to become ready: behind a
/// delay it will, behind a cut it may never.
constexpr std::chrono::seconds kOrderPatience{5};

bool all_ready(const std::vector<Instance*>& instances) {
  return std::all_of(instances.begin(), instances.end(), [](const Instance* instance) {
    return instance->state() == InstanceState::Ready;
  });
}

}  // namespace

asio::awaitable<void> Cluster::start(std::vector<api::FaultRequest> faults) {
  const Deadline deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(plan_.start_timeout_ms);
  forget_reference_data();
  open_published();
  if (!faults.empty()) {
    api::ApplyRequest all;
    all.faults = std::move(faults);
    static_cast<void>(co_await faults_.converge(std::move(all)));
  }
  if (plan_.paused) {
    journal_.add("tinet", "paused", "", "network and faults are in place; no process was started");
    co_return;
  }
  co_await start_components("ready", deadline);
  come_up();
}

asio::awaitable<void> Cluster::start_unstarted(std::string wait, std::vector<std::string>& notes) {
  try {
    co_await start_components(
        wait, std::chrono::steady_clock::now() + std::chrono::milliseconds(plan_.start_timeout_ms));
  } catch (const Error&) {
    // Nothing is undone, so the cluster is what its instances are.
    come_up();
    throw;
  }
  come_up();
  std::vector<Instance*> all;
  for (const auto& instance : instances_) {
    all.push_back(instance.get());
  }
  note_not_awaited(all, wait, notes);
}

void Cluster::come_up() {
  if (phase_ != Phase::Starting) {
    return;  // it was up before, or a stop has begun meanwhile
  }
  phase_ = Phase::Up;
  faults_.traffic_begins();
  if (state() == "ready") {
    journal_.add("tinet", "cluster-ready", "", "every instance is ready");
  } else {
    journal_.add("tinet", "cluster-degraded", "", "not every instance is ready");
  }
  changes_.notify();
}

bool Cluster::awaits(const Instance& instance, std::string_view wait) const {
  return wait == "ready" ||
         (wait == "auto" && faults_.book().touching(instance.plan().name).empty());
}

std::vector<Instance*> Cluster::awaited_of(const std::vector<Instance*>& instances,
                                           std::string_view wait) const {
  std::vector<Instance*> awaited;
  std::copy_if(instances.begin(), instances.end(), std::back_inserter(awaited),
               [&](const Instance* instance) { return awaits(*instance, wait); });
  return awaited;
}

void Cluster::note_not_awaited(const std::vector<Instance*>& instances, std::string_view wait,
                               std::vector<std::string>& notes) const {
  if (wait != "auto") {
    return;  // what was asked for needs no reason
  }
  for (const Instance* instance : instances) {
    std::vector<std::string> ids;
    for (const FaultId id : faults_.book().touching(instance->plan().name)) {
      ids.push_back(to_string(id));
    }
    if (!ids.empty() && instance->state() != InstanceState::Ready) {
      notes.push_back("'" + instance->plan().name + "' is " +
                      std::string(to_string(instance->state())) +
                      "; readiness was not awaited because of " + join(ids, ", "));
    }
  }
}

/// The reference store keeps its data in memory: what an earlier cluster left on disk only says
/// which servers had it, and they are gone.
void Cluster::forget_reference_data() {
  if (plan_.store != "reference") {
    return;
  }
  for (const auto& instance : instances_) {
    const std::string data = instance->plan().directory + "/data";
    if (path_kind(instance->run_as(), data) != PathKind::Missing) {
      remove_tree(instance->run_as(), data);
    }
  }
}

asio::awaitable<void> Cluster::start_components(std::string wait, Deadline deadline) {
  std::set<std::string> done;
  std::vector<const ComponentPlan*> open;
  for (const auto& component : plan_.components) {
    open.push_back(&component);
  }
  while (!open.empty()) {
    std::vector<const ComponentPlan*> level;
    for (const auto* component : open) {
      const bool free = std::all_of(component->after.begin(), component->after.end(),
                                    [&](const std::string& name) { return done.count(name) > 0; });
      if (free) {
        level.push_back(component);
      }
    }
    // A cycle is refused when a topology is parsed; a plan that has one would never end here.
    if (level.empty()) {
      throw_usage("the plan's components wait for each other");
    }
    for (const auto* component : level) {
      done.insert(component->name);
      std::erase(open, component);
    }
    co_await start_level(std::move(level), wait, deadline, !open.empty());
  }
}

asio::awaitable<void> Cluster::start_level(std::vector<const ComponentPlan*> level,
                                           std::string wait, Deadline deadline, bool more_follow) {
  std::vector<Instance*> first;
  std::vector<Instance*> rest;
  for (const auto* component : level) {
    for (Instance* instance : of_component(component->name)) {
      const bool later = component->first_alone && instance->plan().index > 0;
      (later ? rest : first).push_back(instance);
    }
  }
  co_await start_batch(first, wait, deadline, more_follow || !rest.empty());
  co_await start_batch(rest, wait, deadline, more_follow);
  for (const auto* component : level) {
    const auto members = of_component(component->name);
    // Behind a fault a component may never settle.
    if (awaited_of(members, wait).size() == members.size()) {
      co_await until_settled(*component, deadline);
    }
  }
}

asio::awaitable<void> Cluster::start_batch(std::vector<Instance*> batch, std::string wait,
                                           Deadline deadline, bool more_follow) {
  for (Instance* instance : batch) {
    // `resume all` after --paused comes here too; what runs already is left alone.
    if (!is_alive(instance->state())) {
      instance->start("tinet");
    }
  }
  co_await until_ready(awaited_of(batch, wait), deadline);
  if (more_follow) {
    co_await give_order_a_chance(batch, deadline);
  }
}

asio::awaitable<void> Cluster::give_order_a_chance(std::vector<Instance*> batch,
                                                   Deadline deadline) {
  const Deadline limit = std::min(deadline, std::chrono::steady_clock::now() + kOrderPatience);
  while (!all_ready(batch) && std::chrono::steady_clock::now() < limit) {
    const auto seen = changes_.version();
    co_await changes_.wait(seen, limit);
  }
}

bool Cluster::is_ready_by(const Instance& instance, Deadline deadline) {
  try {
    return instance.is_ready_by(deadline);
  } catch (const Error& error) {
    const auto ids = faults_.book().touching(instance.plan().name);
    if (ids.empty()) {
      throw;
    }
    Error told(error.kind(),
               std::string(error.what()) + "; faults touch it: " + faults_.reports().reasons(ids),
               error.hint());
    throw Error(told.about(error.instance(), error.log_tail()));
  }
}

asio::awaitable<void> Cluster::until_ready(std::vector<Instance*> waited, Deadline deadline) {
  while (true) {
    const auto seen = changes_.version();
    Deadline limit = deadline;
    bool all = true;
    for (const Instance* instance : waited) {
      if (!is_ready_by(*instance, deadline)) {
        all = false;
        limit = std::min(limit, instance->ready_limit(deadline));
      }
    }
    if (all) {
      co_return;
    }
    co_await changes_.wait(seen, limit);
  }
}

/// A check that names no component is meant for every instance of this one.
asio::awaitable<std::optional<std::string>> Cluster::unsettled(const ComponentPlan& component) {
  for (const auto& check : component.settled) {
    std::vector<const InstancePlan*> asked = {nullptr};
    if (check.component.empty()) {
      asked.clear();
      for (const Instance* instance : of_component(component.name)) {
        asked.push_back(&instance->plan());
      }
    }
    for (const auto* self : asked) {
      auto reason = co_await check_http(*fabric_, plan_, self, check);
      if (reason) {
        co_return reason;
      }
    }
  }
  co_return std::nullopt;
}

asio::awaitable<void> Cluster::until_settled(const ComponentPlan& component, Deadline deadline) {
  const auto started = std::chrono::steady_clock::now();
  const Deadline limit =
      std::min(deadline, started + std::chrono::milliseconds(component.settled_timeout_ms));
  asio::steady_timer timer(executor_);
  for (;;) {
    const auto reason = co_await unsettled(component);
    const std::string waiting = reason.value_or("");
    if (settling_ != waiting) {
      settling_ = waiting;
      changes_.notify();
    }
    if (!reason) {
      co_return;
    }
    // An instance that dies meanwhile ends the wait with its own error.
    for (const Instance* instance : of_component(component.name)) {
      static_cast<void>(is_ready_by(*instance, deadline));
    }
    if (std::chrono::steady_clock::now() >= limit) {
      const auto waited = std::chrono::duration_cast<Milliseconds>(limit - started);
      throw_operation("'" + component.name + "' did not settle within " + format_duration(waited) +
                          ": " + settling_,
                      "give more time with --timeout");
    }
    timer.expires_after(kSettlePause);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

}  // namespace tinet
