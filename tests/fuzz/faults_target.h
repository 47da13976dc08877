#pragma once
/// What the fuzzer and the replay of its corpus do with one input: a file of faults, a zone matrix,
/// a distribution. The only way out besides success is a Usage error.

#include <string>
#include <string_view>

#include "src/api/requests.h"
#include "src/base/error.h"
#include "src/cli/distribution_file.h"
#include "src/cli/fault_verb.h"
#include "src/cli/faults_file.h"
#include "src/cli/zone_matrix.h"

namespace tinet::test {

template <typename Parse>
void try_as(Parse parse) {
  try {
    parse();
  } catch (const Error& error) {
    TINET_ASSERT(error.kind() == ErrorKind::Usage);
  }
}

inline void try_faults_input(std::string_view input) {
  try_as([&] {
    // A file that is named in the input is the input itself.
    const auto self = [&](const std::string& /*name*/, const std::string& /*option*/) {
      return std::string(input);
    };
    for (const auto& request : cli::parse_faults(input, "fuzz.yaml", self)) {
      TINET_ASSERT(!request.summary.empty());
    }
  });
  try_as([&] { static_cast<void>(cli::parse_zone_matrix(input, "fuzz.yaml")); });
  try_as([&] { static_cast<void>(cli::parse_distribution_file(input, "fuzz.dist")); });
}

}  // namespace tinet::test
