#pragma once
/// POST /v1/exec: runs one command in the place of an instance or of the client, on descriptors of
/// the caller, and takes everything it started down when the caller goes.

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "src/api/requests.h"
#include "src/process/sandbox.h"
#include "src/process/user.h"
#include "src/supervisor/http_server.h"

namespace tinet {

/// Where and as whom a command runs.
struct ExecPlace {
  /// A sandbox like the target's; every command gets one of its own, so that all it started can be
  /// killed at once and it outlives a restart of the instance.
  SandboxOptions sandbox;
  std::optional<UserIds> user;
  /// Runs what starts the command and returns its pid, so that it is on the network as the target.
  /// @see Fabric::admit()
  std::function<void(const std::function<pid_t()>&)> admit = [](const auto& start) { start(); };
  /// "K=V"; TERM is added from the caller. Not used for the client, which keeps the caller's.
  std::vector<std::string> env;
  /// Not used for the client, which keeps the caller's.
  std::string cwd = "/";
};

/// What the cluster tells about its targets.
class ExecHost {
 public:
  ExecHost() = default;
  ExecHost(const ExecHost&) = delete;
  ExecHost& operator=(const ExecHost&) = delete;
  ExecHost(ExecHost&&) = delete;
  ExecHost& operator=(ExecHost&&) = delete;
  virtual ~ExecHost() = default;

  /// @param target an instance or "client"
  /// @throws Error Usage for an unknown one
  [[nodiscard]] virtual ExecPlace exec_place(const std::string& target) = 0;
};

/// All commands that run now. Single-threaded.
class ExecSessions {
 public:
  /// `host` must outlive it.
  ExecSessions(const boost::asio::any_io_executor& executor, ExecHost& host);
  ExecSessions(const ExecSessions&) = delete;
  ExecSessions& operator=(const ExecSessions&) = delete;
  ExecSessions(ExecSessions&&) = delete;
  ExecSessions& operator=(ExecSessions&&) = delete;
  /// Kills what still runs.
  ~ExecSessions();

  /// Answers the request when the command has ended and nothing of it is left: {"exit_code":n}, or
  /// an error with "exec_code". Must be awaited to its end; the client's going kills the command.
  [[nodiscard]] boost::asio::awaitable<Response> run(Request request);

  /// Kills every command; their run() then ends.
  void kill_all() noexcept;
  [[nodiscard]] std::size_t running() const noexcept { return sessions_->size(); }

 private:
  struct Session;

  boost::asio::awaitable<int> run_command(api::ExecRequest words, Request request);

  boost::asio::any_io_executor executor_;
  ExecHost& host_;
  using Sessions = std::set<std::shared_ptr<Session>>;
  /// Shared with the commands under way, which the loop may drop after this object.
  std::shared_ptr<Sessions> sessions_ = std::make_shared<Sessions>();
};

}  // namespace tinet
