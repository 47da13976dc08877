#include "src/client/signal_pipe.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "src/base/error.h"

namespace tinet {

namespace {

/// Write end for each signal; 0 without one (a pipe's write end never is descriptor 0, which its
/// read end would have got first). A handler may touch nothing else.
constexpr std::size_t kSignals = 65;
std::array<std::atomic<int>, kSignals> g_write_ends;

void on_signal(int signal) {
  const int saved_errno = errno;
  const auto byte = static_cast<unsigned char>(signal);
  // A full pipe already says that signals came.
  static_cast<void>(
      ::write(g_write_ends[static_cast<std::size_t>(signal)].load(), &byte, sizeof byte));
  errno = saved_errno;
}

}  // namespace

struct SignalPipe::Saved {
  int signal;
  struct sigaction action;
};

SignalPipe::SignalPipe(std::vector<int> signals) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
    throw_errno(errno, "cannot make a pipe for signals");
  }
  read_end_.reset(ends[0]);
  write_end_.reset(ends[1]);
  for (const int signal : signals) {
    auto& end = g_write_ends.at(static_cast<std::size_t>(signal));
    TINET_ASSERT(end.load() == 0);
    end = write_end_.get();
    struct sigaction action {};
    action.sa_handler = on_signal;
    Saved saved{signal, {}};
    static_cast<void>(::sigaction(signal, &action, &saved.action));
    saved_.push_back(saved);
  }
}

SignalPipe::~SignalPipe() {
  for (const auto& saved : saved_) {
    static_cast<void>(::sigaction(saved.signal, &saved.action, nullptr));
    g_write_ends[static_cast<std::size_t>(saved.signal)] = 0;
  }
}

std::optional<int> SignalPipe::take() noexcept {
  unsigned char byte = 0;
  if (::read(read_end_.get(), &byte, sizeof byte) != 1) {
    return std::nullopt;
  }
  return byte;
}

Interrupt::Interrupt() : pipe_({SIGINT, SIGTERM, SIGHUP}) {}

bool Interrupt::raised() const noexcept {
  pollfd state{fd(), POLLIN, 0};
  return ::poll(&state, 1, 0) == 1;
}

void wait_ready(int fd, short events, const Interrupt* interrupt) {
  for (;;) {
    pollfd states[2] = {{fd, events, 0}, {interrupt != nullptr ? interrupt->fd() : -1, POLLIN, 0}};
    const int count = ::poll(states, 2, -1);
    if (const int error = errno; count < 0 && error != EINTR) {
      throw_errno(error, "cannot wait for an answer");
    }
    if (count > 0 && states[1].revents != 0) {
      throw Error(ErrorKind::Interrupted, "interrupted");
    }
    if (count > 0 && states[0].revents != 0) {
      return;
    }
  }
}

}  // namespace tinet
