/// What the userspace wire costs and how exact it is: error of a delay, packets per second and
/// processor time per packet, TCP throughput. Runs in namespaces of its own, as root or not.
/// Figures are printed as JSON lines; "none" is the same without the wire. Errors are over the
/// delay that was asked for.
///
///     wire_bench [SECONDS]      of each flood and transfer, default 3

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/error.h"
#include "tests/kernel/wire_world.h"

namespace tinet::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::Arrival;
using testing::WireWorld;

constexpr std::uint16_t kForth = 1;
constexpr std::uint16_t kBack = 2;
constexpr std::uint16_t kHeld = 3;

void print(const std::string& name, double value, const char* unit, std::size_t n) {
  std::printf("{\"name\":\"%s\",\"value\":%.3f,\"unit\":\"%s\",\"n\":%zu}\n", name.c_str(), value,
              unit, n);
  std::fflush(stdout);
}

double seconds_since(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

/// Processor time of a process so far, in seconds.
double processor_time(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/schedstat");
  double nanoseconds = 0;
  file >> nanoseconds;
  return nanoseconds / 1e9;
}

WireShape delayed(milliseconds delay) {
  WireShape shape;
  if (delay.count() > 0) {
    shape.delay = Delay{.delay = delay};
  }
  shape.queue_packets = 100'000;
  return shape;
}

/// Error of each packet's delay over what was asked for, one packet at a time.
void delay_error(WireWorld& world, int delay_ms, std::size_t packets) {
  const UniqueFd a = world.socket(0, AF_INET, SOCK_DGRAM);
  const UniqueFd b = world.socket(1, AF_INET, SOCK_DGRAM);
  std::vector<double> errors;
  for (std::size_t i = 0; i < packets; ++i) {
    WireWorld::send(a, b, 1, static_cast<std::uint32_t>(i));
    for (const Arrival& arrival : WireWorld::receive(b, 1)) {
      errors.push_back(arrival.delay_ms() - delay_ms);
    }
  }
  std::sort(errors.begin(), errors.end());
  const std::string name = "wire.error." + std::to_string(delay_ms) + "ms.";
  print(name + "median", errors.at(errors.size() / 2), "ms", errors.size());
  print(name + "p99", errors.at(errors.size() * 99 / 100), "ms", errors.size());
}

/// Datagrams as fast as one thread can send them.
void flood(WireWorld& world, const std::string& name, double seconds, bool wired) {
  const UniqueFd a = world.socket(0, AF_INET, SOCK_DGRAM);
  const UniqueFd b = world.socket(1, AF_INET, SOCK_DGRAM);
  std::atomic<bool> stop = false;
  std::atomic<std::size_t> received = 0;
  std::thread receiving([&] {
    while (!stop) {
      received += WireWorld::receive(b, 10'000, milliseconds(20)).size();
    }
  });
  const pid_t pid = world.wire.pid();
  const double before = wired ? processor_time(pid) : 0;
  const auto start = steady_clock::now();
  std::uint32_t sent = 0;
  while (seconds_since(start) < seconds) {
    WireWorld::send(a, b, 100, sent);
    sent += 100;
  }
  const double took = seconds_since(start);
  // Also what still waits.
  static_cast<void>(WireWorld::receive(a, 1, milliseconds(300)));
  stop = true;
  receiving.join();
  print("wire.sent." + name, sent / took / 1000, "kpps", sent);
  print("wire.received." + name, static_cast<double>(received) / took / 1000, "kpps", received);
  if (wired) {
    const auto counted = world.counters(0, 1, kForth);
    print("wire.cpu-per-packet." + name, (processor_time(pid) - before) / sent * 1e6, "us", sent);
    print("wire.dropped." + name,
          static_cast<double>(counted.overflowed + world.wire.stats().missed), "packets", sent);
  }
}

void transfer(WireWorld& world, const std::string& name, double seconds) {
  const UniqueFd listener = world.socket(1, AF_INET, SOCK_STREAM);
  const UniqueFd sender = world.socket(0, AF_INET, SOCK_STREAM);
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::listen(listener.get(), 1) != 0 ||
      ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      ::connect(sender.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    throw_operation("cannot connect");
  }
  const UniqueFd receiver(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  std::thread sending([&] {
    std::array<char, 65536> block{};
    const auto start = steady_clock::now();
    while (seconds_since(start) < seconds &&
           ::send(sender.get(), block.data(), block.size(), MSG_NOSIGNAL) > 0) {
    }
    ::shutdown(sender.get(), SHUT_WR);
  });
  const auto start = steady_clock::now();
  std::array<char, 65536> block{};
  double bytes = 0;
  for (ssize_t got = 0; (got = ::recv(receiver.get(), block.data(), block.size(), 0)) > 0;) {
    bytes += static_cast<double>(got);
  }
  const double took = seconds_since(start);
  sending.join();
  print("wire.tcp." + name, bytes * 8 / took / 1e9, "Gb/s", 1);
}

/// What held packets of another link cost.
void hold_beside(WireWorld& world, double seconds) {
  constexpr std::uint32_t kPackets = 10'000;
  WireShape holding;
  holding.hold = true;
  world.wire.set_class(kHeld, holding);
  world.classify(0, 2, kHeld);
  const UniqueFd a = world.socket(0, AF_INET, SOCK_DGRAM);
  const UniqueFd c = world.socket(2, AF_INET, SOCK_DGRAM);
  WireWorld::send(a, c, kPackets);
  world.wire.set_class(kForth, delayed(milliseconds(1)));
  flood(world, "1ms-beside-10000-held", seconds, true);
  const auto start = steady_clock::now();
  const std::array classes{kHeld};
  world.wire.release(classes, HeldPackets::Deliver);
  print("wire.release.10000-held", seconds_since(start) * 1e3, "ms", kPackets);
}

void measure(double seconds) {
  WireWorld world(3);
  delay_error(world, 0, 2000);
  flood(world, "none", seconds, false);
  transfer(world, "none", seconds);

  world.wire.ensure();
  world.wire.set_class(kForth, delayed({}));
  world.wire.set_class(kBack, delayed({}));
  world.classify(0, 1, kForth);
  world.classify(1, 0, kBack);
  flood(world, "0ms", seconds, true);
  transfer(world, "0ms", seconds);
  for (const auto& [delay_ms, packets] : {std::pair{1, 2000}, {10, 500}, {100, 100}}) {
    world.wire.set_class(kForth, delayed(milliseconds(delay_ms)));
    delay_error(world, delay_ms, static_cast<std::size_t>(packets));
    flood(world, std::to_string(delay_ms) + "ms", seconds, true);
  }
  hold_beside(world, seconds);
  world.wire.set_class(kForth, delayed(milliseconds(5)));
  world.wire.set_class(kBack, delayed(milliseconds(5)));
  transfer(world, "10ms-rtt", seconds);
}

}  // namespace
}  // namespace tinet::bench

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 3;
  if (::unshare(CLONE_NEWNET) != 0) {
    std::fprintf(stderr, "wire_bench: needs root\n");
    return 3;
  }
  try {
    tinet::bench::measure(seconds);
  } catch (const tinet::Error& error) {
    std::fprintf(stderr, "wire_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
