#include "src/client/exec_client.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "src/client/client.h"
#include "src/process/pty.h"

namespace tinet {

namespace json = boost::json;

namespace {

constexpr int kOwnFailure = 125;
/// End of input, as a terminal's user types it.
constexpr char kEndOfInput = 4;

ExecOutcome outcome_of(PendingRequest& request) {
  const auto document = request.document();
  const auto* members = document.if_object();
  const auto number = [&](std::string_view name, int otherwise) {
    const auto* value = members == nullptr ? nullptr : members->if_contains(name);
    return value != nullptr && value->is_int64() ? static_cast<int>(value->as_int64()) : otherwise;
  };
  if (const int code = number("exit_code", -1); code >= 0) {
    return {.exit_code = code, .failure = std::nullopt};
  }
  return {.exit_code = number("exec_code", kOwnFailure), .failure = api::error_from_json(document)};
}

bool write_all(int fd, const char* data, std::size_t count) noexcept {
  while (count > 0) {
    const auto written = ::write(fd, data, count);
    if (written < 0 && errno != EINTR && errno != EAGAIN) {
      return false;
    }
    if (written < 0 && errno == EAGAIN) {
      pollfd state{fd, POLLOUT, 0};
      static_cast<void>(::poll(&state, 1, -1));
    }
    if (written > 0) {
      data += written;
      count -= static_cast<std::size_t>(written);
    }
  }
  return true;
}

/// Carries bytes between the user's terminal and the command's.
class TerminalRelay {
 public:
  TerminalRelay(UniqueFd master, const Interrupt* interrupt)
      : master_(std::move(master)), interrupt_(interrupt), resized_({SIGWINCH}) {
    const int flags = ::fcntl(master_.get(), F_GETFL);
    static_cast<void>(::fcntl(master_.get(), F_SETFL, flags | O_NONBLOCK));
  }

  ExecOutcome run(PendingRequest& request) {
    bool is_answered = false;
    while (!is_answered) {
      // What was typed waits until the command reads; only then more is taken from the user.
      const short master_events = static_cast<short>(typed_.empty() ? POLLIN : POLLIN | POLLOUT);
      std::array<pollfd, 5> states{{
          {request.fd(), POLLIN, 0},
          {output_ended_ ? -1 : master_.get(), master_events, 0},
          {input_ended_ || !typed_.empty() ? -1 : STDIN_FILENO, POLLIN, 0},
          {resized_.fd(), POLLIN, 0},
          {interrupt_ != nullptr ? interrupt_->fd() : -1, POLLIN, 0},
      }};
      if (::poll(states.data(), states.size(), -1) < 0) {
        continue;  // EINTR: the signal is in a pipe
      }
      if (states[4].revents != 0) {
        throw Error(ErrorKind::Interrupted, "interrupted");
      }
      if (states[3].revents != 0) {
        carry_size();
      }
      if ((states[1].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
        carry_output();
      }
      if (states[2].revents != 0) {
        take_input();
      }
      pass_input();
      if (states[0].revents != 0) {
        is_answered = request.receive();
      }
    }
    while (carry_output()) {
    }
    return outcome_of(request);
  }

 private:
  void carry_size() {
    while (resized_.take()) {
    }
    set_window_size(master_.get(), window_size(STDIN_FILENO));
  }

  /// @return true when there was something
  bool carry_output() {
    std::array<char, 16UL << 10U> buffer;
    const auto count = ::read(master_.get(), buffer.data(), buffer.size());
    if (count > 0) {
      return write_all(STDOUT_FILENO, buffer.data(), static_cast<std::size_t>(count));
    }
    // EIO: the command, and everything it started, has closed its terminal.
    output_ended_ = count == 0 || (errno != EAGAIN && errno != EINTR);
    return false;
  }

  void take_input() {
    std::array<char, 4096> buffer;
    const auto count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count > 0) {
      typed_.assign(buffer.data(), static_cast<std::size_t>(count));
    } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
      typed_.assign(1, kEndOfInput);
      input_ended_ = true;
    }
  }

  void pass_input() {
    if (typed_.empty()) {
      return;
    }
    const auto count = ::write(master_.get(), typed_.data(), typed_.size());
    if (count > 0) {
      typed_.erase(0, static_cast<std::size_t>(count));
    } else if (count < 0 && errno != EAGAIN && errno != EINTR) {
      typed_.clear();
    }
  }

  UniqueFd master_;
  const Interrupt* interrupt_;
  SignalPipe resized_;
  std::string typed_;
  bool input_ended_ = false;
  bool output_ended_ = false;
};

ExecOutcome run_on_terminal(const ClusterHandle& cluster, const json::value& body,
                            const Interrupt* interrupt) {
  Pty pty = open_pty(window_size(STDIN_FILENO));
  TerminalRelay relay(std::move(pty.master), interrupt);
  PendingRequest request(cluster, "POST", "/v1/exec", &body, {pty.slave.get()}, interrupt);
  pty.slave.reset();
  const RawTerminal raw(STDIN_FILENO);
  return relay.run(request);
}

ExecOutcome run_on_descriptors(const ClusterHandle& cluster, const json::value& body,
                               const Interrupt* interrupt) {
  // A caller may have closed one of them; the command then has /dev/null there.
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  std::vector<int> fds;
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    fds.push_back(::fcntl(fd, F_GETFD) < 0 ? null.get() : fd);
  }
  PendingRequest request(cluster, "POST", "/v1/exec", &body, fds, interrupt);
  while (!request.receive()) {
  }
  return outcome_of(request);
}

}  // namespace

ExecOutcome run_exec(const ClusterHandle& cluster, const api::ExecRequest& request,
                     const Interrupt* interrupt) {
  const auto body = api::to_json(request);
  try {
    return request.tty ? run_on_terminal(cluster, body, interrupt)
                       : run_on_descriptors(cluster, body, interrupt);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::Interrupted) {
      throw;
    }
    return {.exit_code = kOwnFailure, .failure = error};
  }
}

}  // namespace tinet
