#include "src/cli/launch.h"

#include <cerrno>
#include <csignal>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "src/api/requests.h"
#include "src/base/error.h"
#include "src/cli/json_view.h"
#include "src/process/exit_status.h"

namespace tinet::cli {

namespace json = boost::json;

namespace {

constexpr int kControlFd = 3;  ///< where `tinet supervise` finds its end of the channel
constexpr int kUnwindMaxMs = 60'000;

/// In the forked child: only async-signal-safe calls.
[[noreturn]] void become_supervisor(Guarded guarded, int control, int log) noexcept {
  ::setsid();
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  // Copies above the standard ones first, because `control` or `log` may be 0 to 3 themselves.
  const int control_copy = ::fcntl(control, F_DUPFD_CLOEXEC, 10);
  const int log_copy = ::fcntl(log, F_DUPFD_CLOEXEC, 10);
  if (null < 0 || control_copy < 0 || log_copy < 0 || ::dup2(null, STDIN_FILENO) < 0 ||
      ::dup2(log_copy, STDOUT_FILENO) < 0 || ::dup2(log_copy, STDERR_FILENO) < 0 ||
      ::dup2(control_copy, kControlFd) < 0) {
    ::_exit(127);
  }
  // Nothing of the caller's stays open: a pipe that somebody reads to its end would never end.
  ::close_range(kControlFd + 1, ~0U, 0);
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) {
    ::sigaction(signal, &action, nullptr);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execl("/proc/self/exe", "tinet", "supervise",
          guarded == Guarded::Yes ? kWithoutNamespaces : nullptr, nullptr);
  ::_exit(127);
}

void send_all(int socket, const std::string& text) {
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t count = ::send(socket, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (const int error = errno; count < 0) {
      if (error == EINTR) {
        continue;
      }
      if (error == EPIPE || error == ECONNRESET) {
        return;  // it died at once; reading the outcome will say so
      }
      throw_errno(error, "cannot send the plan to the supervisor");
    }
    sent += static_cast<std::size_t>(count);
  }
}

}  // namespace

Launch::Launch(const json::value& document, Guarded guarded, const UniqueFd& log,
               std::string log_path)
    : log_path_(std::move(log_path)) {
  int ends[2];
  const int made = ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
  if (const int error = errno; made != 0) {
    throw_errno(error, "cannot make the supervisor's channel");
  }
  channel_.reset(ends[0]);
  const UniqueFd theirs(ends[1]);

  pid_ = ::fork();
  if (const int error = errno; pid_ < 0) {
    throw_errno(error, "cannot start the supervisor");
  }
  if (pid_ == 0) {
    become_supervisor(guarded, theirs.get(), log.get());
  }
  send_all(channel_.get(), json::serialize(document) + "\n");
}

Launch::Line Launch::next_line(const Interrupt* interrupt, int timeout_ms, std::string& line) {
  for (;;) {
    if (const auto end = pending_.find('\n'); end != std::string::npos) {
      line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      return Line::Some;
    }
    pollfd waited[2] = {{channel_.get(), POLLIN, 0},
                        {interrupt == nullptr ? -1 : interrupt->fd(), POLLIN, 0}};
    const int ready = ::poll(waited, 2, timeout_ms);
    if (ready == 0 || (ready > 0 && waited[1].revents != 0)) {
      return Line::Interrupted;
    }
    if (waited[0].revents == 0) {
      continue;
    }
    char buffer[65536];
    const ssize_t count = ::read(channel_.get(), buffer, sizeof(buffer));
    if (count <= 0) {
      return Line::End;
    }
    pending_.append(buffer, static_cast<std::size_t>(count));
  }
}

std::string Launch::unwind() {
  // Half a close is enough for the supervisor; the other half tells when everything is undone. A
  // second ^C must be able to end this wait, so signals are back at their defaults.
  ::shutdown(channel_.get(), SHUT_WR);
  std::signal(SIGINT, SIG_DFL);
  std::string line;
  std::string hint;
  while (next_line(nullptr, kUnwindMaxMs, line) == Line::Some) {
    // The last line is the outcome; its hint says where the logs are.
    hint = text_of(member_of(json::parse(line), "error"), "hint");
  }
  return hint;
}

std::string Launch::how_it_ended() const {
  int status = 0;
  const bool reaped = ::waitpid(pid_, &status, 0) == pid_;
  return reaped ? ExitStatus::from_wait(status).text() : "it is gone";
}

json::value Launch::wait_ready(const Interrupt& interrupt,
                               const std::function<void(const json::value&)>& on_progress) {
  std::string text;
  for (;;) {
    switch (next_line(&interrupt, -1, text)) {
      case Line::Interrupted:
        throw Error(ErrorKind::Interrupted, "interrupted, the start was undone", unwind());
      case Line::End:
        throw_operation("the supervisor ended before the cluster was ready: " + how_it_ended(),
                        "its log is '" + log_path_ + "'");
      case Line::Some:
        break;
    }
    const json::value line = json::parse(text);
    if (const auto& progress = member_of(line, "progress"); progress.is_object()) {
      on_progress(progress);
    } else if (const auto& ready = member_of(line, "ready"); ready.is_object()) {
      return ready;
    } else {
      throw api::error_from_json(line);
    }
  }
}

void Launch::accept() {
  send_all(channel_.get(), "\n");
}

}  // namespace tinet::cli
