#include "src/model/fault.h"

#include <gtest/gtest.h>

namespace tinet {
namespace {

TEST(FaultId, RoundTrips) {
  EXPECT_EQ(to_string(FaultId{1}), "f1");
  for (const std::uint32_t value : {0U, 1U, 12U, 4294967295U}) {
    EXPECT_EQ(parse_fault_id(to_string(FaultId{value})), FaultId{value});
  }
}

TEST(FaultId, RefusesWhatIsNoId) {
  for (const auto* text : {"", "f", "1", "F1", "f-1", "f+1", "f1x", "f 1", " f1", "f1 ", "ff1",
                           "f0x1", "f4294967296", "tikv-0"}) {
    EXPECT_EQ(parse_fault_id(text), std::nullopt) << "'" << text << "'";
  }
}

TEST(FaultKind, HasItsVerbAsName) {
  EXPECT_EQ(to_string(FaultKind::Partition), "partition");
  EXPECT_EQ(to_string(FaultKind::Pause), "pause");
}

TEST(CutMode, OrdersByStrength) {
  EXPECT_LT(CutMode::Reject, CutMode::Reset);
  EXPECT_LT(CutMode::Reset, CutMode::Drop);
  EXPECT_EQ(to_string(CutMode::Reject), "reject");
  EXPECT_EQ(to_string(CutMode::Reset), "reset");
  EXPECT_EQ(to_string(CutMode::Drop), "drop");
}

TEST(Effect, IsEmptyWithoutACut) {
  EXPECT_TRUE(Effect{}.empty());
  EXPECT_FALSE(Effect{.cut = CutMode::Reject}.empty());
}

}  // namespace
}  // namespace tinet
