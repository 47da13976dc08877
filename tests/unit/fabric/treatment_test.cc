#include "src/fabric/treatment.h"

#include <gtest/gtest.h>

#include "src/base/error.h"
#include "tests/unit/fabric/faults.h"

namespace tinet::fabric {
namespace {

constexpr Link kLink{0, 1};

Fault holding(std::uint32_t id, Match match = {}) {
  LinkAction hold;
  hold.hold = true;
  hold.holder = {id};
  return acting(id, hold, {kLink}, std::nullopt, std::move(match));
}

Match of(Protocol protocol) {
  Match match;
  match.protocol = protocol;
  return match;
}

/// "message | hint" of why one link cannot be treated by these faults.
std::string refusal(const std::vector<Fault>& faults) {
  Registry registry;
  try {
    static_cast<void>(make_treatment({1}, composed(faults), {}, registry));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Conflict);
    return std::string(error.what()) + " | " + error.hint();
  }
  return "accepted";
}

TEST(Treatment, HasOneHold) {
  EXPECT_EQ(refusal({holding(1)}), "accepted");
  const std::string both =
      "cannot combine f1 and f2: only one fault at a time can hold packets of a link";
  EXPECT_EQ(refusal({holding(1), holding(2)}), both + " | release one of them first");
  EXPECT_EQ(refusal({holding(1), holding(2, to_port(80))}), both + " | release one of them first");
  EXPECT_EQ(refusal({holding(1, of(Protocol::Tcp)), holding(2, of(Protocol::Udp))}),
            both + " | release one of them first");
}

TEST(Treatment, SaysHowToHoldSeveralPorts) {
  const std::string both =
      "cannot combine f1 and f2: only one fault at a time can hold packets of a link | release one "
      "of them first; one hold can mean all of these ports: --port ";
  EXPECT_EQ(refusal({holding(1, to_port(7902)), holding(2, to_port(7901))}), both + "7901,7902");
  Match answers;
  answers.protocol = Protocol::Tcp;
  answers.from_ports = {80, 7901};
  EXPECT_EQ(refusal({holding(1, to_port(7901)), holding(2, answers)}), both + "80,7901");
}

}  // namespace
}  // namespace tinet::fabric
