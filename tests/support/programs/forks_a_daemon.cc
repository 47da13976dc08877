// forks_a_daemon [wait]: leaves a daemon behind (double fork, own session), prints "ready" when it
// runs, and exits; with "wait" it stays until a signal ends it.

#include <cstdio>
#include <cstring>

#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char** argv) {
  int ends[2];
  if (::pipe(ends) != 0) {
    return 1;
  }
  if (const pid_t first = ::fork(); first == 0) {
    ::setsid();
    if (::fork() == 0) {
      ::close(ends[0]);
      ::close(ends[1]);
      while (true) {
        ::pause();
      }
    }
    ::_exit(0);
  } else {
    ::waitpid(first, nullptr, 0);
  }
  std::puts("ready");
  std::fflush(stdout);
  if (argc > 1 && std::strcmp(argv[1], "wait") == 0) {
    ::pause();
  }
  return 0;
}
