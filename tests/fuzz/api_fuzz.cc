/// libFuzzer target over what a client of the control socket can send. Run:
///   api_fuzz -max_len=8192 tests/fuzz/corpus/api

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/api_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static_cast<void>(tinet::fuzz::run(std::string_view(reinterpret_cast<const char*>(data), size)));
  return 0;
}
