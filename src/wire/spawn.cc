#include "src/wire/spawn.h"

#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/error.h"
#include "src/wire/harden.h"
#include "src/wire/process.h"

namespace tinet {
namespace {

/// Above the places that the child fills.
constexpr int kFirstFree = 10;

UniqueFd duplicate_high(int fd) {
  UniqueFd high(::fcntl(fd, F_DUPFD_CLOEXEC, kFirstFree));
  if (const int error = errno; !high) {
    throw_errno(error, "cannot hand a descriptor to the userspace wire");
  }
  return high;
}

struct ChildPlan {
  int null_fd = -1;
  int queue_fd = -1;
  int control_fd = -1;
  int board_fd = -1;
  int report_fd = -1;
  const char* program = nullptr;
  char* const* argv = nullptr;
};

/// Between fork and exec: system calls only. @return errno of what failed
int become_wire(const ChildPlan& plan) noexcept {
  sigset_t none;
  ::sigemptyset(&none);
  for (int number = 1; number < NSIG; ++number) {
    static_cast<void>(std::signal(number, SIG_DFL));
  }
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::setsid();
  pass_network_capability_on();
  if (::dup2(plan.null_fd, STDIN_FILENO) < 0 || ::dup2(plan.null_fd, STDOUT_FILENO) < 0 ||
      ::dup2(plan.queue_fd, kWireQueueFd) < 0 || ::dup2(plan.control_fd, kWireControlFd) < 0 ||
      ::dup2(plan.board_fd, kWireBoardFd) < 0) {
    return errno;
  }
  ::execv(plan.program, plan.argv);
  return errno;
}

/// errno that the child reports when it cannot become the program; 0 when it has.
int await_exec(const UniqueFd& reports) {
  int error = 0;
  ssize_t size = 0;
  do {
    size = ::read(reports.get(), &error, sizeof error);
  } while (size < 0 && errno == EINTR);
  return size == sizeof error ? error : 0;
}

}  // namespace

pid_t spawn_wire(const WireDescriptors& descriptors, const std::string& program,
                 const std::vector<std::string>& argv) {
  const UniqueFd queue = duplicate_high(descriptors.queue);
  const UniqueFd control = duplicate_high(descriptors.control);
  const UniqueFd board = duplicate_high(descriptors.board);
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  int ends[2] = {-1, -1};
  if (!null || ::pipe2(ends, O_CLOEXEC) < 0) {
    const int error = errno;
    throw_errno(error, "cannot start the userspace wire");
  }
  const UniqueFd reports(ends[0]);
  UniqueFd report(ends[1]);
  UniqueFd high_report = duplicate_high(report.get());
  std::vector<std::string> words = argv;
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) {
    pointers.push_back(word.data());
  }
  pointers.push_back(nullptr);
  const ChildPlan plan{.null_fd = null.get(),
                       .queue_fd = queue.get(),
                       .control_fd = control.get(),
                       .board_fd = board.get(),
                       .report_fd = high_report.get(),
                       .program = program.c_str(),
                       .argv = pointers.data()};
  const pid_t pid = ::fork();
  if (pid < 0) {
    const int error = errno;
    throw_errno(error, "cannot start the userspace wire");
  }
  if (pid == 0) {
    const int error = become_wire(plan);
    static_cast<void>(!::write(plan.report_fd, &error, sizeof error));
    ::_exit(127);
  }
  report.reset();
  high_report.reset();
  if (const int error = await_exec(reports); error != 0) {
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    throw_errno(error, "cannot start the userspace wire from '" + program + "'");
  }
  return pid;
}

}  // namespace tinet
