#include "src/supervisor/supervise.h"

#include <algorithm>
#include <exception>
#include <map>
#include <optional>
#include <utility>

#include <signal.h>
#include <unistd.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "src/api/cluster_handle.h"
#include "src/api/state_dir.h"
#include "src/base/clock.h"
#include "src/base/error.h"
#include "src/base/scope_exit.h"
#include "src/process/user_files.h"
#include "src/supervisor/capture.h"
#include "src/supervisor/cluster.h"
#include "src/supervisor/launch_channel.h"
#include "src/supervisor/plan_user.h"
#include "src/supervisor/routes.h"
#include "src/supervisor/salvage.h"

namespace tinet {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::chrono::seconds kLastAnswers{2};

FabricPlan fabric_plan(const ClusterPlan& plan) {
  FabricPlan fabric;
  fabric.tcp_rto_max_ms = plan.tcp_rto_max_ms;
  fabric.subnet = plan.subnet;
  fabric.gateway = plan.gateway;
  for (const auto& instance : plan.instances) {
    FabricEndpoint endpoint{instance.name, instance.address, instance.address6, false};
    endpoint.listen_address = instance.listen_address;
    for (const auto& service : instance.services) {
      endpoint.ports.push_back(service.port);
    }
    fabric.endpoints.push_back(std::move(endpoint));
  }
  fabric.endpoints.push_back({"client", plan.client_address, plan.client_address6, false});
  if (plan.host_link) {
    fabric.endpoints.push_back({"host", plan.host_address, std::nullopt, true});
  }
  return fabric;
}

/// state.json: what `list` and `cleanup` need to know about a cluster that may be dead.
json::object state_document(const ClusterPlan& plan) {
  return {{"schema", 1},
          {"tag", plan.tag},
          {"backend", plan.backend},
          {"topology", plan.topology},
          {"subnet", to_string(plan.subnet)},
          {"data_dir", plan.data_dir},
          {"keep_data", plan.keep_data},
          {"owner_uid", plan.user.uid},
          {"owner", plan.user.name},
          {"supervisor_pid", ::getpid()},
          {"started_at_unix_ms", unix_ms_now()}};
}

/// Directories under which control sockets live, of the user's other clusters as well: to them an
/// instance would be the user. No instance may see them.
std::vector<std::string> state_roots(const std::string& state_dir, uid_t uid) {
  std::vector<std::string> roots = state_places(uid);
  roots.insert(roots.begin(), StateBases().root);
  const auto slash = state_dir.rfind('/');
  if (slash != std::string::npos && slash > 0) {
    roots.push_back(state_dir.substr(0, slash));
  }
  std::sort(roots.begin(), roots.end());
  roots.erase(std::unique(roots.begin(), roots.end()), roots.end());
  return roots;
}

Error given_up() {
  return {ErrorKind::Interrupted, "the start was given up: whoever asked for it is gone"};
}

/// The process: one plan from its start to its end.
class Supervisor {
 public:
  Supervisor(asio::io_context& loop, LaunchChannel& channel, Launch launch,
             const FabricFactory& factory)
      : loop_(loop),
        channel_(channel),
        launch_(std::move(launch)),
        guard_pid_(launch_.plan.backend == "proxy" ? std::optional(::getppid()) : std::nullopt),
        state_(StateDir::create(launch_.plan.state_dir,
                                {launch_.plan.user.uid, launch_.plan.user.gid})),
        journal_(loop.get_executor(), state_.open_append("journal.jsonl")),
        signals_(loop, SIGTERM, SIGINT),
        ttl_(loop),
        ended_(loop.get_executor()) {
    ScopeExit undo([this] { remove_data(false); });
    auto fabric = factory(launch_.plan, fabric_plan(launch_.plan));
    for (std::size_t i = 0; i < launch_.plan.instances.size(); ++i) {
      link_namespace(*fabric, launch_.plan.instances[i].name, static_cast<Endpoint>(i));
    }
    link_namespace(*fabric, "client", static_cast<Endpoint>(launch_.plan.instances.size()));
    if (fabric->switch_namespace_fd() >= 0) {
      state_.link_namespace("switch", fabric->switch_namespace_fd());
    }
    state_.write_state(state_document(launch_.plan));
    const ClusterPlace place{state_.path(), state_.socket_path(),
                             state_roots(state_.path(), launch_.plan.user.uid), guard_pid_};
    cluster_ = std::make_unique<Cluster>(loop.get_executor(), launch_.plan, std::move(fabric),
                                         journal_, place);
    HttpServerOptions options;
    options.path = state_.socket_path();
    options.owner = cluster_->plan().user.uid;
    exec_ = std::make_unique<ExecSessions>(loop.get_executor(), *cluster_);
    server_ = std::make_unique<HttpServer>(loop.get_executor(), options,
                                           make_routes(*cluster_, actions()));
    undo.dismiss();
  }

  asio::awaitable<void> run() {
    asio::co_spawn(loop_, stop_on_signal(), asio::detached);
    const bool started = co_await start();
    if (started) {
      arm_ttl();
      while (!ending_) {
        const auto seen = ended_.version();
        co_await ended_.wait(seen);
      }
    }
    signals_.cancel();
    ttl_.cancel();
    co_await server_->shut_down(
        std::chrono::duration_cast<std::chrono::milliseconds>(kLastAnswers));
    loop_.stop();
  }

  [[nodiscard]] int exit_status() const noexcept { return failed_ ? 1 : 0; }

 private:
  void link_namespace(const Fabric& fabric, const std::string& name, Endpoint endpoint) {
    if (const int fd = fabric.namespace_fd(endpoint); fd >= 0) {
      state_.link_namespace(name, fd);
    }
  }

  SupervisorActions actions() {
    SupervisorActions actions;
    actions.stop = [this](api::StopRequest request) { return stop(request); };
    actions.exec = [this](Request request) { return exec_->run(std::move(request)); };
    actions.capture = [this](Request request) -> asio::awaitable<Response> {
      co_return open_capture(request,
                             [this](const std::string& target, int domain, int type, int protocol) {
                               return cluster_->open_target_socket(target, domain, type, protocol);
                             });
    };
    return actions;
  }

  [[nodiscard]] RunAs as_user() const {
    return {user_ids(launch_.plan.user), nullptr, std::chrono::minutes(10)};
  }

  /// @return false when the start failed and was undone
  asio::awaitable<bool> start() {
    std::exception_ptr failure;
    asio::cancellation_signal abandon;
    bool done = false;
    asio::co_spawn(
        loop_, cluster_->start(std::move(launch_.faults)),
        asio::bind_cancellation_slot(abandon.slot(), [&](const std::exception_ptr& error) {
          failure = error;
          done = true;
          cluster_->changes().notify();
        }));
    channel_.on_close([&] { abandon.emit(asio::cancellation_type::terminal); });
    co_await report_progress(done);
    channel_.on_close({});
    if (!failure) {
      const json::object status = co_await cluster_->status();
      channel_.send({{"ready", status}});
      // Ready counts only once it is known: whoever is interrupted before finds nothing running.
      const bool known = co_await channel_.taken();
      channel_.close();
      if (!known) {
        co_return co_await give_up(std::make_exception_ptr(given_up()));
      }
      co_return true;
    }
    co_return co_await give_up(failure);
  }

  /// One line per change of an instance's state, until the start has ended.
  asio::awaitable<void> report_progress(const bool& done) {
    std::map<std::string, std::string> shown;
    for (;;) {
      const auto seen = cluster_->changes().version();
      for (const auto& instance : cluster_->instances()) {
        const std::string state(to_string(instance->state()));
        report(shown, instance->plan().name, state, instance->waiting_for());
      }
      if (!cluster_->settling().empty()) {
        report(shown, "cluster", "settling", cluster_->settling());
      }
      if (done) {
        co_return;
      }
      co_await cluster_->changes().wait(seen);
    }
  }

  void report(std::map<std::string, std::string>& shown, const std::string& name,
              const std::string& state, const std::string& waiting_for) {
    const std::string text = waiting_for.empty() ? state : state + ": " + waiting_for;
    if (state == "planned" || shown[name] == text) {
      return;
    }
    shown[name] = text;
    channel_.send({{"progress",
                    {{"instance", name},
                     {"state", state},
                     {"waiting_for", waiting_for},
                     {"text", name + " " + text}}}});
  }

  /// Undoes a failed start, or keeps it for a look under --on-failure keep.
  asio::awaitable<bool> give_up(std::exception_ptr failure) {
    Error error = given_up();
    try {
      std::rethrow_exception(failure);
    } catch (const Error& known) {
      error = known;
    } catch (const boost::system::system_error& system) {
      if (system.code() != asio::error::operation_aborted) {
        error = Error(ErrorKind::Operation, system.code().message());
      }
    } catch (const std::exception& other) {
      error = Error(ErrorKind::Operation, other.what());
    }
    if (error.kind() != ErrorKind::Interrupted && cluster_->plan().on_failure == "keep") {
      cluster_->mark_failed(error.what());
      channel_.send(api::to_json(error).as_object());
      channel_.close();
      co_return true;
    }
    failed_ = true;
    exec_->kill_all();
    co_await cluster_->stop(true);
    std::string kept;
    try {
      kept = salvage_logs(cluster_->plan(), as_user());
    } catch (const Error& lost) {
      journal_.add("tinet", "salvage-failed", "", lost.what());
    }
    remove_data(false);
    Error final_error = error;
    if (!kept.empty()) {
      final_error = Error(error.kind(), error.what(), "logs and configs were kept in " + kept);
      final_error.about(error.instance(), error.log_tail());
    }
    failure_ = api::to_json(final_error).as_object();
    co_return false;
  }

 public:
  /// After the loop: the network and the state directory go, then whoever waits is told.
  void finish() {
    server_.reset();
    exec_.reset();
    cluster_.reset();
    state_.remove();
    if (failed_) {
      channel_.send(failure_);
    }
    channel_.close();
  }

 private:
  asio::awaitable<json::object> stop(api::StopRequest request) {
    if (stopping_) {
      throw_conflict("cluster '" + cluster_->plan().tag + "' is stopping already");
    }
    stopping_ = true;
    exec_->kill_all();
    try {
      co_await cluster_->stop(request.force);
    } catch (const std::exception&) {
      stopping_ = false;  // it may be tried again
      throw;
    }
    const auto not_removed = remove_data(request.keep_data);
    json::object last = co_await cluster_->status();
    if (not_removed) {
      last["not_removed"] =
          json::object{{"message", not_removed->what()}, {"hint", not_removed->hint()}};
    }
    ending_ = true;
    ended_.notify();
    co_return last;
  }

  /// @return why the data is still there although nobody wants it
  std::optional<Error> remove_data(bool keep) {
    if (keep || launch_.plan.keep_data) {
      return std::nullopt;
    }
    try {
      remove_tree(as_user(), launch_.plan.data_dir);
    } catch (const Error& error) {
      journal_.add("tinet", "data-not-removed", "", error.what());
      return error;
    }
    return std::nullopt;
  }

  asio::awaitable<void> stop_on_signal() {
    for (;;) {
      boost::system::error_code error;
      co_await signals_.async_wait(asio::redirect_error(asio::use_awaitable, error));
      if (error) {
        co_return;
      }
      co_await stop_unasked("signalled", "the supervisor was asked to end by a signal");
    }
  }

  /// A stop that nobody waits for, so what it fails with is an event.
  asio::awaitable<void> stop_unasked(std::string_view event, std::string_view text) {
    if (stopping_) {
      co_return;
    }
    journal_.add("tinet", event, "", text);
    const api::StopRequest request;
    try {
      static_cast<void>(co_await stop(request));
    } catch (const std::exception& failure) {
      journal_.add("tinet", "stop-failed", "", failure.what());
    }
  }

  void arm_ttl() {
    const auto& ttl = cluster_->plan().ttl_ms;
    if (!ttl) {
      return;
    }
    ttl_.expires_after(std::chrono::milliseconds(*ttl));
    ttl_.async_wait([this](const boost::system::error_code& error) {
      if (!error) {
        asio::co_spawn(loop_, stop_unasked("ttl-passed", "the time given by --ttl is over"),
                       asio::detached);
      }
    });
  }

  asio::io_context& loop_;
  LaunchChannel& channel_;
  Launch launch_;
  std::optional<pid_t> guard_pid_;  ///< asked early: a dead guard is nobody's parent
  StateDir state_;
  Journal journal_;
  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<ExecSessions> exec_;
  std::unique_ptr<HttpServer> server_;
  asio::signal_set signals_;
  asio::steady_timer ttl_;
  Changes ended_;
  json::object failure_;
  bool stopping_ = false;
  bool ending_ = false;
  bool failed_ = false;
};

}  // namespace

int supervise(UniqueFd control, const FabricFactory& factory) {
  asio::io_context loop(1);
  LaunchChannel channel(loop.get_executor(), std::move(control));
  try {
    Supervisor supervisor(loop, channel, channel.receive(), factory);
    asio::co_spawn(loop, supervisor.run(), [](const std::exception_ptr& failure) {
      if (failure) {
        std::rethrow_exception(failure);
      }
    });
    loop.run();
    supervisor.finish();
    return supervisor.exit_status();
  } catch (const Error& error) {
    channel.send(api::to_json(error).as_object());
  } catch (const std::exception& error) {
    channel.send(api::to_json(Error(ErrorKind::Operation, error.what())).as_object());
  }
  channel.close();
  return 1;
}

}  // namespace tinet
