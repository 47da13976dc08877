#include "src/wire/protocol.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "src/model/distribution.h"
#include "tests/fuzz/wire_target.h"

namespace tinet {
namespace {

WireShape full_shape() {
  WireShape shape;
  shape.delay = Delay{.delay = Milliseconds(100),
                      .jitter = Milliseconds(20),
                      .distribution = Distribution::Table,
                      .table = {-8192, -1, 0, 1, 32767},
                      .correlation = {250'000}};
  shape.reorder = {10'000};
  shape.bursts = {{{1'000}, {500'000}}, {{2'000}, {1'000'000}}};
  shape.hold = true;
  shape.end = WireTime(123'456'789'012'345);
  shape.seed = 0xfedcba9876543210U;
  shape.queue_packets = 77;
  return shape;
}

std::vector<WireRequest> requests() {
  return {SetWireClass{1, {}}, SetWireClass{65535, full_shape()},
          RemoveWireClass{3},  ReleaseWire{{1, 2, 65535}, HeldPackets::Drop},
          ReleaseWire{},       SettleWire{},
          ReadWireClasses{},   ReadWireClasses{77, 1}};
}

std::vector<WireReply> replies() {
  return {
      WireReady{},      WireDone{},      WireFailed{ErrorKind::Conflict, "cannot bind", "stop it"},
      WireReleased{12}, WireClassList{}, WireClassList{{{1, {}}, {65535, full_shape()}}, true}};
}

TEST(WireProtocol, EveryRequestSurvivesTheWay) {
  for (const WireRequest& request : requests()) {
    const Numbered<WireRequest> sent{42, request};
    EXPECT_EQ(parse_wire_request(encode(sent)), sent) << request.index();
  }
}

TEST(WireProtocol, EveryReplySurvivesTheWay) {
  for (const WireReply& reply : replies()) {
    const Numbered<WireReply> sent{42, reply};
    EXPECT_EQ(parse_wire_reply(encode(sent)), sent) << reply.index();
  }
}

TEST(WireProtocol, TheLongestTableFits) {
  WireShape shape = full_shape();
  shape.delay->table.assign(kDistributionTableMax, 5);
  EXPECT_LE(encode(Numbered<WireRequest>{1, SetWireClass{1, shape}}).size(), kWireMessageMax);
  shape.delay->table.push_back(5);
  EXPECT_THROW(static_cast<void>(encode(Numbered<WireRequest>{1, SetWireClass{1, shape}})), Error);
}

TEST(WireProtocol, RefusesToSayWhatTheOtherEndWouldRefuse) {
  const auto refused = [](std::uint16_t number, const auto& change) {
    WireShape shape = full_shape();
    change(shape);
    EXPECT_THROW(static_cast<void>(encode(Numbered<WireRequest>{1, SetWireClass{number, shape}})),
                 Error);
  };
  refused(0, [](WireShape&) {});
  refused(1, [](WireShape& shape) { shape.reorder = {1'000'001}; });
  refused(1, [](WireShape& shape) { shape.delay->delay = Nanoseconds(-1); });
  refused(1, [](WireShape& shape) { shape.delay->table.clear(); });
  refused(1, [](WireShape& shape) { shape.delay->distribution = Distribution::Normal; });
  refused(1, [](WireShape& shape) { shape.end = WireTime(-1); });
  refused(1, [](WireShape& shape) { shape.bursts.resize(kWireBurstsMax + 1); });
}

TEST(WireProtocol, RejectsEveryCutAndEveryTail) {
  for (const WireRequest& request : requests()) {
    auto bytes = encode(Numbered<WireRequest>{1, request});
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(parse_wire_request(std::span(bytes).first(size)));
    }
    bytes.push_back(std::byte{0});
    EXPECT_FALSE(parse_wire_request(bytes));
  }
  for (const WireReply& reply : replies()) {
    auto bytes = encode(Numbered<WireReply>{1, reply});
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(parse_wire_reply(std::span(bytes).first(size)));
    }
    bytes.push_back(std::byte{0});
    EXPECT_FALSE(parse_wire_reply(bytes));
  }
}

TEST(WireProtocol, RejectsAnotherVersionAndUnknownKinds) {
  auto bytes = encode(Numbered<WireRequest>{1, RemoveWireClass{3}});
  bytes[3] = std::byte{2};
  EXPECT_FALSE(parse_wire_request(bytes));
  bytes = encode(Numbered<WireRequest>{1, RemoveWireClass{3}});
  bytes[4] = std::byte{9};
  EXPECT_FALSE(parse_wire_request(bytes));
}

TEST(WireProtocol, RejectsLongMessages) {
  const std::vector<std::byte> bytes(kWireMessageMax + 1, std::byte{0});
  EXPECT_FALSE(parse_wire_request(bytes));
  EXPECT_FALSE(parse_wire_reply(bytes));
}

TEST(WireProtocol, SurvivesTheFuzzersCorpus) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TINET_FUZZ_CORPUS "/wire")) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    static_cast<void>(testing::walk_wire(std::as_bytes(std::span(text))));
    ++files;
  }
  EXPECT_GE(files, 8U);
}

TEST(WireProtocol, RejectsListsOfClassesWithoutAnOrderOrAnEnd) {
  for (const WireClassList& list :
       {WireClassList{{{2, {}}, {1, {}}}, false}, WireClassList{{{2, {}}, {2, {}}}, false},
        WireClassList{{{0, {}}}, false}, WireClassList{{}, true}}) {
    EXPECT_FALSE(parse_wire_reply(encode(Numbered<WireReply>{1, list})));
  }
  auto none = encode(Numbered<WireRequest>{1, ReadWireClasses{1, 1}});
  none[none.size() - 2] = std::byte{0};
  EXPECT_FALSE(parse_wire_request(none)) << "at most nothing";
}

TEST(WireProtocol, KnowsWhatAClassTakes) {
  for (const WireShape& shape : {WireShape{}, full_shape()}) {
    const auto size = [](std::vector<SetWireClass> classes) {
      return encode(Numbered<WireReply>{1, WireClassList{std::move(classes), false}}).size();
    };
    EXPECT_EQ(encoded_size(shape), size({{1, shape}}) - size({}));
  }
}

}  // namespace
}  // namespace tinet
