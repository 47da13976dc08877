#pragma once
/// Numbered datagrams and attempts to connect between instances of an EchoScene, and what came of
/// them.

#include <chrono>
#include <cstdint>
#include <string>

#include "tests/e2e/echo_scene.h"

namespace tinet::test {

/// What became of numbered datagrams and their echoes.
struct Exchange {
  std::int64_t answered = 0;
  std::int64_t repeated = 0;             ///< answers beyond the first to the same datagram
  std::int64_t overtaken = 0;            ///< answers that came after one with a higher number
  std::int64_t damaged = 0;              ///< answers that were not what had been sent
  std::chrono::microseconds shortest{};  ///< round trip
  std::chrono::microseconds longest{};
};

std::ostream& operator<<(std::ostream& out, const Exchange& exchange);

struct ExchangeOptions {
  int count = 1;
  std::chrono::milliseconds gap{0};          ///< between two datagrams
  std::chrono::milliseconds patience{1000};  ///< how long nothing comes before it is over
};

/// `from` sends, `to` sends back; a failed test when the program cannot be run.
[[nodiscard]] Exchange exchange(const EchoScene& scene, const std::string& from,
                                const std::string& to, const ExchangeOptions& options = {});
/// True when one datagram goes there and back.
[[nodiscard]] bool answers(const EchoScene& scene, const std::string& from, const std::string& to,
                           std::chrono::milliseconds patience = std::chrono::seconds(10));
/// What `from` gets from a port of `to`: "connected", "refused", "unreachable", or "silence" for
/// the patience.
[[nodiscard]] std::string dial(const EchoScene& scene, const std::string& from,
                               const std::string& to, const std::string& port = EchoScene::kPort,
                               std::chrono::milliseconds patience = std::chrono::milliseconds(500));
/// A count of a link's document: count_of(scene, "node-0", "node-1", "dropped").
[[nodiscard]] std::int64_t count_of(const EchoScene& scene, const std::string& from,
                                    const std::string& to, const std::string& what);

}  // namespace tinet::test
