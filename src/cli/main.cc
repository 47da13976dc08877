/// The tinet program.

#include <csignal>
#include <iostream>
#include <string>
#include <vector>

#include <unistd.h>

#include "src/cli/run_cli.h"

int main(int argc, char** argv) {
  // A reader that goes away ("tinet events --follow | head") is an error of write(2), not a death.
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> words(argv + 1, argv + argc);
  const tinet::cli::Streams streams{.out = std::cout,
                                    .err = std::cerr,
                                    .out_is_terminal = ::isatty(STDOUT_FILENO) == 1,
                                    .err_is_terminal = ::isatty(STDERR_FILENO) == 1};
  return tinet::cli::run_cli(words, streams, tinet::cli::current_environment());
}
