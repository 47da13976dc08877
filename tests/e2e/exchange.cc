#include "tests/e2e/exchange.h"

#include <cstdio>
#include <ostream>

#include <gtest/gtest.h>

namespace tinet::test {

std::ostream& operator<<(std::ostream& out, const Exchange& exchange) {
  return out << exchange.answered << " answered, " << exchange.repeated << " repeated, "
             << exchange.overtaken << " overtaken, " << exchange.damaged << " damaged, "
             << exchange.shortest.count() << " to " << exchange.longest.count() << " us";
}

Exchange exchange(const EchoScene& scene, const std::string& from, const std::string& to,
                  const ExchangeOptions& options) {
  const RunResult result =
      scene.tinet({"exec", from, "--", support_program("echo_count"), scene.address(to),
                   EchoScene::kPort, std::to_string(options.count),
                   std::to_string(options.gap.count()), std::to_string(options.patience.count())});
  EXPECT_TRUE(result.ok()) << result;
  Exchange exchange;
  std::int64_t shortest_us = 0;
  std::int64_t longest_us = 0;
  EXPECT_EQ(std::sscanf(result.out.c_str(),
                        "answered %ld repeated %ld overtaken %ld damaged %ld shortest %ld "
                        "longest %ld",
                        &exchange.answered, &exchange.repeated, &exchange.overtaken,
                        &exchange.damaged, &shortest_us, &longest_us),
            6)
      << result;
  exchange.shortest = std::chrono::microseconds(shortest_us);
  exchange.longest = std::chrono::microseconds(longest_us);
  return exchange;
}

bool answers(const EchoScene& scene, const std::string& from, const std::string& to,
             std::chrono::milliseconds patience) {
  return exchange(scene, from, to, {.patience = patience}).answered == 1;
}

std::string dial(const EchoScene& scene, const std::string& from, const std::string& to,
                 const std::string& port, std::chrono::milliseconds patience) {
  const RunResult result = scene.tinet({"exec", from, "--", support_program("tcp_dial"),
                                        scene.address(to), port, std::to_string(patience.count())});
  EXPECT_TRUE(result.ok()) << result;
  return result.out.substr(0, result.out.find('\n'));
}

std::int64_t count_of(const EchoScene& scene, const std::string& from, const std::string& to,
                      const std::string& what) {
  return std::stoll("0" + text_at(scene.link(from, to), "/packets/" + what));
}

}  // namespace tinet::test
