#include "src/process/run_as.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>
#include <utility>

#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/error.h"
#include "src/base/scope_exit.h"
#include "src/process/child_entry.h"
#include "src/process/pidfd.h"
#include "src/process/privileges.h"

namespace tinet {

namespace {

constexpr std::size_t kFdsMax = 16;
constexpr std::uint64_t kTextMax = 1ULL << 30U;

/// Precedes the texts on the wire; the descriptors travel with it.
struct ResultHeader {
  std::uint32_t failed = 0;
  std::uint32_t kind = 0;
  std::uint64_t bytes = 0;  ///< of the result, or of the error's message
  std::uint64_t hint = 0;
};

union FdMessage {
  cmsghdr header;
  std::array<char, CMSG_SPACE(sizeof(int) * kFdsMax)> space;
};

bool send_all(int socket, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t sent = ::send(socket, data, size, MSG_NOSIGNAL);
    if (sent <= 0) {
      return false;
    }
    data += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

/// Sends the header with the descriptors, then both texts. Failure needs no report: the parent sees
/// an early end.
void send_result(int socket, ResultHeader header, const std::string& text, const std::string& hint,
                 const std::vector<UniqueFd>& fds) {
  header.bytes = text.size();
  header.hint = hint.size();
  iovec part{.iov_base = &header, .iov_len = sizeof header};
  FdMessage control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    std::array<int, kFdsMax> numbers{};
    for (std::size_t i = 0; i < fds.size(); ++i) {
      numbers[i] = fds[i].get();
    }
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    std::memcpy(CMSG_DATA(&control.header), numbers.data(), sizeof(int) * fds.size());
  }
  if (::sendmsg(socket, &message, MSG_NOSIGNAL) == sizeof header) {
    static_cast<void>(send_all(socket, text.data(), text.size()) &&
                      send_all(socket, hint.data(), hint.size()));
  }
}

void send_error(int socket, const Error& error) {
  send_result(socket, {.failed = 1, .kind = static_cast<std::uint32_t>(error.kind())}, error.what(),
              error.hint(), {});
}

/// Takes on the user's identity and view, in the forked process.
void become(const RunAs& as, const PrivilegePlan& privileges, int parent_pidfd) {
  const EntryPlan entry = as.sandbox != nullptr ? as.sandbox->enclosure()->entry() : EntryPlan{};
  if (entry.pidfd >= 0 && ::setns(entry.pidfd, entry.flags) != 0) {
    const int error = errno;
    throw_errno(error, "cannot enter the sandbox of '" + as.sandbox->name() + "'");
  }
  if (const int error = apply_privileges(privileges); error != 0) {
    throw_errno(error, "cannot become user " + std::to_string(privileges.uid));
  }
  if (const int error = die_with_parent(parent_pidfd); error != 0) {
    throw_errno(error, "cannot tie a process to the supervisor");
  }
  reset_signals();
  ::umask(022);
}

[[noreturn]] void run_child(int socket, const RunAs& as, const PrivilegePlan& privileges,
                            int parent_pidfd, const std::function<RunResult()>& work) noexcept {
  try {
    become(as, privileges, parent_pidfd);
    const RunResult result = work();
    TINET_ASSERT(result.fds.size() <= kFdsMax);
    send_result(socket, {}, result.bytes, {}, result.fds);
  } catch (const Error& error) {
    send_error(socket, error);
  } catch (const std::exception& error) {
    send_error(socket, Error(ErrorKind::Operation, error.what()));
  }
  // Not exit(): destructors and exit handlers belong to the parent.
  ::_exit(0);
}

using Deadline = std::chrono::steady_clock::time_point;

bool wait_for_data(int socket, Deadline deadline) {
  return wait_readable(socket, std::chrono::ceil<std::chrono::milliseconds>(
                                   deadline - std::chrono::steady_clock::now()));
}

std::vector<UniqueFd> take_fds(msghdr& message) {
  std::vector<UniqueFd> fds;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
      fds.emplace_back(fd);
    }
  }
  return fds;
}

bool receive_text(int socket, std::string& text, std::uint64_t size, Deadline deadline) {
  if (size > kTextMax) {
    return false;
  }
  text.resize(static_cast<std::size_t>(size));
  for (std::size_t done = 0; done < text.size();) {
    if (!wait_for_data(socket, deadline)) {
      return false;
    }
    const ssize_t received = ::recv(socket, text.data() + done, text.size() - done, 0);
    if (received <= 0) {
      return false;
    }
    done += static_cast<std::size_t>(received);
  }
  return true;
}

/// The child's result; empty when it died or hung.
/// @throws Error of the work
std::optional<RunResult> receive_result(int socket, Deadline deadline) {
  ResultHeader header;
  iovec part{.iov_base = &header, .iov_len = sizeof header};
  FdMessage control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = &control;
  message.msg_controllen = sizeof control;
  if (!wait_for_data(socket, deadline) ||
      ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != sizeof header) {
    return std::nullopt;
  }
  RunResult result;
  result.fds = take_fds(message);
  std::string hint;
  if (!receive_text(socket, result.bytes, header.bytes, deadline) ||
      !receive_text(socket, hint, header.hint, deadline)) {
    return std::nullopt;
  }
  if (header.failed != 0) {
    throw Error(static_cast<ErrorKind>(header.kind), result.bytes, hint);
  }
  return result;
}

}  // namespace

RunResult run_as_user(const RunAs& as, const std::function<RunResult()>& work) {
  int ends[2] = {-1, -1};
  const int made = ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
  if (const int error = errno; made != 0) {
    throw_errno(error, "cannot open a socket pair");
  }
  const UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  const PrivilegePlan privileges = plan_privileges(as.user);
  const UniqueFd self = open_pidfd(::getpid());
  pid_t pid = -1;
  {
    const BlockedSignals blocked;
    pid = ::fork();  // the C library's: the work allocates memory
    if (const int error = errno; pid < 0) {
      throw_errno(error, "cannot fork");
    }
    if (pid == 0) {
      run_child(theirs.get(), as, privileges, self.get(), work);
    }
  }
  theirs.reset();
  const ScopeExit end_child([pid] {
    static_cast<void>(::kill(pid, SIGKILL));
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  });
  auto result = receive_result(ours.get(), std::chrono::steady_clock::now() + as.limit);
  if (!result) {
    throw_operation("work on the user's files was killed or took longer than " +
                    std::to_string(as.limit.count()) + " ms");
  }
  return std::move(*result);
}

}  // namespace tinet
