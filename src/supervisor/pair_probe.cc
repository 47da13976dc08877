#include "src/supervisor/pair_probe.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "src/supervisor/probe_socket.h"

namespace tinet {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::steady_clock;

namespace {

constexpr std::size_t kRoundsMax = 20;
constexpr std::size_t kRoundsMin = 3;
/// Datagrams that are sent before the receivers are looked at and the loop may do other work: what
/// waits in one socket must fit its buffer.
constexpr std::size_t kChunk = 200;
/// Between two looks at the receivers.
constexpr milliseconds kLook{1};
constexpr milliseconds kLookMax{20};
/// What is on its way still when nothing delays it.
constexpr milliseconds kStragglers{30};
/// Arrivals whose time is kept.
constexpr std::size_t kTimesMax = 21;

struct Payload {
  std::int64_t sent_ns = 0;
  std::uint32_t from = 0;
  std::uint32_t number = 0;
  std::array<std::uint32_t, 3> filler{};
  std::uint32_t check = 0;  ///< makes a corrupted one nobody's
};
static_assert(sizeof(Payload) == kProbeBytes);

std::uint32_t check_of(const Payload& payload) {
  const auto time = static_cast<std::uint64_t>(payload.sent_ns);
  return ~(static_cast<std::uint32_t>(time) ^ static_cast<std::uint32_t>(time >> 32U) ^
           payload.from ^ (payload.number << 7U));
}

/// A link in one family.
struct Probe {
  Link link;
  const Expected* expected = nullptr;
  ProbeSocket* from = nullptr;
  ProbeSocket* to = nullptr;
  Sighted sighted{};
  std::vector<bool> seen{};
  steady_clock::time_point last{};  ///< when the last one was sent

  [[nodiscard]] bool shall_stay() const { return expected->fate == Expected::Fate::Stay; }
  /// Whether something may still be on its way.
  [[nodiscard]] bool waits(steady_clock::time_point time) const {
    const auto slowest = expected->delay + 4 * expected->jitter + nanoseconds(kStragglers);
    return sighted.arrived() < sighted.sent && time < last + slowest;
  }
};

class Prober {
 public:
  Prober(const ClusterPlan& plan, Fabric& fabric, const std::vector<WantedLink>& links) {
    for (const WantedLink& wanted : links) {
      const auto add = [&](const ProbeAddress& from, const ProbeAddress& to) {
        ProbeSocket& near = open(fabric, wanted.link.from, from);
        ProbeSocket& far = open(fabric, wanted.link.to, to);
        Probe probe;
        probe.link = wanted.link;
        probe.expected = &wanted.expected;
        probe.from = &near;
        probe.to = &far;
        by_way_[{near.address(), wanted.link.to}] = probes_.size();
        probes_.push_back(std::move(probe));
      };
      add(ProbeAddress(address_of(plan, wanted.link.from)),
          ProbeAddress(address_of(plan, wanted.link.to)));
      const auto from6 = address6_of(plan, wanted.link.from);
      const auto to6 = address6_of(plan, wanted.link.to);
      if (from6 && to6) {
        add(ProbeAddress(*from6), ProbeAddress(*to6));
      }
    }
  }

  /// What has to be sent now, by probe: in the first round everything that can show something at
  /// once, later one more where nothing came.
  [[nodiscard]] std::vector<std::size_t> due(std::size_t round) const {
    std::vector<std::size_t> due;
    for (std::size_t i = 0; i < probes_.size(); ++i) {
      const Probe& probe = probes_[i];
      const std::size_t times = round == 0                     ? probe.expected->tries
                                : probe.shall_stay()           ? 1
                                : probe.sighted.arrived() == 0 ? 1
                                                               : 0;
      due.insert(due.end(), times, i);
    }
    return due;
  }

  void send(std::size_t index) {
    Probe& probe = probes_[index];
    Payload payload;
    payload.from = probe.link.from;
    payload.number = static_cast<std::uint32_t>(probe.sighted.sent);
    payload.sent_ns = stamp_now().count();
    payload.check = check_of(payload);
    if (probe.from->send(probe.to->address(), std::as_bytes(std::span(&payload, 1)))) {
      ++probe.sighted.sent;
      probe.seen.push_back(false);
      probe.last = steady_clock::now();
    }
  }

  /// Takes what has arrived by now.
  void look() {
    for (auto& [where, socket] : sockets_) {
      std::array<std::byte, kProbeBytes + 1> buffer{};
      while (const auto arrival = socket.receive(buffer)) {
        const auto way = by_way_.find({arrival->from, where.first});
        if (way != by_way_.end() && arrival->size == kProbeBytes) {
          take(probes_[way->second], buffer, arrival->at);
        }
      }
    }
  }

  [[nodiscard]] bool shall_wait_for_none() const {
    return std::any_of(probes_.begin(), probes_.end(), [](const Probe& probe) {
      return probe.shall_stay() && probe.sighted.arrived() == 0;
    });
  }
  /// Whether every link has shown what it shall, with nothing on its way.
  [[nodiscard]] bool complete() const {
    const auto time = steady_clock::now();
    return std::none_of(probes_.begin(), probes_.end(), [&](const Probe& probe) {
      return probe.waits(time) || (probe.sighted.arrived() == 0 && !probe.shall_stay());
    });
  }

  [[nodiscard]] std::vector<ProbedLink> verdicts(const std::vector<WantedLink>& links) {
    std::vector<ProbedLink> verdicts;
    auto probe = probes_.begin();
    for (const WantedLink& wanted : links) {
      ProbedLink verdict{wanted.link, std::move(probe->sighted), {}};
      ++probe;
      if (probe != probes_.end() && probe->link == wanted.link) {
        verdict.v6 = std::move(probe->sighted);
        ++probe;
      }
      verdicts.push_back(std::move(verdict));
    }
    return verdicts;
  }

 private:
  ProbeSocket& open(Fabric& fabric, Endpoint endpoint, const ProbeAddress& address) {
    const std::pair where{endpoint, address.family()};
    const auto found = sockets_.find(where);
    return found != sockets_.end()
               ? found->second
               : sockets_.emplace(where, ProbeSocket(fabric, endpoint, address)).first->second;
  }

  static void take(Probe& probe, std::span<const std::byte> bytes, StampTime at) {
    Payload payload;
    std::memcpy(&payload, bytes.data(), sizeof payload);
    Sighted& sighted = probe.sighted;
    if (payload.check != check_of(payload) || payload.number >= probe.seen.size()) {
      ++sighted.corrupted;
      return;
    }
    if (probe.seen[payload.number]) {
      ++sighted.copies;
      return;
    }
    probe.seen[payload.number] = true;
    ++sighted.intact;
    if (sighted.taken.size() < kTimesMax) {
      sighted.taken.push_back(at - nanoseconds(payload.sent_ns));
    }
  }

  std::map<std::pair<Endpoint, int>, ProbeSocket> sockets_;          // their places stay
  std::vector<Probe> probes_;                                        ///< by link, IPv4 before IPv6
  std::map<std::pair<ProbeAddress, Endpoint>, std::size_t> by_way_;  ///< sender, receiver
};

}  // namespace

std::size_t tries_per_link(std::size_t links) {
  constexpr std::size_t kTriesMax = 5'000;
  return std::clamp(kDatagramsMax / std::max<std::size_t>(links, 1), kRoundsMin, kTriesMax);
}

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
                                                     std::vector<WantedLink> links,
                                                     milliseconds budget) {
  Prober prober(plan, fabric, links);
  asio::steady_timer timer(co_await asio::this_coro::executor);
  const auto pause = [&](nanoseconds time) {
    timer.expires_after(std::chrono::duration_cast<steady_clock::duration>(time));
    return timer.async_wait(asio::use_awaitable);
  };
  const std::size_t rounds = std::min(tries_per_link(links.size()), kRoundsMax);
  const auto start = steady_clock::now();
  for (std::size_t round = 0; round < rounds; ++round) {
    std::size_t in_chunk = 0;
    for (const std::size_t index : prober.due(round)) {
      prober.send(index);
      if (++in_chunk == kChunk) {
        in_chunk = 0;
        prober.look();
        co_await pause(nanoseconds(0));
      }
    }
    const auto end = start + nanoseconds(budget) * static_cast<std::int64_t>(round + 1) /
                                 static_cast<std::int64_t>(rounds);
    for (milliseconds look = kLook; steady_clock::now() < end;
         look = std::min(look * 2, kLookMax)) {
      prober.look();
      if (prober.complete() && !prober.shall_wait_for_none()) {
        // Copies come behind the others.
        co_await pause(kLook);
        prober.look();
        co_return prober.verdicts(links);
      }
      co_await pause(std::min<nanoseconds>(look, end - steady_clock::now()));
    }
    prober.look();
  }
  co_return prober.verdicts(links);
}

}  // namespace tinet
