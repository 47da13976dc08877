#pragma once
/// A cluster of programs that send everything back, and the means to see who reaches whom and when.
/// Nothing else is on its links, so that packets can be counted.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/e2e/scene.h"

namespace tinet::test {

/// A program of tests/support/programs, built.
[[nodiscard]] std::string support_program(const std::string& name);

/// One question that was answered; in milliseconds of CLOCK_MONOTONIC.
struct Echo {
  std::int64_t asked_ms = 0;
  std::int64_t answered_ms = 0;
};

/// The clock of Echo.
[[nodiscard]] std::int64_t monotonic_ms();

/// Something in the cluster that asks one instance again and again.
class Asker {
 public:
  Asker(const Scene& scene, const std::string& protocol, const std::string& from,
        const std::string& to);

  [[nodiscard]] std::vector<Echo> echoes() const;
  /// Waits for the answer to a question that was asked at `ms` or later.
  [[nodiscard]] bool answered_after(std::int64_t ms) const;
  /// Nothing that was asked at `from_ms` or later was answered before `until_ms`.
  [[nodiscard]] bool silent(std::int64_t from_ms, std::int64_t until_ms) const;

 private:
  std::string log_;
  std::unique_ptr<Program> program_;
};

class EchoScene : public Scene {
 public:
  static constexpr auto kPort = "7000";

  /// Starts `nodes` instances node-0...
  explicit EchoScene(int nodes = 3, const std::vector<std::string>& start_words = {});

  [[nodiscard]] bool up() const noexcept { return up_; }
  /// "node-0" or "client" to its address.
  [[nodiscard]] std::string address(const std::string& instance) const;
  /// Sends datagrams from one to another and does not wait for answers.
  [[nodiscard]] bool burst(const std::string& from, const std::string& to, int count) const;
  /// The document of `links` for that pair; null when there is none.
  [[nodiscard]] boost::json::value link(const std::string& from, const std::string& to) const;
  /// "a>b" for every link of a fault's document, in its order, joined by spaces.
  [[nodiscard]] static std::string links_of(const boost::json::value& fault);
  /// The document that a fault verb with these words prints.
  [[nodiscard]] boost::json::value fault(std::vector<std::string> words) const {
    return json(std::move(words));
  }

 private:
  bool up_ = false;
};

}  // namespace tinet::test
