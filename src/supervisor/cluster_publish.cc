// What reaches into the cluster from outside: published ports, and commands and captures in the
// place of an instance or of the client.

#include <sys/socket.h>

#include "src/base/error.h"
#include "src/supervisor/cluster.h"
#include "src/supervisor/documents.h"

namespace tinet {

void Cluster::open_published() {
  for (const auto& wanted : plan_.publish) {
    const Instance& target = instance(wanted.instance);
    const auto service_port = target.plan().port_of(wanted.service);
    if (!service_port) {
      throw_usage("'" + wanted.instance + "' has no service '" + wanted.service + "'");
    }
    PublisherOptions options;
    options.name = wanted.instance + ":" + wanted.service;
    options.port = wanted.port;
    options.explicit_port = wanted.explicit_port;
    options.address = target.plan().listen_address;
    options.service_port = *service_port;
    const Endpoint endpoint = target.endpoint();
    auto publisher = std::make_unique<Publisher>(executor_, options, [this, endpoint] {
      return fabric_->open_socket(endpoint, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    });
    published_[options.name] = publisher->port();
    if (!publisher->note().empty()) {
      notes_.push_back(publisher->note());
    }
    publishers_.push_back(std::move(publisher));
  }
}

ExecPlace Cluster::exec_place(const std::string& target) {
  ExecPlace place;
  place.user = context_.user;
  const Endpoint endpoint = endpoint_named(plan_, target);
  place.admit = [this, endpoint](const std::function<pid_t()>& start) {
    fabric_->admit(endpoint, start);
  };
  if (endpoint < instances_.size()) {
    const Instance& chosen = *instances_[endpoint];
    // A stopped instance may never have run, so its directories may not be there yet.
    chosen.prepare_files();
    place.sandbox = chosen.sandbox_options();
    place.env = chosen.environment();
    place.cwd = chosen.plan().directory;
    return place;
  }
  if (endpoint != instances_.size()) {
    throw_usage("'" + target + "' is this machine", "run the program without tinet exec");
  }
  SandboxOptions client;
  client.name = target;
  client.netns_fd = fabric_->namespace_fd(endpoint);
  client.isolation = client.netns_fd < 0 ? Isolation::None : Isolation::Namespaces;
  client.mounts.hosts = context_.hosts;
  place.sandbox = client;
  return place;
}

UniqueFd Cluster::open_target_socket(const std::string& target, int domain, int type,
                                     int protocol) {
  return fabric_->open_socket(endpoint_named(plan_, target), domain, type, protocol);
}

}  // namespace tinet
