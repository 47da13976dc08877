#include "tests/kernel/probe_pairs.h"

#include <array>
#include <cerrno>
#include <map>
#include <random>

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "src/base/error.h"

namespace tinet {

namespace {

using Clock = std::chrono::steady_clock;

/// Sent as it is: it never leaves the machine.
struct Datagram {
  std::uint64_t nonce = 0;  ///< tells this call's datagrams from stray ones
  std::uint64_t index = 0;  ///< of the link
};

/// So many datagrams may wait in a receive queue before they are taken out.
constexpr std::size_t kSendsBetweenReceives = 64;

class Prober {
 public:
  Prober(Fabric& fabric, const std::vector<FabricEndpoint>& endpoints,
         const std::vector<Link>& links);

  std::vector<PairVerdict> run(const ProbeOptions& options);

 private:
  struct Party {
    UniqueFd socket;
    sockaddr_in address{};
  };

  void add_party(Fabric& fabric, const std::vector<FabricEndpoint>& endpoints, Endpoint endpoint);
  void send(std::size_t index);
  void attempt(Clock::time_point until);
  /// Takes in what arrives until `until`, or until everything has arrived.
  void receive(Clock::time_point until);
  void drain(Endpoint endpoint);

  UniqueFd epoll_;
  std::map<Endpoint, Party> parties_;
  std::vector<PairVerdict> verdicts_;
  std::size_t missing_;
  std::uint64_t nonce_;
};

Prober::Prober(Fabric& fabric, const std::vector<FabricEndpoint>& endpoints,
               const std::vector<Link>& links)
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), missing_(links.size()) {
  if (const int error = errno; !epoll_) {
    throw_errno(error, "cannot probe links");
  }
  std::random_device random;
  nonce_ = (std::uint64_t{random()} << 32) | random();
  verdicts_.reserve(links.size());
  for (const Link& link : links) {
    verdicts_.push_back({link, false});
    add_party(fabric, endpoints, link.from);
    add_party(fabric, endpoints, link.to);
  }
}

void Prober::add_party(Fabric& fabric, const std::vector<FabricEndpoint>& endpoints,
                       Endpoint endpoint) {
  if (parties_.contains(endpoint)) {
    return;
  }
  const FabricEndpoint& plan = endpoints.at(endpoint);
  Party party;
  party.socket = fabric.open_socket(endpoint, AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  party.address.sin_family = AF_INET;
  party.address.sin_addr.s_addr = htonl(plan.address.value);
  auto* address = reinterpret_cast<sockaddr*>(&party.address);
  socklen_t size = sizeof party.address;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u32 = endpoint;
  if (::bind(party.socket.get(), address, size) != 0 ||
      ::getsockname(party.socket.get(), address, &size) != 0 ||
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, party.socket.get(), &event) != 0) {
    const int error = errno;
    throw_errno(error, "cannot probe links of '" + plan.name + "'");
  }
  parties_.emplace(endpoint, std::move(party));
}

void Prober::send(std::size_t index) {
  const Datagram datagram{nonce_, index};
  const Link link = verdicts_[index].link;
  const sockaddr_in& to = parties_.at(link.to).address;
  // A refusal (EPERM, ENETUNREACH) means that it does not arrive: that is the answer.
  static_cast<void>(::sendto(parties_.at(link.from).socket.get(), &datagram, sizeof datagram,
                             MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to), sizeof to));
}

void Prober::drain(Endpoint endpoint) {
  const Party& party = parties_.at(endpoint);
  Datagram datagram;
  for (;;) {
    const auto size = ::recv(party.socket.get(), &datagram, sizeof datagram, MSG_TRUNC);
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size < 0) {
      return;
    }
    const bool ours = size == sizeof datagram && datagram.nonce == nonce_ &&
                      datagram.index < verdicts_.size() &&
                      verdicts_[datagram.index].link.to == endpoint;
    if (ours && !verdicts_[datagram.index].arrived) {
      verdicts_[datagram.index].arrived = true;
      --missing_;
    }
  }
}

void Prober::receive(Clock::time_point until) {
  std::array<epoll_event, 64> events{};
  while (missing_ > 0) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    const int wait = left.count() > 0 ? static_cast<int>(left.count()) : 0;
    const int count =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait);
    for (int i = 0; i < count; ++i) {
      drain(static_cast<Endpoint>(events.at(static_cast<std::size_t>(i)).data.u32));
    }
    if (count <= 0 && Clock::now() >= until) {
      return;
    }
  }
}

void Prober::attempt(Clock::time_point until) {
  std::size_t sent = 0;
  for (std::size_t i = 0; i < verdicts_.size(); ++i) {
    if (!verdicts_[i].arrived) {
      send(i);
      if (++sent % kSendsBetweenReceives == 0) {
        receive(Clock::now());
      }
    }
  }
  receive(std::max(until, Clock::now()));
}

std::vector<PairVerdict> Prober::run(const ProbeOptions& options) {
  for (int i = 0; i < options.attempts && missing_ > 0; ++i) {
    attempt(Clock::now() + options.timeout);
  }
  return std::move(verdicts_);
}

}  // namespace

std::vector<PairVerdict> probe_pairs(Fabric& fabric, const std::vector<FabricEndpoint>& endpoints,
                                     const std::vector<Link>& links, const ProbeOptions& options) {
  return Prober(fabric, endpoints, links).run(options);
}

}  // namespace tinet
