#include "src/supervisor/instance.h"

#include <utility>

#include <signal.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "src/base/error.h"
#include "src/base/scope_exit.h"
#include "src/base/text.h"
#include "src/base/units.h"
#include "src/process/process_tree.h"
#include "src/process/stop.h"
#include "src/process/user_files.h"

namespace tinet {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kTailLines = 15;
constexpr std::size_t kTailBytes = 16UL << 10U;

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos || slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Instance::Instance(InstanceContext& context, const InstancePlan& plan, Endpoint endpoint)
    : context_(context), plan_(plan), endpoint_(endpoint) {}

Instance::Busy::Busy(Instance& instance) {
  if (instance.busy_) {
    throw_conflict("'" + instance.plan_.name + "' is busy: another process operation is under way",
                   "wait for it: tinet wait " + instance.plan_.name);
  }
  instance.busy_ = true;
  instance_ = instance.shared_from_this();
}

void Instance::move_to(InstanceState next, std::string_view actor, std::string_view text) {
  TINET_ASSERT(may_move(state_, next));
  state_ = next;
  waiting_for_.clear();
  boost::json::object details{{"state", to_string(next)}};
  if (child_) {
    details["pid"] = child_->pid();
  }
  context_.journal.add(actor, to_string(next), plan_.name, text, std::move(details));
  context_.changes.notify();
}

void Instance::wait_for(std::string reason) {
  if (reason != waiting_for_) {
    waiting_for_ = std::move(reason);
    context_.changes.notify();
  }
}

void Instance::prepare_files() const {
  const RunAs as = run_as();
  std::vector<std::string> directories = {plan_.directory, plan_.directory + "/tmp",
                                          directory_of(plan_.log)};
  std::vector<FileToWrite> files;
  for (const auto& file : plan_.files) {
    directories.push_back(directory_of(file.path));
    files.push_back({file.path, file.content});
  }
  directories.insert(directories.end(), plan_.directories.begin(), plan_.directories.end());
  make_directories(as, directories);
  if (!files.empty()) {
    write_files(as, files);
  }
}

SandboxOptions Instance::sandbox_options() const {
  SandboxOptions options;
  options.name = plan_.name;
  options.netns_fd = context_.fabric.namespace_fd(endpoint_);
  options.isolation = options.netns_fd < 0 ? Isolation::None : Isolation::Namespaces;
  options.owner = &context_.user;
  options.mounts.tmp_source = plan_.directory + "/tmp";
  auto& kept = options.mounts.kept_under_tmp;
  kept = {plan_.directory, directory_of(plan_.log), plan_.program};
  for (const auto& path : plan_.keep_visible) {
    if (::access(path.c_str(), F_OK) == 0) {
      kept.push_back(path);
    }
  }
  options.mounts.hosts = context_.hosts;
  options.mounts.masked = context_.masked;
  return options;
}

void Instance::check_access(const Sandbox& sandbox) const {
  std::vector<AccessCheck> checks = {{plan_.program, Access::Execute},
                                     {plan_.directory, Access::WriteDirectory}};
  for (const auto& file : plan_.files) {
    checks.push_back({file.path, Access::Read});
  }
  access_check({context_.user, &sandbox, std::chrono::seconds(30)}, checks);
}

std::vector<std::string> Instance::environment() const {
  std::vector<std::string> environment;
  for (const auto& [name, value] : plan_.env) {
    environment.push_back(name + "=" + value);
  }
  return environment;
}

void Instance::execute(const UniqueFd& log) {
  SpawnOptions options;
  options.program = plan_.program;
  options.args = plan_.args;
  options.env = environment();
  options.cwd = plan_.directory;
  options.stdout_fd = log.get();
  options.stderr_fd = log.get();
  options.sandbox = sandbox_.get();
  options.user = context_.user;
  context_.fabric.admit(endpoint_, [&] {
    child_.emplace(spawn(context_.executor, options));
    return child_->pid();
  });
}

void Instance::start(std::string_view actor) {
  const InstanceState before = state_;
  if (before != InstanceState::Planned && before != InstanceState::Stopped &&
      before != InstanceState::Crashed) {
    throw_conflict("'" + plan_.name + "' is already " + std::string(to_string(before)),
                   "use: tinet restart " + plan_.name);
  }
  ScopeExit undo([this] { drop_process(); });
  try {
    prepare_files();
    const UniqueFd log = open_log_append(run_as(), plan_.log, Rotate::Yes);
    if (!plan_.ready.log_regex.empty()) {
      log_reader_ = open_for_reading(run_as(), plan_.log);
      if (!log_reader_) {
        throw_operation("cannot read log '" + plan_.log + "': somebody has removed it");
      }
      log_rest_.clear();
      log_matched_ = false;
    }
    sandbox_ = std::make_shared<Sandbox>(Sandbox::create(context_.executor, sandbox_options()));
    check_access(*sandbox_);
    execute(log);
  } catch (Error& error) {
    error.about(plan_.name, error.log_tail());
    throw;
  }
  undo.dismiss();
  if (before != InstanceState::Planned) {
    ++restarts_;
  }
  ++run_;
  started_at_ = std::chrono::steady_clock::now();
  move_to(InstanceState::Starting, actor, "starting " + plan_.program);
  move_to(InstanceState::Running, actor, "running with pid " + std::to_string(child_->pid()));
  asio::co_spawn(context_.executor, watch_exit(run_), asio::detached);
  asio::co_spawn(context_.executor, watch_ready(run_), asio::detached);
}

void Instance::drop_process() {
  child_.reset();
  sandbox_.reset();
  log_reader_.reset();
}

asio::awaitable<void> Instance::watch_exit(std::uint64_t run) {
  boost::system::error_code error;
  const ExitStatus status =
      co_await child_->async_wait(asio::redirect_error(asio::use_awaitable, error));
  if (error || run != run_ || state_ == InstanceState::Stopping) {
    co_return;
  }
  last_exit_ = status.text();
  // What the program left running must not hold its ports, files or locks. A stop that is asked for
  // meanwhile finds the ended process still in its place.
  const std::shared_ptr<Sandbox> sandbox = sandbox_;
  sandbox->kill();
  co_await sandbox->async_wait_gone(asio::redirect_error(asio::use_awaitable, error));
  if (run == run_ && is_alive(state_) && state_ != InstanceState::Stopping) {
    drop_process();
    move_to(InstanceState::Crashed, plan_.name, last_exit_);
  }
}

Instance::Deadline Instance::ready_limit(Deadline deadline) const {
  return std::min(deadline, started_at_ + std::chrono::milliseconds(plan_.ready.timeout_ms));
}

bool Instance::is_ready_by(Deadline deadline) const {
  if (state_ == InstanceState::Ready) {
    return true;
  }
  std::string message = "'" + plan_.name + "' ";
  if (!is_alive(state_) || state_ == InstanceState::Stopping) {
    message += "ended before it was ready: ";
    message += last_exit_.empty() ? std::string(to_string(state_)) : last_exit_;
  } else if (const auto now = std::chrono::steady_clock::now(); now >= ready_limit(deadline)) {
    const auto waited = std::chrono::duration_cast<Milliseconds>(now - started_at_);
    message += "was not ready after " + format_duration(waited) + ": ";
    message += waiting_for_.empty() ? std::string("no check has answered") : waiting_for_;
  } else {
    return false;
  }
  Error error(ErrorKind::Operation, message, "see its log: " + plan_.log);
  throw Error(error.about(plan_.name, log_tail()));
}

asio::awaitable<void> Instance::stop(std::string actor, int signal_number,
                                     std::chrono::milliseconds grace) {
  if (state_ == InstanceState::Stopping) {
    co_await join_stop(signal_number);
    co_return;
  }
  if (!is_alive(state_)) {
    co_return;
  }
  const std::uint64_t run = run_;
  move_to(InstanceState::Stopping, actor, "asked to stop with " + signal_name(signal_number));
  // The sandbox object must outlive the wait even if the cluster forgets it meanwhile.
  const std::shared_ptr<Sandbox> sandbox = sandbox_;
  const StopOptions options{signal_number, grace};
  const StopResult result = co_await async_stop(*child_, *sandbox, options, asio::use_awaitable);
  if (run != run_) {
    co_return;
  }
  drop_process();
  last_exit_ = result.status.text();
  const bool forced = result.outcome == StopOutcome::Forced && grace.count() > 0;
  move_to(InstanceState::Stopped, actor,
          forced ? "killed after its grace" : "stopped: " + last_exit_);
}

asio::awaitable<void> Instance::join_stop(int signal_number) {
  if (signal_number == SIGKILL) {
    sandbox_->kill();
  }
  while (state_ == InstanceState::Stopping) {
    const auto seen = context_.changes.version();
    co_await context_.changes.wait(seen);
  }
}

asio::awaitable<void> Instance::kill(std::string actor) {
  co_await stop(std::move(actor), SIGKILL, std::chrono::milliseconds(0));
}

void Instance::signal(int signal_number) {
  if (!child_) {
    throw_conflict("'" + plan_.name + "' has no process",
                   "start it: tinet start-instance " + plan_.name);
  }
  static_cast<void>(child_->signal(signal_number));
}

void Instance::check_can_pause() const {
  if (state_ != InstanceState::Running && state_ != InstanceState::Ready) {
    throw_conflict("'" + plan_.name + "' cannot be paused: it is " +
                   std::string(to_string(state_)));
  }
}

void Instance::pause() {
  check_can_pause();
  const auto count = signal_tree(*sandbox_, SIGSTOP);
  move_to(InstanceState::Paused, "user",
          "SIGSTOP to " + std::to_string(count) + (count == 1 ? " process" : " processes"));
}

void Instance::resume() {
  if (state_ != InstanceState::Paused) {
    throw_conflict("'" + plan_.name + "' is not paused: it is " + std::string(to_string(state_)));
  }
  signal_tree(*sandbox_, SIGCONT);
  move_to(InstanceState::Running, "user", "resumed");
  started_at_ = std::chrono::steady_clock::now();
  asio::co_spawn(context_.executor, watch_ready(run_), asio::detached);
}

std::string Instance::log_tail() const {
  return std::string(tail_lines(read_tail(run_as(), plan_.log, kTailBytes), kTailLines));
}

}  // namespace tinet
