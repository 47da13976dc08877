/// Every input is tried as a file of faults, as a matrix of zones and as a distribution.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/faults_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tinet::test::try_faults_input({reinterpret_cast<const char*>(data), size});
  return 0;
}
