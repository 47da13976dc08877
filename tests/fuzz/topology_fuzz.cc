/// Every input is tried as a topology, as TOML and YAML laid over settings, and as a template. The
/// only way out besides success is tinet::Error.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/topology_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tinet::test::try_topology_input({reinterpret_cast<const char*>(data), size});
  return 0;
}
