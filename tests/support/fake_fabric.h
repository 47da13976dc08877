#pragma once
/// A Fabric without a kernel: remembers what it was asked for, answers what a test tells it to, and
/// can fail at any call. Links are loopback addresses of the process's own network, so probes over
/// them always arrive.

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <linux/filter.h>
#include <sys/socket.h>

#include "src/base/error.h"
#include "src/fabric/fabric.h"

namespace tinet {

class FakeFabric : public Fabric {
 public:
  // What was asked for.
  std::vector<std::vector<Fault>> applied{};
  std::vector<std::vector<Link>> kicked{};
  std::vector<std::pair<FaultId, bool>> released{};
  int audits = 0;
  PacketWords asked{};

  // What it answers.
  std::optional<Error> apply_fails{};
  std::optional<Error> kick_fails{};
  std::optional<Error> preview_fails{};
  ApplyReport report{};
  std::vector<Flow> open_flows{};
  std::map<FaultId, PacketCounts> counts{};
  std::optional<std::uint64_t> sent{};  ///< packets of the whole cluster, if it sees them
  bool talks = false;                   ///< there are more at every look
  std::optional<Error> traffic_fails{};
  std::optional<Error> packets_fail{};
  int packets_failed = 0;  ///< how often
  ReleaseReport held{};
  std::vector<Drift> drifts{};
  std::uint64_t waiting_packets = 0;
  int helper_fd = -1;
  std::map<Link, Effect> effects{};           ///< when not what active faults imply
  bool datagrams = true;                      ///< false: as relays are
  std::set<std::pair<Endpoint, int>> deaf{};  ///< endpoints and families whose sockets hear nothing
  std::map<FaultId, std::uint64_t> count_per_socket{};  ///< drops that a fault counts for each one
  std::optional<std::uint32_t> hears_ppm{};  ///< chance of a packet to be heard by anybody

  [[nodiscard]] const std::vector<Fault>& active() const { return applied.back(); }

  [[nodiscard]] std::string_view backend() const override { return "fake"; }
  [[nodiscard]] int namespace_fd(Endpoint /*endpoint*/) const override { return -1; }
  [[nodiscard]] int switch_namespace_fd() const override { return -1; }
  [[nodiscard]] bool carries_datagrams() const override { return datagrams; }
  [[nodiscard]] UniqueFd open_socket(Endpoint endpoint, int domain, int type,
                                     int protocol) override {
    UniqueFd fd(::socket(domain, type | SOCK_CLOEXEC, protocol));
    for (const auto& [fault, drops] : count_per_socket) {
      counts[fault].dropped += drops;
    }
    if (hears_ppm && (type & SOCK_STREAM) == 0) {
      const auto limit = static_cast<std::uint32_t>(*hears_ppm * 4'294.967'295);
      sock_filter by_chance[] = {
          {BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_RANDOM)},
          {BPF_JMP | BPF_JGT | BPF_K, 0, 1, limit},
          {BPF_RET | BPF_K, 0, 0, 0},
          {BPF_RET | BPF_K, 0, 0, 0xffff'ffff}};
      attach(fd.get(), by_chance, 4);
    }
    if (deaf.count({endpoint, domain}) > 0) {
      // A filter that accepts no packet: links of the kernel would lose them on the way.
      sock_filter nothing{BPF_RET | BPF_K, 0, 0, 0};
      attach(fd.get(), &nothing, 1);
    }
    return fd;
  }

  ApplyReport apply(const std::vector<Fault>& active, MonoTime /*now*/) override {
    if (apply_fails) {
      throw Error(*apply_fails);
    }
    applied.push_back(active);
    return report;
  }
  [[nodiscard]] std::string mechanism(const Fault& fault) const override {
    return fault.clauses.front().action.shapes() ? "wire" : "nftables";
  }
  [[nodiscard]] std::vector<Flow> flows(const std::vector<Link>& /*links*/) override {
    return open_flows;
  }
  KickReport kick(const std::vector<Link>& links) override {
    if (kick_fails) {
      throw Error(*kick_fails);
    }
    kicked.push_back(links);
    return {3};
  }
  ReleaseReport release(FaultId fault, bool drop) override {
    released.emplace_back(fault, drop);
    return held;
  }
  [[nodiscard]] std::vector<std::string> preview(const std::vector<Fault>& active,
                                                 MonoTime /*now*/) override {
    if (preview_fails) {
      throw Error(*preview_fails);
    }
    return std::vector<std::string>(active.size(), "message");
  }
  [[nodiscard]] std::vector<LinkState> links(MonoTime now) override {
    std::map<Link, LinkState> states;
    for (const auto& fault : applied.empty() ? std::vector<Fault>{} : applied.back()) {
      for (const auto& link : fault.links) {
        states[link].link = link;
        states[link].effect = effect_on(link, now);
      }
    }
    std::vector<LinkState> all;
    for (auto& [link, state] : states) {
      all.push_back(std::move(state));
    }
    return all;
  }
  [[nodiscard]] PacketCounts packets(FaultId fault) override {
    if (packets_fail) {
      ++packets_failed;
      throw Error(*packets_fail);
    }
    return counts[fault];
  }
  [[nodiscard]] std::optional<std::uint64_t> traffic() override {
    if (traffic_fails) {
      throw Error(*traffic_fails);
    }
    if (talks && sent) {
      ++*sent;
    }
    return sent;
  }
  [[nodiscard]] LinkExplanation why(Link link, const PacketWords& packet, MonoTime now) override {
    asked = packet;
    return {link, effect_on(link, now), "nftables", {"rule 1", "rule 2"}, {"a note"}};
  }
  [[nodiscard]] std::uint64_t waiting(const std::vector<Link>& /*links*/) override {
    return waiting_packets;
  }
  [[nodiscard]] int helper_exit_fd() const override { return helper_fd; }
  [[nodiscard]] std::vector<Drift> audit(MonoTime /*now*/) override {
    ++audits;
    return drifts;
  }

 private:
  static void attach(int fd, sock_filter* filter, unsigned short size) {
    const sock_fprog program{size, filter};
    if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) {
      throw Error(ErrorKind::Operation, "cannot make a socket deaf");
    }
  }

  [[nodiscard]] Effect effect_on(Link link, MonoTime /*now*/) const {
    if (const auto told = effects.find(link); told != effects.end()) {
      return told->second;
    }
    Effect effect;
    for (const auto& fault : applied.empty() ? std::vector<Fault>{} : applied.back()) {
      for (std::size_t i = 0; i < fault.links.size(); ++i) {
        if (fault.links[i] == link) {
          effect.clauses.push_back({fault.clause(i).match, fault.clause(i).action, {fault.id}});
        }
      }
    }
    return effect;
  }
};

}  // namespace tinet
