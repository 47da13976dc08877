#include "src/relays/dialers.h"

#include <boost/asio/ip/address.hpp>

#include "src/process/pidfd.h"

namespace tinet::relays {

TcpEndpoint plain(const proxy::Endpoint& endpoint) {
  auto address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6());
  }
  return {.address = address.is_v4() ? IpAddress::v4(address.to_v4().to_uint())
                                     : IpAddress::v6(address.to_v6().to_bytes()),
          .port = endpoint.port()};
}

Dialers::Dialers(const std::vector<Ipv4>& addresses) : diagnostics_(open_socket_diagnostics()) {
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    by_address_[addresses[i]] = static_cast<Endpoint>(i);
  }
}

void Dialers::admit(Endpoint endpoint, const std::function<pid_t()>& start) {
  const std::lock_guard starting(starting_);
  const pid_t pid = start();
  UniqueFd pidfd = open_pidfd(pid);
  const std::lock_guard lock(programs_mutex_);
  if (pidfd) {
    programs_[pid] = {endpoint, std::move(pidfd)};
    ++admitted_;
  }
}

/// Their pids may be strangers' by now.
void Dialers::forget_ended() {
  std::erase_if(programs_, [](const auto& entry) { return has_ended(entry.second.pidfd.get()); });
}

std::uint64_t Dialers::admitted() {
  const std::lock_guard lock(programs_mutex_);
  return admitted_;
}

std::optional<Dialer> Dialers::find_process(std::uint32_t inode) {
  std::set<pid_t> roots;
  {
    const std::lock_guard lock(programs_mutex_);
    forget_ended();
    for (const auto& [pid, program] : programs_) {
      roots.insert(pid);
    }
  }
  const SocketHolder holder = sockets_.find(inode, roots);
  if (!holder.root) {
    return holder.unreadable ? std::optional(Dialer{}) : std::nullopt;
  }
  const std::lock_guard lock(programs_mutex_);
  const auto program = programs_.find(*holder.root);
  return program == programs_.end() ? Dialer{}
                                    : Dialer{DialerKind::Endpoint, program->second.endpoint};
}

Dialer Dialers::find(const TcpEndpoint& dialer, const TcpEndpoint& local) {
  if (dialer.address.is_v4()) {
    if (const auto known = by_address_.find(Ipv4{dialer.address.v4_value()});
        known != by_address_.end()) {
      return {DialerKind::Endpoint, known->second};
    }
  }
  const auto owner = find_tcp_owner(diagnostics_, dialer, local);
  if (!owner || owner->inode == 0) {
    return {};
  }
  const std::uint64_t before = admitted();
  if (const auto found = find_process(owner->inode)) {
    return *found;
  }
  // It may be a program that is being started: its pid is known once that has returned.
  const std::lock_guard starting(starting_);
  const auto late = admitted() != before ? find_process(owner->inode) : std::nullopt;
  return late.value_or(Dialer{DialerKind::Outsider, 0});
}

}  // namespace tinet::relays
