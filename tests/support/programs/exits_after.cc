// exits_after MILLISECONDS STATUS: exits with STATUS after that time; with "-SIGNAL" as STATUS it
// kills itself with that signal.

#include <csignal>
#include <cstdlib>
#include <ctime>

int main(int argc, char** argv) {
  const long ms = argc > 1 ? std::atol(argv[1]) : 0;
  const int status = argc > 2 ? std::atoi(argv[2]) : 0;
  const timespec time{.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1'000'000};
  ::nanosleep(&time, nullptr);
  if (status < 0) {
    std::raise(-status);
  }
  return status;
}
