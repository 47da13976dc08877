#include "src/relays/proxy_fabric.h"

#include <algorithm>
#include <cerrno>
#include <future>
#include <thread>
#include <type_traits>
#include <utility>

#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "netns/sock_diag.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/fabric/describe.h"
#include "src/relays/dialers.h"
#include "src/relays/relays.h"

namespace tinet {

namespace asio = boost::asio;

namespace {

constexpr const char* kOtherBackend =
    "the kernel's faults need a backend with namespaces: 'tinet doctor' tells what keeps them from "
    "this user";

/// One event loop on one thread; ends with it.
class RelayThread {
 public:
  RelayThread() {
    // Signals are the main thread's.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    static_cast<void>(::pthread_sigmask(SIG_SETMASK, &all, &before));
    thread_ = std::thread([this] { io_.run(); });
    static_cast<void>(::pthread_sigmask(SIG_SETMASK, &before, nullptr));
    static_cast<void>(::pthread_setname_np(thread_.native_handle(), "tinet-relay"));
  }
  RelayThread(const RelayThread&) = delete;
  RelayThread& operator=(const RelayThread&) = delete;
  RelayThread(RelayThread&&) = delete;
  RelayThread& operator=(RelayThread&&) = delete;
  ~RelayThread() { stop(); }

  /// Nothing runs there any more. Idempotent.
  void stop() {
    io_.stop();
    if (thread_.joinable()) {
      thread_.join();
    }
  }

  [[nodiscard]] asio::io_context& loop() noexcept { return io_; }

  /// Runs `work` there, between two turns of the relays, and waits for it.
  template <typename Work>
  auto run(Work work) -> std::invoke_result_t<Work> {
    std::packaged_task<std::invoke_result_t<Work>()> task(std::move(work));
    auto result = task.get_future();
    asio::post(io_, [&task] { task(); });
    return result.get();
  }

 private:
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(io_);
  std::thread thread_;
};

std::vector<Ipv4> addresses_of(const FabricPlan& plan) {
  std::vector<Ipv4> addresses;
  for (const FabricEndpoint& endpoint : plan.endpoints) {
    addresses.push_back(endpoint.address);
  }
  return addresses;
}

class ProxyFabric final : public Fabric {
 public:
  ProxyFabric(const FabricPlan& plan, const ProxyFabricOptions& options)
      : plan_(plan), dialers_(addresses_of(plan)) {
    thread_.run([&] {
      auto relays =
          std::make_unique<relays::Relays>(thread_.loop().get_executor(), plan_, dialers_);
      if (options.extend) {
        extension_ = options.extend(thread_.loop(), *relays);
      }
      relays_ = std::move(relays);
    });
  }
  ProxyFabric(const ProxyFabric&) = delete;
  ProxyFabric& operator=(const ProxyFabric&) = delete;
  ProxyFabric(ProxyFabric&&) = delete;
  ProxyFabric& operator=(ProxyFabric&&) = delete;
  ~ProxyFabric() override {
    // What runs there refers to the members below it.
    thread_.stop();
  }

  [[nodiscard]] std::string_view backend() const override { return "proxy"; }
  [[nodiscard]] int namespace_fd(Endpoint /*endpoint*/) const override { return -1; }
  [[nodiscard]] int switch_namespace_fd() const override { return -1; }
  void admit(Endpoint endpoint, const std::function<pid_t()>& start) override {
    dialers_.admit(endpoint, start);
  }
  [[nodiscard]] bool sees(Link link) const override {
    // The bytes of a link are requests to one end's services, or replies of the other's.
    return !plan_.endpoints[link.from].ports.empty() || !plan_.endpoints[link.to].ports.empty();
  }
  [[nodiscard]] bool carries_datagrams() const override { return false; }
  [[nodiscard]] UniqueFd open_socket(Endpoint endpoint, int domain, int type,
                                     int protocol) override;

  ApplyReport apply(const std::vector<Fault>& active, MonoTime now) override;
  [[nodiscard]] std::vector<std::string> preview(const std::vector<Fault>& active,
                                                 MonoTime now) override;
  [[nodiscard]] std::string mechanism(const Fault& /*fault*/) const override { return "proxy"; }
  [[nodiscard]] std::vector<Flow> flows(const std::vector<Link>& links) override {
    return thread_.run([&] { return relays_->flows(links); });
  }
  KickReport kick(const std::vector<Link>& /*links*/) override {
    // Relays wait for no retransmission: what was held went on with the end of the fault.
    return {};
  }
  ReleaseReport release(FaultId fault, bool drop) override;
  [[nodiscard]] std::vector<LinkState> links(MonoTime now) override {
    return thread_.run([&] { return relays_->links(now); });
  }
  [[nodiscard]] PacketCounts packets(FaultId fault) override {
    return thread_.run([&] { return relays_->packets(fault); });
  }
  [[nodiscard]] std::optional<std::uint64_t> traffic() override {
    return thread_.run([&] { return relays_->chunks(); });
  }
  [[nodiscard]] LinkExplanation why(Link link, const PacketWords& packet, MonoTime now) override;
  [[nodiscard]] std::vector<Drift> audit(MonoTime /*now*/) override {
    // Rules are this process's own: there is nobody else who could change them.
    return {};
  }

 private:
  void check(const Fault& fault) const;
  [[nodiscard]] std::string name_of(Link link) const {
    return plan_.endpoints[link.from].name + " > " + plan_.endpoints[link.to].name;
  }

  FabricPlan plan_;
  relays::Dialers dialers_;
  RelayThread thread_;
  // Used by the thread alone, until it has stopped.
  std::unique_ptr<relays::Relays> relays_;
  std::shared_ptr<void> extension_;
};

/// @throws Error Unavailable
void ProxyFabric::check(const Fault& fault) const {
  for (const FaultClause& clause : fault.clauses) {
    if (const std::string reason = relays::why_not(clause); !reason.empty()) {
      throw_unavailable("backend 'proxy' cannot do '" + fault.summary + "': " + reason,
                        kOtherBackend);
    }
  }
  const auto unseen = [this](const Link& link) { return !sees(link); };
  if (!fault.links.empty() && std::all_of(fault.links.begin(), fault.links.end(), unseen)) {
    throw_unavailable("backend 'proxy' cannot do '" + fault.summary + "': neither end of " +
                          name_of(fault.links.front()) + " has a service, so no relay is between",
                      kOtherBackend);
  }
}

ApplyReport ProxyFabric::apply(const std::vector<Fault>& active, MonoTime now) {
  ApplyReport report;
  std::size_t unseen = 0;
  for (const Fault& fault : active) {
    check(fault);
    unseen += static_cast<std::size_t>(std::count_if(fault.links.begin(), fault.links.end(),
                                                     [this](Link link) { return !sees(link); }));
  }
  if (unseen > 0) {
    report.notes.push_back(std::to_string(unseen) +
                           " of the links are between endpoints without services: no relay sees "
                           "them ('tinet links')");
  }
  const fabric::LinkSchedules wanted = fabric::link_schedules(active, now);
  report.refresh_at = wanted.refresh_at;
  report.links_changed = thread_.run([&] { return relays_->apply(active, wanted, now); });
  report.committed = report.links_changed > 0;
  return report;
}

std::vector<std::string> ProxyFabric::preview(const std::vector<Fault>& active, MonoTime now) {
  std::vector<std::string> lines;
  for (const Fault& fault : active) {
    check(fault);
  }
  for (const fabric::LinkSchedule& link : fabric::link_schedules(active, now).links) {
    if (const auto* entry = fabric::effect_at(*link.schedule, now)) {
      for (const std::string& effect : fabric::describe(entry->effect)) {
        lines.push_back("relays of " + name_of(link.link) + ": " + effect);
      }
    }
  }
  return lines;
}

ReleaseReport ProxyFabric::release(FaultId /*fault*/, bool drop) {
  if (drop) {
    throw_unavailable(
        "backend 'proxy' cannot drop what it holds: bytes cannot be missing from a "
        "stream",
        "release it with delivery, or end connections with 'partition --mode reset'");
  }
  // What is held goes on when the fault has ended, which the caller sees to next.
  return {};
}

LinkExplanation ProxyFabric::why(Link link, const PacketWords& packet, MonoTime now) {
  LinkExplanation explanation{link, {}, "none", {}, {}};
  if (!sees(link)) {
    explanation.notes.emplace_back(
        "no relay sees this link: neither end has a service, so no fault reaches it");
    return explanation;
  }
  if (packet.protocol == Protocol::Udp || packet.protocol == Protocol::Icmp) {
    explanation.notes.emplace_back(
        "relays carry TCP connections only; this passes beside them, whatever faults there are");
    return explanation;
  }
  auto [effect, rules] = thread_.run([&] {
    return std::pair(relays_->effect_on(link, now), relays_->rules_on(link, packet.to_port, now));
  });
  explanation.effect = seen_by(effect, packet);
  if (!explanation.effect.empty()) {
    explanation.mechanism = "proxy";
    explanation.rules = fabric::describe(explanation.effect, packet);
    explanation.rules.insert(explanation.rules.end(), rules.begin(), rules.end());
  }
  return explanation;
}

/// Bound to the endpoint's own address, so that relays take it for the endpoint's.
UniqueFd ProxyFabric::open_socket(Endpoint endpoint, int domain, int type, int protocol) {
  if (domain != AF_INET) {
    throw_unavailable("backend 'proxy' has no network of its own for '" +
                          plan_.endpoints[endpoint].name + "': only IPv4 can be opened there",
                      kOtherBackend);
  }
  UniqueFd fd(::socket(domain, type | SOCK_CLOEXEC, protocol));
  if (const int error = errno; !fd) {
    throw_errno(error, "cannot open a socket");
  }
  const int on = 1;
  static_cast<void>(::setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(plan_.endpoints[endpoint].address.value);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    throw_errno(error, "cannot use address '" + to_string(plan_.endpoints[endpoint].address) + "'");
  }
  return fd;
}

}  // namespace

std::unique_ptr<Fabric> make_proxy_fabric(const FabricPlan& plan,
                                          const ProxyFabricOptions& options) {
  if (plan.tcp_rto_max_ms) {
    throw_unavailable(
        "backend 'proxy' cannot change how long TCP waits: --tcp-rto-max is a setting "
        "of a network namespace",
        "leave out --tcp-rto-max");
  }
  proxy::raise_descriptor_limit();
  return std::make_unique<ProxyFabric>(plan, options);
}

std::vector<Subnet> without_listeners(std::vector<Subnet> candidates) {
  netlink::Socket diagnostics = open_socket_diagnostics();
  for (const TcpSocketInfo& info : list_tcp_sockets(diagnostics)) {
    if (info.state == TcpState::Listen && info.local.address.is_v4()) {
      std::erase_if(candidates, [&](const Subnet& subnet) {
        return subnet.contains(Ipv4{info.local.address.v4_value()});
      });
    }
  }
  return candidates;
}

}  // namespace tinet
