/// Measures relays side by side: throughput, added latency and processor time.
///
///     relay_bench ROUNDS MILLISECONDS PORT NAME=PORT:PID...
///
/// A server listens on the first port; each NAME is a relay to it that is running already. The
/// relay "tinet" is held against "haproxy". One JSON line per figure.

#include <cstdio>
#include <exception>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include "src/base/error.h"
#include "tests/bench/figures.h"
#include "tests/bench/relay_load.h"

namespace tinet::bench {
namespace {

struct Relay {
  std::string name;
  std::uint16_t port = 0;
  std::string pid;  ///< empty for the direct connection
};

struct Load {
  const char* name;
  std::size_t connections;
  std::size_t size;
};

constexpr Load kLoads[] = {
    {"64k.1", 1, 64U << 10U}, {"64k.64", 64, 64U << 10U}, {"128b.1", 1, 128}, {"128b.64", 64, 128}};
constexpr std::size_t kPingBytes = 128;
constexpr int kPingTurns = 10;
/// A relay that adds more than so much of HAProxy's latency is too slow.
constexpr double kLatencyAllowance = 1.2;

/// User and system time of a process and of its ended children, in seconds.
double processor_time(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string line;
  std::getline(file, line);
  // Fields 14 to 17; the second one, in brackets, may have blanks.
  std::istringstream fields(line.substr(line.rfind(')') + 2));
  std::string skipped;
  for (int i = 3; i < 14; ++i) {
    fields >> skipped;
  }
  double ticks = 0;
  for (int i = 14; i <= 17; ++i) {
    double part = 0;
    fields >> part;
    ticks += part;
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// A relay that makes a process per connection has paid for all once these have ended.
void wait_for_children(const std::string& pid) {
  for (int i = 0; i < 200; ++i) {
    std::ifstream file("/proc/" + pid + "/task/" + pid + "/children");
    std::string child;
    if (!(file >> child)) {
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

std::string figure(const Relay& relay, const std::string& what) {
  return "relay." + relay.name + "." + what;
}

void measure_stream(Figures& figures, const Relay& relay, const Load& load,
                    std::chrono::milliseconds time) {
  const double before = relay.pid.empty() ? 0 : processor_time(relay.pid);
  const Throughput result = stream(relay.port, load.connections, load.size, time);
  figures.add(figure(relay, load.name), result.bytes / result.seconds / 1e6);
  if (!relay.pid.empty()) {
    wait_for_children(relay.pid);
    const double used = processor_time(relay.pid) - before;
    figures.add(figure(relay, std::string("cpu.") + load.name), used / (result.bytes / 1e9));
  }
}

void measure_ping(Figures& figures, const std::vector<Relay>& relays,
                  std::chrono::milliseconds time) {
  RoundTrips direct;
  for (const Relay& relay : relays) {
    const RoundTrips trips = ping(relay.port, kPingBytes, time);
    if (relay.pid.empty()) {
      direct = trips;
      figures.add(figure(relay, "rtt"), trips.median_us);
      figures.add(figure(relay, "rtt-p99"), trips.p99_us);
    } else {
      figures.add(figure(relay, "added"), trips.median_us - direct.median_us);
      figures.add(figure(relay, "added-p99"), trips.p99_us - direct.p99_us);
    }
  }
}

void measure_round(Figures& figures, const std::vector<Relay>& relays,
                   std::chrono::milliseconds time) {
  for (const Load& load : kLoads) {
    for (const Relay& relay : relays) {
      measure_stream(figures, relay, load, time);
    }
  }
  // Short turns: what disturbs the machine for a moment disturbs one of many samples of everybody.
  for (int turn = 0; turn < kPingTurns; ++turn) {
    measure_ping(figures, relays, time / kPingTurns);
  }
}

void explain(Figures& figures, const std::vector<Relay>& relays) {
  for (const Relay& relay : relays) {
    const bool is_held = relay.name == "tinet";
    const auto other = [&](const std::string& what) {
      return is_held ? "relay.haproxy." + what : std::string();
    };
    for (const Load& load : kLoads) {
      const bool has_goal = is_held && load.size > 1024;
      figures.expect(figure(relay, load.name),
                     {.goal = has_goal ? figures.median(other(load.name)) : 0,
                      .versus = other(load.name),
                      .unit = "MB/s",
                      .more_is_better = true});
      const std::string cpu = std::string("cpu.") + load.name;
      figures.expect(figure(relay, cpu), {.versus = other(cpu), .unit = "s/GB"});
    }
    for (const char* what : {"rtt", "rtt-p99", "added-p99"}) {
      figures.expect(figure(relay, what), {.versus = other(what), .unit = "us"});
    }
    figures.expect(figure(relay, "added"),
                   {.goal = is_held ? kLatencyAllowance * figures.median(other("added")) : 0,
                    .versus = other("added"),
                    .unit = "us"});
  }
}

Relay parse_relay(const std::string& word) {
  const std::size_t equals = word.find('=');
  const std::size_t colon = word.rfind(':');
  if (equals == std::string::npos || colon == std::string::npos || colon < equals) {
    throw_usage("'" + word + "' is not NAME=PORT:PID");
  }
  return {.name = word.substr(0, equals),
          .port = static_cast<std::uint16_t>(std::stoi(word.substr(equals + 1))),
          .pid = word.substr(colon + 1)};
}

int run_bench(const std::vector<std::string>& words) {
  if (words.size() < 3) {
    throw_usage("usage: relay_bench ROUNDS MILLISECONDS PORT NAME=PORT:PID...");
  }
  const int rounds = std::stoi(words[0]);
  const std::chrono::milliseconds time(std::stoi(words[1]));
  std::vector<Relay> relays = {
      {.name = "direct", .port = static_cast<std::uint16_t>(std::stoi(words[2])), .pid = ""}};
  for (std::size_t i = 3; i < words.size(); ++i) {
    relays.push_back(parse_relay(words[i]));
  }
  start_server(relays.front().port);
  Figures figures;
  for (int round = 0; round < rounds; ++round) {
    measure_round(figures, relays, time);
  }
  explain(figures, relays);
  figures.print();
  return 0;
}

}  // namespace
}  // namespace tinet::bench

int main(int argc, char** argv) {
  try {
    return tinet::bench::run_bench({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "relay_bench: error: %s\n", error.what());
    return 1;
  }
}
