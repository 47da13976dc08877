#include "src/supervisor/cluster.h"

#include <algorithm>
#include <set>
#include <utility>

#include <unistd.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/base/units.h"
#include "src/process/user_files.h"
#include "src/supervisor/checks.h"
#include "src/supervisor/documents.h"
#include "src/supervisor/join.h"
#include "src/supervisor/plan_user.h"
#include "src/topology/render.h"

namespace tinet {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds kSettlePause{100};

/// /etc/hosts of every instance: itself and all the others by name.
std::string hosts_of(const ClusterPlan& plan) {
  std::string hosts = "127.0.0.1 localhost\n::1 localhost\n";
  for (const auto& instance : plan.instances) {
    hosts += to_string(instance.address) + " " + instance.name + "\n";
    if (instance.address6) {
      hosts += to_string(*instance.address6) + " " + instance.name + "\n";
    }
  }
  hosts += to_string(plan.client_address) + " client\n";
  if (plan.host_link) {
    hosts += to_string(plan.host_address) + " host\n";
  }
  return hosts;
}

}  // namespace

Cluster::Cluster(const asio::any_io_executor& executor, ClusterPlan plan,
                 std::unique_ptr<Fabric> fabric, Journal& journal, ClusterPlace place)
    : executor_(executor),
      plan_(std::move(plan)),
      fabric_(std::move(fabric)),
      journal_(journal),
      place_(std::move(place)),
      changes_(executor),
      context_{executor_,       plan_,        *fabric_, journal_, changes_, user_ids(plan_.user),
               hosts_of(plan_), place_.masked},
      roles_(plan_, *fabric_,
             [this](const std::string& name) { return instance(name).pid() != 0; }),
      faults_(executor_, plan_, *fabric_, journal_, roles_, changes_,
              [this](const Fault& fault) { end_process_fault(fault); }) {
  for (std::size_t i = 0; i < plan_.instances.size(); ++i) {
    instances_.push_back(
        std::make_shared<Instance>(context_, plan_.instances[i], static_cast<Endpoint>(i)));
  }
}

Instance& Cluster::instance(std::string_view name) {
  const Endpoint endpoint = endpoint_named(plan_, name);
  if (endpoint >= instances_.size()) {
    throw_usage("'" + std::string(name) + "' is no instance");
  }
  return *instances_[endpoint];
}

std::vector<Instance*> Cluster::of_component(const std::string& name) {
  std::vector<Instance*> found;
  for (const auto& candidate : instances_) {
    if (candidate->plan().component == name) {
      found.push_back(candidate.get());
    }
  }
  return found;
}

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
  co_await start_components(deadline);
  come_up();
}

void Cluster::come_up() {
  phase_ = Phase::Up;
  faults_.traffic_begins();
  journal_.add("tinet", "cluster-ready", "", "every instance is ready");
  changes_.notify();
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

asio::awaitable<void> Cluster::start_components(Deadline deadline) {
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
    co_await start_level(level, deadline);
    for (const auto* component : level) {
      done.insert(component->name);
      std::erase(open, component);
    }
  }
}

asio::awaitable<void> Cluster::start_level(std::vector<const ComponentPlan*> level,
                                           Deadline deadline) {
  std::vector<Instance*> first;
  std::vector<Instance*> rest;
  for (const auto* component : level) {
    for (Instance* instance : of_component(component->name)) {
      const bool later = component->first_alone && instance->plan().index > 0;
      (later ? rest : first).push_back(instance);
    }
  }
  for (const auto& batch : {first, rest}) {
    for (Instance* instance : batch) {
      // `resume all` after --paused comes here too; what runs already is left alone.
      if (!is_alive(instance->state())) {
        instance->start("tinet");
      }
    }
    co_await until_ready(batch, deadline);
  }
  for (const auto* component : level) {
    co_await until_settled(*component, deadline);
  }
}

asio::awaitable<void> Cluster::until_ready(std::vector<Instance*> waited, Deadline deadline) {
  while (true) {
    const auto seen = changes_.version();
    Deadline limit = deadline;
    bool all = true;
    for (const Instance* instance : waited) {
      if (!instance->is_ready_by(deadline)) {
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
      static_cast<void>(instance->is_ready_by(deadline));
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

asio::awaitable<void> Cluster::stop(bool force) {
  phase_ = Phase::Stopping;
  journal_.add("tinet", "cluster-stopping", "", "stopping");
  changes_.notify();
  std::vector<std::string> order = plan_.stop_order;
  for (const auto& component : plan_.components) {
    if (std::count(order.begin(), order.end(), component.name) == 0) {
      order.push_back(component.name);
    }
  }
  for (const auto& name : order) {
    std::vector<asio::awaitable<void>> stops;
    for (Instance* instance : of_component(name)) {
      const StopSpec& spec = instance->plan().stop;
      stops.push_back(
          force ? instance->kill("tinet")
                : instance->stop("tinet", spec.signal, std::chrono::milliseconds(spec.grace_ms)));
    }
    co_await join_all(std::move(stops));
  }
  faults_.shut_down();
  publishers_.clear();
  phase_ = Phase::Stopped;
  changes_.notify();
}

void Cluster::mark_failed(std::string_view why) {
  phase_ = Phase::Failed;
  journal_.add("tinet", "cluster-failed", "", why);
  changes_.notify();
}

std::string Cluster::state() const {
  switch (phase_) {
    case Phase::Starting:
      return "starting";
    case Phase::Failed:
      return "failed";
    case Phase::Stopping:
      return "stopping";
    case Phase::Stopped:
      return "stopped";
    case Phase::Up:
      break;
  }
  const bool ready = std::all_of(instances_.begin(), instances_.end(), [](const auto& instance) {
    return instance->state() == InstanceState::Ready;
  });
  return ready ? "ready" : "degraded";
}

asio::awaitable<boost::json::object> Cluster::status() {
  RoleResult roles;
  if (phase_ != Phase::Stopped) {
    roles = co_await roles_.recent();
  }
  const auto network = faults_.reports().network();
  boost::json::object document;
  document["tag"] = plan_.tag;
  document["state"] = state();
  document["backend"] = fabric_->backend();
  document["topology"] = plan_.topology;
  document["store"] = plan_.store;
  document["subnet"] = to_string(plan_.subnet);
  if (!plan_.toxiproxy_api.empty()) {
    document["toxiproxy_api"] = "http://" + plan_.toxiproxy_api;
  }
  document["supervisor_pid"] = ::getpid();
  if (place_.guard_pid) {
    document["guard_pid"] = *place_.guard_pid;
  }
  document["state_dir"] = place_.state_dir;
  document["control_socket"] = place_.control_socket;
  document["data_dir"] = plan_.data_dir;
  boost::json::array instances;
  for (const auto& instance : instances_) {
    instances.push_back(instance_document(*instance, roles, network.at(instance->endpoint())));
  }
  document["instances"] = std::move(instances);
  document["faults"] = faults_.reports().documents(false);
  if (!settling_.empty()) {
    document["waiting_for"] = settling_;
  }
  boost::json::array connect;
  for (const auto& line : plan_.connect_lines) {
    connect.emplace_back(fill_published(line, published_));
  }
  document["connect"] = std::move(connect);
  boost::json::array notes;
  for (const auto& note : notes_) {
    notes.emplace_back(note);
  }
  document["notes"] = std::move(notes);
  co_return document;
}

boost::json::object Cluster::instance_document(const Instance& instance, const RoleResult& roles,
                                               const std::string& network) const {
  const InstancePlan& plan = instance.plan();
  boost::json::object document;
  document["name"] = plan.name;
  document["component"] = plan.component;
  document["index"] = plan.index;
  document["state"] = to_string(instance.state());
  document["waiting_for"] = instance.waiting_for();
  if (instance.pid() != 0) {
    document["pid"] = instance.pid();
  } else {
    document["pid"] = nullptr;
  }
  document["address"] = to_string(plan.address);
  document["zone"] = plan.zone;
  boost::json::array held;
  // What is remembered of an instance without a process is not its role any more.
  if (const auto found = roles.by_instance.find(plan.name);
      found != roles.by_instance.end() && instance.pid() != 0) {
    for (const auto& role : found->second) {
      held.emplace_back(role);
    }
  }
  document["roles"] = std::move(held);
  boost::json::object services;
  boost::json::object taken;
  for (const auto& service : plan.services) {
    services[service.name] = service.port;
    if (const auto found = published_.find(plan.name + ":" + service.name);
        found != published_.end()) {
      taken[service.name] = "127.0.0.1:" + std::to_string(found->second);
    }
  }
  document["services"] = std::move(services);
  document["published"] = std::move(taken);
  document["network"] = network;
  document["restarts"] = instance.restarts();
  document["binary"] = plan.program;
  document["version"] = plan.version;
  document["data_dir"] = plan.directory;
  document["log"] = plan.log;
  return document;
}

}  // namespace tinet
