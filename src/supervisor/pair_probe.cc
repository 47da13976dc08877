#include "src/supervisor/pair_probe.h"

#include <algorithm>
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

constexpr std::size_t kRoundsMax = 20;
constexpr std::size_t kRoundsMin = 3;
/// Datagrams to links from which nothing comes, over all rounds: they are sent by the one loop.
constexpr std::size_t kDatagramsMax = 100'000;

enum class Family : std::uint8_t { V4, V6 };
using Probe = std::pair<Link, Family>;

std::optional<asio::ip::address> probe_address(const ClusterPlan& plan, Endpoint endpoint,
                                               Family family) {
  if (family == Family::V4) {
    return asio::ip::address_v4(address_of(plan, endpoint).value);
  }
  const auto address = address6_of(plan, endpoint);
  if (!address) {
    return std::nullopt;
  }
  return asio::ip::address_v6(address->bytes);
}

/// The sender's number, and the same inverted: a corrupted one is nobody's.
struct Payload {
  Endpoint from = 0;
  Endpoint inverted = 0;
};

/// One socket per endpoint and family that takes part.
class Prober : public std::enable_shared_from_this<Prober> {
 public:
  Prober(asio::any_io_executor executor, const ClusterPlan& plan, Fabric& fabric,
         const std::vector<Link>& links)
      : done_(executor, std::chrono::steady_clock::time_point::max()) {
    for (const Family family : {Family::V4, Family::V6}) {
      for (const auto& link : links) {
        const auto from = probe_address(plan, link.from, family);
        const auto to = probe_address(plan, link.to, family);
        if (from && to) {
          missing_.insert({link, family});
          open(executor, fabric, link.from, family, *from);
          open(executor, fabric, link.to, family, *to);
        }
      }
    }
    sent_ = missing_;
  }

  void receive_all() {
    for (auto& [where, peer] : sockets_) {
      receive(where, peer);
    }
  }

  void send_missing() {
    for (const auto& [link, family] : missing_) {
      const Payload payload{link.from, static_cast<Endpoint>(~link.from)};
      boost::system::error_code ignored;
      sockets_.at({link.from, family})
          .socket.send_to(asio::buffer(&payload, sizeof payload),
                          sockets_.at({link.to, family}).where, 0, ignored);
    }
  }

  [[nodiscard]] bool complete() const { return missing_.empty(); }
  asio::steady_timer& done() { return done_; }

  [[nodiscard]] ProbedLink verdict(const Link& link) const {
    ProbedLink verdict{link, false, true};
    for (const Family family : {Family::V4, Family::V6}) {
      const Probe probe{link, family};
      if (sent_.count(probe) > 0) {
        const bool arrived = missing_.count(probe) == 0;
        verdict.any = verdict.any || arrived;
        verdict.all = verdict.all && arrived;
      }
    }
    return verdict;
  }

  void close() {
    for (auto& [where, peer] : sockets_) {
      boost::system::error_code ignored;
      peer.socket.close(ignored);
    }
  }

 private:
  using Where = std::pair<Endpoint, Family>;
  struct Peer {
    udp::socket socket;
    udp::endpoint where;
    udp::endpoint sender{};
    std::array<std::uint8_t, 16> buffer{};
  };

  void open(const asio::any_io_executor& executor, Fabric& fabric, Endpoint endpoint, Family family,
            const asio::ip::address& address) {
    if (sockets_.count({endpoint, family}) > 0) {
      return;
    }
    UniqueFd fd = fabric.open_socket(endpoint, family == Family::V4 ? AF_INET : AF_INET6,
                                     SOCK_DGRAM | SOCK_NONBLOCK, 0);
    udp::socket socket(executor);
    socket.assign(family == Family::V4 ? udp::v4() : udp::v6(), fd.get());
    static_cast<void>(fd.release());
    socket.bind(udp::endpoint(address, 0));
    const auto where = socket.local_endpoint();
    sockets_.emplace(Where{endpoint, family}, Peer{std::move(socket), where});
  }

  void receive(Where where, Peer& peer) {
    peer.socket.async_receive_from(
        asio::buffer(peer.buffer), peer.sender,
        [self = shared_from_this(), where, &peer](const boost::system::error_code& error,
                                                  std::size_t size) {
          if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) {
            return;
          }
          Payload payload;
          if (!error && size == sizeof payload) {
            std::memcpy(&payload, peer.buffer.data(), sizeof payload);
            if (payload.inverted == static_cast<Endpoint>(~payload.from)) {
              self->missing_.erase({{payload.from, where.first}, where.second});
            }
          }
          if (self->complete()) {
            self->done_.cancel();
            return;
          }
          self->receive(where, peer);
        });
  }

  std::map<Where, Peer> sockets_;
  std::set<Probe> missing_;
  std::set<Probe> sent_;
  asio::steady_timer done_;
};

}  // namespace

Ipv4 address_of(const ClusterPlan& plan, Endpoint endpoint) {
  if (endpoint < plan.instances.size()) {
    return plan.instances[endpoint].address;
  }
  return endpoint == plan.instances.size() ? plan.client_address : plan.host_address;
}

std::optional<Ipv6> address6_of(const ClusterPlan& plan, Endpoint endpoint) {
  if (!plan.ipv6 || endpoint > plan.instances.size()) {
    return std::nullopt;
  }
  return endpoint == plan.instances.size() ? plan.client_address6
                                           : plan.instances[endpoint].address6;
}

asio::awaitable<std::vector<ProbedLink>> probe_pairs(const ClusterPlan& plan, Fabric& fabric,
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
  const std::size_t rounds =
      std::clamp(kDatagramsMax / std::max<std::size_t>(links.size(), 1), kRoundsMin, kRoundsMax);
  const auto pause = std::chrono::nanoseconds(budget) / static_cast<std::int64_t>(rounds);
  for (std::size_t round = 0; round < rounds && !prober->complete(); ++round) {
    prober->send_missing();
    prober->done().expires_after(pause);
    boost::system::error_code ignored;
    co_await prober->done().async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  prober->close();
  std::vector<ProbedLink> verdicts;
  verdicts.reserve(links.size());
  for (const auto& link : links) {
    verdicts.push_back(prober->verdict(link));
  }
  co_return verdicts;
}

}  // namespace tinet
