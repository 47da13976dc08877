// forks_without_end bomb N: N processes, each in a session of its own, forked by one another as
// fast
//   as they can; then each waits for a signal.
// forks_without_end hop: a process in a session of its own that forks its successor and ends, for
// ever
//   (60 s): none of them lives for longer than a moment.
// Both print "ready" while that goes on, and the first process waits for a signal.

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <sys/mman.h>
#include <unistd.h>

namespace {

[[noreturn]] void wait_for_a_signal() {
  while (true) {
    ::pause();
  }
}

[[noreturn]] void bomb(std::atomic<int>& births, int most) {
  while (births.fetch_add(1) < most) {
    if (::fork() == 0) {
      ::setsid();
    }
  }
  wait_for_a_signal();
}

[[noreturn]] void hop() {
  const std::time_t end = std::time(nullptr) + 60;
  while (std::time(nullptr) < end) {
    if (::fork() != 0) {
      ::_exit(0);
    }
    ::setsid();
  }
  ::_exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  void* shared = ::mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (argc < 2 || shared == MAP_FAILED) {
    return 1;
  }
  std::signal(SIGCHLD, SIG_IGN);  // whoever ends needs no reaping
  auto& births = *new (shared) std::atomic<int>(0);
  if (::fork() == 0) {
    ::setsid();
    if (std::strcmp(argv[1], "hop") == 0) {
      hop();
    }
    bomb(births, argc > 2 ? std::atoi(argv[2]) : 0);
  }
  const int wanted = argc > 2 ? std::atoi(argv[2]) / 4 : 0;
  while (births < wanted) {
    ::usleep(100);
  }
  std::puts("ready");
  std::fflush(stdout);
  wait_for_a_signal();
}
