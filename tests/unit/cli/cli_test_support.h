#pragma once
/// Runs command lines in this process with captured streams.

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "src/cli/run_cli.h"

namespace tinet::cli::test {

struct Outcome {
  int status = 0;
  std::string out;
  std::string err;
};

/// The user's clusters are looked for under this test's own runtime directory only as far as the
/// tag matters: the tag is one that nobody starts.
inline Outcome run(std::vector<std::string> words, std::map<std::string, std::string> env = {}) {
  env.emplace("TINET_TAG", "unit-test-nobody");
  std::ostringstream out;
  std::ostringstream err;
  Outcome outcome;
  outcome.status = run_cli(words, {.out = out, .err = err}, env);
  outcome.out = out.str();
  outcome.err = err.str();
  return outcome;
}

}  // namespace tinet::cli::test
