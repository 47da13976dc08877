// The part of Instance that finds out whether its program is ready.

#include <algorithm>
#include <utility>

#include <signal.h>
#include <unistd.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "src/base/error.h"
#include "src/supervisor/checks.h"
#include "src/supervisor/instance.h"
#include "src/topology/readiness.h"

namespace tinet {

namespace asio = boost::asio;

namespace {

/// Programs offer no event for "ready", so they are asked: often at first, then less often.
constexpr std::chrono::milliseconds kFirstPause{20};
constexpr std::chrono::milliseconds kLongestPause{400};
constexpr std::chrono::seconds kCommandTimeout{5};
/// However fast and without line ends a program writes its log, nobody else waits for the reader.
constexpr std::size_t kLogBytesPerLook = 16U << 20U;
/// No pattern is sought behind this (readiness.h).
constexpr std::size_t kLogLineMax = 4096;

}  // namespace

asio::awaitable<void> Instance::watch_ready(std::uint64_t run) {
  auto pause = kFirstPause;
  asio::steady_timer timer(context_.executor);
  while (run == run_ && state_ == InstanceState::Running) {
    std::optional<std::string> reason;
    try {
      reason = co_await first_unmet();
    } catch (const std::exception& error) {
      reason = error.what();
    }
    if (run != run_ || state_ != InstanceState::Running) {
      co_return;
    }
    if (!reason) {
      const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
          std::chrono::steady_clock::now() - started_at_);
      move_to(InstanceState::Ready, plan_.name,
              "ready after " + std::to_string(took.count()) + "ms");
      co_return;
    }
    wait_for(std::move(*reason));
    timer.expires_after(pause);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    pause = std::min(pause * 3 / 2, kLongestPause);
  }
}

asio::awaitable<std::optional<std::string>> Instance::first_unmet() {
  if (!plan_.ready.log_regex.empty() && !log_shows_ready()) {
    co_return "a log line that matches '" + plan_.ready.log_regex + "'";
  }
  for (const auto& service : plan_.ready.tcp) {
    auto reason = co_await check_tcp(context_.fabric, context_.plan, plan_, service);
    if (reason) {
      co_return reason;
    }
  }
  for (const auto& check : plan_.ready.http) {
    auto reason = co_await check_http(context_.fabric, context_.plan, &plan_, check);
    if (reason) {
      co_return reason;
    }
  }
  if (!plan_.ready.exec.empty()) {
    const bool succeeded = co_await command_succeeds(plan_.ready.exec);
    if (!succeeded) {
      co_return "'" + plan_.ready.exec.front() + "' to succeed";
    }
  }
  co_return std::nullopt;
}

asio::awaitable<bool> Instance::command_succeeds(std::vector<std::string> command) {
  const std::shared_ptr<Sandbox> sandbox = sandbox_;
  if (!sandbox) {
    // The instance ended while its other checks were asked; outside of it the command may not run.
    co_return false;
  }
  SpawnOptions options;
  options.program = command.front();
  options.args.assign(command.begin() + 1, command.end());
  options.env = environment();
  options.cwd = plan_.directory;
  options.sandbox = sandbox.get();
  options.user = context_.user;
  // Shared, because a timer that has just fired runs its handler after the command's own end.
  std::shared_ptr<const Child> child;
  context_.fabric.admit(endpoint_, [&] {
    child = std::make_shared<const Child>(spawn(context_.executor, options));
    return child->pid();
  });
  asio::steady_timer timeout(context_.executor, kCommandTimeout);
  timeout.async_wait([child](const boost::system::error_code& error) {
    if (!error) {
      static_cast<void>(child->signal(SIGKILL));
    }
  });
  boost::system::error_code error;
  const ExitStatus status =
      co_await child->async_wait(asio::redirect_error(asio::use_awaitable, error));
  timeout.cancel();
  co_return !error && status.success();
}

bool Instance::log_shows_ready() {
  if (log_matched_) {
    return true;
  }
  const LogPattern pattern(plan_.ready.log_regex);
  char buffer[8192];
  for (std::size_t looked = 0; looked < kLogBytesPerLook; looked += sizeof buffer) {
    const ssize_t count = ::read(log_reader_.get(), buffer, sizeof buffer);
    if (count <= 0) {
      return false;
    }
    log_rest_.append(buffer, static_cast<std::size_t>(count));
    std::size_t begin = 0;
    for (auto end = log_rest_.find('\n'); end != std::string::npos;
         end = log_rest_.find('\n', begin)) {
      if (pattern.matches(std::string_view(log_rest_).substr(begin, end - begin))) {
        log_matched_ = true;
        return true;
      }
      begin = end + 1;
    }
    log_rest_.erase(0, begin);
    log_rest_.resize(std::min(log_rest_.size(), kLogLineMax));
  }
  return false;
}

}  // namespace tinet
