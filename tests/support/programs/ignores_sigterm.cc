// Ignores SIGTERM, says so on stdout and waits for ever.

#include <csignal>
#include <cstdio>

#include <unistd.h>

int main() {
  std::signal(SIGTERM, SIG_IGN);
  std::puts("ready");
  std::fflush(stdout);
  while (true) {
    ::pause();
  }
}
