#include "src/supervisor/pair_probe.h"

#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <set>

#include <sys/socket.h>

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "src/base/error.h"

namespace tinet {

namespace asio = boost::asio;
using asio::ip::udp;

namespace {

constexpr int kRounds = 5;

Ipv4 address_of(const ClusterPlan& plan, Endpoint endpoint) {
  if (endpoint < plan.instances.size()) {
    return plan.instances[endpoint].address;
  }
  return endpoint == plan.instances.size() ? plan.client_address : plan.host_address;
}

/// One socket per endpoint that takes part; a datagram carries the number of its sender.
class Prober : public std::enable_shared_from_this<Prober> {
 public:
  Prober(asio::any_io_executor executor, const ClusterPlan& plan, Fabric& fabric,
         const std::vector<Link>& links)
      : missing_(links.begin(), links.end()),
        done_(executor, std::chrono::steady_clock::time_point::max()) {
    for (const auto& link : links) {
      for (const auto endpoint : {link.from, link.to}) {
        if (sockets_.count(endpoint) == 0) {
          open(executor, plan, fabric, endpoint);
        }
      }
    }
  }

  void receive_all() {
    for (auto& [endpoint, peer] : sockets_) {
      receive(endpoint, peer);
    }
  }

  void send(const Link& link) {
    if (missing_.count(link) == 0) {
      return;
    }
    std::array<std::uint8_t, 2> payload{};
    std::memcpy(payload.data(), &link.from, sizeof link.from);
    boost::system::error_code ignored;
    sockets_.at(link.from).socket.send_to(asio::buffer(payload), sockets_.at(link.to).where, 0,
                                          ignored);
  }

  [[nodiscard]] bool complete() const { return missing_.empty(); }
  [[nodiscard]] bool arrived(const Link& link) const { return missing_.count(link) == 0; }
  asio::steady_timer& done() { return done_; }

  void close() {
    for (auto& [endpoint, peer] : sockets_) {
      boost::system::error_code ignored;
      peer.socket.close(ignored);
    }
  }

 private:
  struct Peer {
    udp::socket socket;
    udp::endpoint where;
    udp::endpoint sender{};
    std::array<std::uint8_t, 16> buffer{};
  };

  void open(const asio::any_io_executor& executor, const ClusterPlan& plan, Fabric& fabric,
            Endpoint endpoint) {
    UniqueFd fd = fabric.open_socket(endpoint, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    udp::socket socket(executor);
    socket.assign(udp::v4(), fd.get());
    static_cast<void>(fd.release());
    const Ipv4 address = address_of(plan, endpoint);
    socket.bind(udp::endpoint(asio::ip::address_v4(address.value), 0));
    const auto where = socket.local_endpoint();
    sockets_.emplace(endpoint, Peer{std::move(socket), where});
  }

  void receive(Endpoint endpoint, Peer& peer) {
    peer.socket.async_receive_from(
        asio::buffer(peer.buffer), peer.sender,
        [self = shared_from_this(), endpoint, &peer](const boost::system::error_code& error,
                                                     std::size_t size) {
          if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) {
            return;
          }
          if (!error && size == sizeof(Endpoint)) {
            Endpoint from = 0;
            std::memcpy(&from, peer.buffer.data(), sizeof from);
            self->missing_.erase({from, endpoint});
          }
          if (self->complete()) {
            self->done_.cancel();
            return;
          }
          self->receive(endpoint, peer);
        });
  }

  std::map<Endpoint, Peer> sockets_;
  std::set<Link> missing_;
  asio::steady_timer done_;
};

}  // namespace

asio::awaitable<std::vector<PairVerdict>> probe_pairs(const ClusterPlan& plan, Fabric& fabric,
                                                      std::vector<Link> links,
                                                      std::chrono::milliseconds budget) {
  const auto executor = co_await asio::this_coro::executor;
  std::shared_ptr<Prober> prober;
  try {
    prober = std::make_shared<Prober>(executor, plan, fabric, links);
  } catch (const boost::system::system_error& error) {
    throw_operation(std::string("cannot probe links: ") + error.code().message());
  }
  prober->receive_all();
  for (int round = 0; round < kRounds && !prober->complete(); ++round) {
    for (const auto& link : links) {
      prober->send(link);
    }
    prober->done().expires_after(budget / kRounds);
    boost::system::error_code ignored;
    co_await prober->done().async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  prober->close();
  std::vector<PairVerdict> verdicts;
  verdicts.reserve(links.size());
  for (const auto& link : links) {
    verdicts.push_back({link, prober->arrived(link)});
  }
  co_return verdicts;
}

}  // namespace tinet
