/// libFuzzer target over what the ends of the wire's control socket read. Run:
///   wire_fuzz -max_len=4096 tests/fuzz/corpus/wire

#include <cstddef>
#include <cstdint>
#include <span>

#include "tests/fuzz/wire_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static_cast<void>(tinet::testing::walk_wire(std::as_bytes(std::span(data, size))));
  return 0;
}
