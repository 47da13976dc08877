/// What delays the packets of a link, measured beside each other and in turns: the userspace wire,
/// netem where this kernel has it, and no fault at all. How exact a delay is, how many packets
/// pass, at what cost, and TCP. Runs in namespaces of its own, needs root.
///
///     wire_bench [ROUNDS [MILLISECONDS]]      default 7 rounds, 1000 ms for each measure
///
/// Errors are over the delay that was asked for; those without a fault are the way itself.

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sys/utsname.h>

#include "src/base/error.h"
#include "tests/bench/datagram_load.h"
#include "tests/bench/figures.h"
#include "tests/bench/own_namespaces.h"
#include "tests/kernel/fabric_world.h"
#include "tests/kernel/fault_actions.h"

namespace tinet::bench {
namespace {

using std::chrono::milliseconds;
using testing::World;

constexpr Link kForth{0, 1};
constexpr Link kBack{1, 0};
constexpr Link kHeldLink{0, 2};
constexpr std::uint32_t kHeldPackets = 10'000;
constexpr std::size_t kInstances = 3;
constexpr std::chrono::microseconds kGap{2000};
constexpr const char* kWire = "wire";
constexpr const char* kNetem = "netem";
constexpr const char* kNoFault = "no-fault";

/// A network whose delays one mechanism makes, or that has none.
class Subject {
 public:
  Subject(std::string name, bool use_netem) : name_(std::move(name)), world_(make(use_netem)) {}

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] bool delays() const { return name_ != kNoFault; }
  [[nodiscard]] World& world() { return *world_; }
  [[nodiscard]] Path path(Link link = kForth) const {
    return {name_, world_->fabric->namespace_fd(link.from), world_->fabric->namespace_fd(link.to),
            world_->plan.endpoints[link.to].address};
  }

  /// Delays what these links carry, and nothing else. @throws Error when another mechanism does it
  void delay(milliseconds delay, const std::vector<Link>& links) {
    if (!delays()) {
      return;
    }
    const Fault fault = testing::acting(1, testing::delaying(delay), links);
    if (const std::string mechanism = world_->fabric->mechanism(fault); mechanism != name_) {
      throw_operation("delays are made by " + mechanism + ", not by " + name_);
    }
    world_->fabric->apply({fault}, testing::now());
  }
  void heal() { world_->fabric->apply({}, testing::now()); }

 private:
  static std::unique_ptr<World> make(bool use_netem) {
    NetnsOptions options = testing::test_options();
    options.use_netem = use_netem;
    return std::make_unique<World>(kInstances, false, options);
  }

  std::string name_;
  std::unique_ptr<World> world_;
};

/// Says what is compared on which kernel, on stderr.
std::vector<std::unique_ptr<Subject>> make_subjects() {
  utsname system{};
  ::uname(&system);
  std::vector<std::unique_ptr<Subject>> subjects;
  subjects.push_back(std::make_unique<Subject>(kNoFault, true));
  subjects.push_back(std::make_unique<Subject>(kWire, false));
  auto netem = std::make_unique<Subject>(kNetem, true);
  const Fault delay = testing::acting(1, testing::delaying(milliseconds(1)));
  if (netem->world().fabric->mechanism(delay) == kNetem) {
    std::fprintf(stderr, "wire_bench: kernel %s, wire and netem in turns\n", system.release);
    subjects.push_back(std::move(netem));
  } else {
    std::fprintf(stderr,
                 "wire_bench: NOT MEASURED: netem, which this kernel (%s) does not have; see "
                 "scripts/bench --vm\n",
                 system.release);
  }
  return subjects;
}

class Bench {
 public:
  Bench(int rounds, milliseconds time) : rounds_(rounds), time_(time), subjects_(make_subjects()) {}

  void run() {
    for (; round_ < rounds_; ++round_) {
      for (const milliseconds delay : {milliseconds(1), milliseconds(10), milliseconds(100)}) {
        in_turns([&](Subject& subject) { measure_error(subject, delay); });
      }
      for (const milliseconds delay : {milliseconds(1), milliseconds(10)}) {
        measure_packets(delay);
      }
      in_turns([&](Subject& subject) { measure_tcp(subject); });
      measure_hold();
    }
    figures_.print();
  }

 private:
  [[nodiscard]] bool has_netem() const { return subjects_.back()->name() == kNetem; }

  /// Each subject once; another one begins in every round.
  template <typename Measure>
  void in_turns(Measure&& measure) {
    for (std::size_t i = 0; i < subjects_.size(); ++i) {
      measure(*subjects_[(i + static_cast<std::size_t>(round_)) % subjects_.size()]);
    }
  }

  /// Adds a sample of MECHANISM.MEASURE. The wire is held against netem, or else, as netem is,
  /// against the same without a fault.
  void add(const std::string& mechanism, const std::string& measure, const char* unit,
           bool more_is_better, double sample) {
    const std::string name = mechanism + "." + measure;
    std::string versus;
    if (mechanism == kWire && has_netem()) {
      versus = std::string(kNetem) + "." + measure;
    } else if (mechanism != kNoFault) {
      versus = std::string(kNoFault) + "." + measure;
    }
    figures_.expect(name, {.versus = versus, .unit = unit, .more_is_better = more_is_better});
    figures_.add(name, sample);
  }

  void measure_error(Subject& subject, milliseconds delay) {
    subject.delay(delay, {kForth});
    const double wanted = subject.delays() ? static_cast<double>(delay.count()) : 0;
    const auto count = static_cast<std::uint32_t>(time_ / kGap);
    const std::vector<double> times = travel_times(subject.path(), count, kGap);
    subject.heal();
    // Stamps are of a clock that may be slewed meanwhile.
    if (times.front() < 0.99 * wanted) {
      throw_operation(subject.name() + ": a packet came before its delay was over");
    }
    const std::string name = "error." + std::to_string(delay.count()) + "ms.";
    add(subject.name(), name + "median", "ms", false, times[times.size() / 2] - wanted);
    add(subject.name(), name + "p99", "ms", false, times[times.size() * 99 / 100] - wanted);
  }

  void measure_packets(milliseconds delay) {
    std::map<std::string, PacketRate> rates;
    in_turns([&](Subject& subject) {
      subject.delay(delay, {kForth});
      rates[subject.name()] = packet_rate(subject.path(), time_);
      subject.heal();
    });
    const std::string end = "." + std::to_string(delay.count()) + "ms";
    for (const auto& subject : subjects_) {
      const std::string& name = subject->name();
      const PacketRate& rate = rates[name];
      add(name, "packets" + end, "kpps", true, rate.per_second / 1000);
      add(name, "packets-lost" + end, "pkts", false, rate.lost);
      add(name, "cpu-per-packet" + end, "us", false, rate.cpu_us);
      // What the delay itself costs.
      if (name != kNoFault) {
        add(name, "cpu-added-per-packet" + end, "us", false, rate.cpu_us - rates[kNoFault].cpu_us);
      }
    }
  }

  void measure_tcp(Subject& subject) {
    subject.delay(milliseconds(5), {kForth, kBack});
    add(subject.name(), "tcp.10ms-rtt", "Gb/s", true, throughput(subject.path(), 2 * time_));
    subject.heal();
  }

  /// Packets that a hold keeps, which is the wire's work on every kernel: what they cost others of
  /// the wire, and what it takes to let them go.
  void measure_hold() {
    Subject& wire = *subjects_[1];
    LinkAction holding;
    holding.hold = true;
    const Fault delay = testing::acting(1, testing::delaying(milliseconds(1)));
    const Fault hold = testing::acting(2, holding, {kHeldLink});
    wire.world().fabric->apply({delay, hold}, testing::now());
    send_datagrams(wire.path(kHeldLink), kHeldPackets);
    figures_.expect("wire.packets.1ms.beside-held",
                    {.versus = "wire.packets.1ms", .unit = "kpps", .more_is_better = true});
    figures_.add("wire.packets.1ms.beside-held", packet_rate(wire.path(), time_).per_second / 1000);
    figures_.time("wire.release.10000-held",
                  [&] { static_cast<void>(wire.world().fabric->release(hold.id, false)); });
    wire.heal();
  }

  int rounds_;
  milliseconds time_;
  std::vector<std::unique_ptr<Subject>> subjects_;
  Figures figures_;
  int round_ = 0;
};

}  // namespace
}  // namespace tinet::bench

int main(int argc, char** argv) {
  try {
    tinet::bench::enter_namespaces();
    tinet::bench::Bench(argc > 1 ? std::atoi(argv[1]) : 7,
                        std::chrono::milliseconds(argc > 2 ? std::atoi(argv[2]) : 1000))
        .run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "wire_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
