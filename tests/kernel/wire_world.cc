#include "tests/kernel/wire_world.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <thread>

#include <netinet/in.h>
#include <poll.h>

#include "src/base/error.h"
#include "src/base/scope_exit.h"

namespace tinet::testing {
namespace {

using namespace nft;

constexpr IfIndex kEth0{2};
constexpr std::uint32_t kInetForward = 2;
/// Before br_netfilter hands the bridge's packets to the inet hooks, at 0.
constexpr std::int32_t kBeforeQueue = -200;

TableId class_table() {
  return {Family::Bridge, "classes"};
}
TableId queue_table() {
  return {Family::Inet, "queue"};
}

SetSpec class_map() {
  return {.table = class_table(),
          .name = "classes",
          .key = {Datatype::IfIndex, Datatype::IfIndex},
          .map = MapKind::Values,
          .values = {Datatype::Mark}};
}

Element class_element(std::size_t a, std::size_t b, std::uint16_t number) {
  return {.key = link_key(SmallNetwork::port(a), SmallNetwork::port(b)),
          .value = KeyBuilder().u32(number).take()};
}

std::vector<Expression> queue_when_classified(const Expression& queue) {
  return {MetaLoad{MetaKey::Mark, kR0}, Bitwise{kR0, kR0, {0xff, 0xff, 0, 0}, {0, 0, 0, 0}},
          Compare{CompareOp::NotEqual, kR0, {0, 0, 0, 0}}, queue};
}

IpAddress address_v6(std::size_t i) {
  return IpAddress::v6(
      {0xfd, 0x74, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(0x10 + i)});
}

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);
  [[nodiscard]] sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress address_of(std::size_t i, int family) {
  SocketAddress result;
  if (family == AF_INET) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_addr.s_addr = htonl(SmallNetwork::address(i));
    std::memcpy(&result.storage, &v4, sizeof v4);
    result.size = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_addr, address_v6(i).bytes().data(), sizeof v6.sin6_addr);
    std::memcpy(&result.storage, &v6, sizeof v6);
    result.size = sizeof v6;
  }
  return result;
}

struct Datagram {
  std::uint32_t number;
  std::uint32_t zero;
  std::int64_t sent_ns;
};

std::chrono::nanoseconds real_now() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

WireWorld::WireWorld(std::size_t instances) : network(instances), wire(client_options()) {
  make_rules();
  make_ipv6();
}

void WireWorld::make_rules() {
  Batch classes;
  classes.add_table({.id = class_table()})
      .add_chain({.table = class_table(),
                  .name = "forward",
                  .hook = Hook{.number = kBridgeForward, .priority = kBeforeQueue}})
      .add_set(class_map())
      // What the kernel itself sends to groups (MLD) would be counted with the test's packets.
      .add_rule({.table = class_table(),
                 .chain = "forward",
                 .expressions = {PayloadLoad{Header::Link, 0, 1, kR0},
                                 Bitwise{kR0, kR0, {1, 0, 0, 0}, {0, 0, 0, 0}},
                                 Compare{CompareOp::NotEqual, kR0, {0, 0, 0, 0}},
                                 GiveVerdict{{Verdict::Kind::Accept}}}})
      .add_rule({.table = class_table(),
                 .chain = "forward",
                 .expressions = {MetaLoad{MetaKey::InIndex, kR0}, MetaLoad{MetaKey::OutIndex, kR1},
                                 MapLoad{"classes", kR0, kR0}, MetaSet{MetaKey::Mark, kR0}}});
  commit(*network.rules, std::move(classes).seal());

  // Where the kernel can queue in the bridge itself.
  Batch native;
  native.add_rule({.table = class_table(),
                   .chain = "forward",
                   .expressions = queue_when_classified(Queue{.bypass = true})});
  if (try_commit(*network.rules, std::move(native).seal()).ok()) {
    return;
  }
  for (const char* call : {"iptables", "ip6tables"}) {
    network.thread.write_sysctl(network.switch_space,
                                std::string("net/bridge/bridge-nf-call-") + call, "1");
  }
  Batch compat;
  compat.add_table({.id = queue_table()})
      .add_chain({.table = queue_table(),
                  .name = "forward",
                  .hook = Hook{.number = kInetForward, .priority = 0}})
      .add_rule({.table = queue_table(),
                 .chain = "forward",
                 .expressions = queue_when_classified(CompatQueue{.bypass = true})});
  commit(*network.rules, std::move(compat).seal());
}

void WireWorld::make_ipv6() {
  for (std::size_t i = 0; i < network.spaces.size(); ++i) {
    network.thread.write_sysctl(network.spaces[i], "net/ipv6/conf/eth0/disable_ipv6", "0");
    netlink::Request request;
    put_address(request, {.link = kEth0, .address = {address_v6(i), 64}});
    for (std::size_t j = 0; j < network.spaces.size(); ++j) {
      if (j != i) {
        put_neighbour(request, kEth0, address_v6(j), SmallNetwork::mac(j));
      }
    }
    network.instance_links[i].execute(request);
    auto events = network.thread.open_netlink(network.spaces[i], NETLINK_ROUTE);
    wait_until_local(network.instance_links[i], events, address_v6(i), std::chrono::seconds(60));
  }
}

void WireWorld::classify(std::size_t a, std::size_t b, std::uint16_t number) {
  Batch batch;
  const std::array elements{class_element(a, b, number)};
  batch.add_elements(class_map(), elements);
  commit(*network.rules, std::move(batch).seal());
}

void WireWorld::unclassify(std::size_t a, std::size_t b) {
  Batch batch;
  const std::array elements{class_element(a, b, 0)};
  batch.delete_elements(class_map(), elements);
  commit(*network.rules, std::move(batch).seal());
}

UniqueFd WireWorld::socket(std::size_t i, int family, int type) {
  UniqueFd fd = network.thread.open_socket(network.spaces[i], family, type, 0);
  const int on = 1;
  const int room = 4 << 20;
  static_cast<void>(::setsockopt(fd.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on));
  if (type == SOCK_DGRAM) {
    // What the wire holds belongs to the sender's buffer until it arrives, on some kernels.
    for (const auto& [forced, capped] :
         {std::pair{SO_RCVBUFFORCE, SO_RCVBUF}, {SO_SNDBUFFORCE, SO_SNDBUF}}) {
      if (::setsockopt(fd.get(), SOL_SOCKET, forced, &room, sizeof room) < 0) {
        static_cast<void>(::setsockopt(fd.get(), SOL_SOCKET, capped, &room, sizeof room));
      }
    }
  }
  SocketAddress own = address_of(i, family);
  if (::bind(fd.get(), own.get(), own.size) < 0) {
    const int error = errno;
    throw_errno(error, "cannot bind a test socket");
  }
  return fd;
}

void WireWorld::send(const UniqueFd& from, const UniqueFd& to, std::uint32_t count,
                     std::uint32_t first) {
  SocketAddress target;
  if (::getsockname(to.get(), target.get(), &target.size) < 0) {
    const int error = errno;
    throw_errno(error, "cannot read a test socket's address");
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const Datagram datagram{first + i, 0, real_now().count()};
    if (::sendto(from.get(), &datagram, sizeof datagram, 0, target.get(), target.size) < 0) {
      const int error = errno;
      throw_errno(error, "cannot send a test datagram");
    }
  }
}

std::vector<Arrival> WireWorld::receive(const UniqueFd& at, std::size_t wanted,
                                        std::chrono::milliseconds quiet) {
  std::vector<Arrival> arrivals;
  pollfd waiting{at.get(), POLLIN, 0};
  while (arrivals.size() < wanted && ::poll(&waiting, 1, static_cast<int>(quiet.count())) == 1) {
    Datagram datagram{};
    iovec piece{&datagram, sizeof datagram};
    alignas(cmsghdr) std::array<char, 128> control{};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    if (::recvmsg(at.get(), &header, MSG_DONTWAIT) != sizeof datagram) {
      break;
    }
    Arrival arrival{datagram.number, std::chrono::nanoseconds(datagram.sent_ns), {}};
    for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
      if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
        timespec stamp{};
        std::memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
        arrival.received =
            std::chrono::seconds(stamp.tv_sec) + std::chrono::nanoseconds(stamp.tv_nsec);
      }
    }
    arrivals.push_back(arrival);
  }
  return arrivals;
}

std::vector<Arrival> WireWorld::exchange(const UniqueFd& from, const UniqueFd& to,
                                         std::uint32_t count, std::chrono::milliseconds quiet) {
  constexpr std::uint32_t kChunk = 50;
  std::vector<Arrival> arrivals;
  std::thread receiving([&] { arrivals = receive(to, count, quiet); });
  ScopeExit join([&] { receiving.join(); });
  for (std::uint32_t first = 0; first < count; first += kChunk) {
    send(from, to, std::min(kChunk, count - first), first);
    // Answered when the wire has read what was sent.
    static_cast<void>(wire.stats());
  }
  join.run();
  return arrivals;
}

WireClientOptions WireWorld::client_options() {
  WireClientOptions options;
  options.open_queue = [this] {
    return network.thread.open_socket(network.switch_space, AF_NETLINK, SOCK_RAW,
                                      NETLINK_NETFILTER);
  };
  options.program = TINET_WIRE_PROGRAM;
  options.argv = {"wire_process"};
  return options;
}

WireCounters WireWorld::counters(std::size_t a, std::size_t b, std::uint16_t number) {
  for (const WireLane& lane : wire.stats().lanes) {
    if (lane.number == number &&
        lane.link == WireLink{SmallNetwork::port(a), SmallNetwork::port(b)}) {
      return lane.counters;
    }
  }
  return {};
}

}  // namespace tinet::testing
