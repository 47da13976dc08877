#include "src/supervisor/cluster.h"

#include <algorithm>
#include <utility>

#include <unistd.h>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/supervisor/documents.h"
#include "src/supervisor/join.h"
#include "src/supervisor/plan_user.h"
#include "src/topology/render.h"

namespace tinet {

namespace asio = boost::asio;

namespace {

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
  document["drift"] = faults_.reports().drift();
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
