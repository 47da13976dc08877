/// libFuzzer target over every parser of netlink bytes. Run:
///   netlink_fuzz -max_len=4096 tests/fuzz/corpus/netlink

#include <cstddef>
#include <cstdint>
#include <span>

#include "tests/support/netlink_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static_cast<void>(tinet::testing::walk_netlink(std::as_bytes(std::span(data, size))));
  return 0;
}
