// Which clauses of an effect concern the packets that somebody asks about.

#include <gtest/gtest.h>

#include "src/fabric/fabric.h"
#include "tests/unit/fabric/faults.h"

namespace tinet {
namespace {

using fabric::acting;
using fabric::composed;
using fabric::cutting;

constexpr Link kLink{0, 1};

Effect cut_of(Match match) {
  return composed({acting(1, cutting(), {kLink}, std::nullopt, std::move(match))});
}

Match of(Protocol protocol) {
  Match match;
  match.protocol = protocol;
  return match;
}

PacketWords words(Protocol protocol, std::optional<std::uint16_t> port = std::nullopt) {
  return {protocol, port};
}

TEST(PacketWords, WithAPortAreNoIcmp) {
  const Effect pings = cut_of(of(Protocol::Icmp));
  EXPECT_TRUE(seen_by(pings, words(Protocol::Any, 8080)).empty());
  EXPECT_TRUE(seen_by(pings, words(Protocol::Tcp, 8080)).empty());
  EXPECT_TRUE(narrowed(pings, words(Protocol::Any, 8080)).empty());
  EXPECT_FALSE(seen_by(pings, words(Protocol::Any)).empty());
  EXPECT_FALSE(seen_by(pings, words(Protocol::Icmp)).empty());
  EXPECT_FALSE(narrowed(pings, words(Protocol::Any)).empty());
  EXPECT_TRUE(narrowed(pings, words(Protocol::Icmp)).clauses.front().match.everything());
}

TEST(PacketWords, WithAPortAreTheOtherProtocols) {
  for (const Protocol protocol : {Protocol::Any, Protocol::Tcp, Protocol::Udp}) {
    EXPECT_FALSE(seen_by(cut_of(of(protocol)), words(Protocol::Any, 8080)).empty());
    EXPECT_FALSE(narrowed(cut_of(of(protocol)), words(Protocol::Any, 8080)).empty());
  }
  EXPECT_TRUE(seen_by(cut_of(fabric::to_port(80)), words(Protocol::Any, 8080)).empty());
  EXPECT_FALSE(seen_by(cut_of(fabric::to_port(8080)), words(Protocol::Any, 8080)).empty());
}

}  // namespace
}  // namespace tinet
