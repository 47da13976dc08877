#include "src/api/requests.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tinet::api {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;

template <typename Request>
Error refusal(std::string_view body) {
  try {
    static_cast<void>(parse_request<Request>(json::parse(body)));
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    return error;
  }
  ADD_FAILURE() << body << " was accepted";
  return Error(ErrorKind::Operation, "accepted");
}

TEST(ParseRequest, MissingMembersKeepTheirDefaults) {
  const auto request = parse_request<FaultRequest>(json::parse("{}"));
  EXPECT_EQ(request.kind, "partition");
  EXPECT_EQ(request.direction, "both");
  EXPECT_EQ(request.action.distribution, "uniform");
  EXPECT_EQ(request.peers, std::nullopt);
}

TEST(ParseRequest, MissingMembersOfInnerObjectsKeepTheirDefaults) {
  const auto request = parse_request<ApplyRequest>(json::parse(
      R"({"faults":[{"kind":"delay","action":{"delay_ns":5}},
                    {"matrix":[{"from":"a","to":"b","action":{"loss_ppm":1}}]}]})"));
  ASSERT_EQ(request.faults.size(), 2U);
  EXPECT_EQ(request.faults[0].action.delay_ns, 5);
  EXPECT_EQ(request.faults[0].action.distribution, "uniform");
  EXPECT_EQ(request.faults[1].matrix.at(0).action.loss_ppm, 1U);
  EXPECT_EQ(request.faults[1].matrix.at(0).action.delay_ns, 0);
}

TEST(ParseRequest, RefusesUnknownMembersWithTheirPath) {
  const auto top = refusal<FaultRequest>(R"({"selctor":"a"})");
  EXPECT_STREQ(top.what(), "'request' has an unknown member 'selctor'");
  EXPECT_EQ(top.hint(), "did you mean 'selector'?");
  EXPECT_STREQ(refusal<FaultRequest>(R"({"action":{"los_ppm":1}})").what(),
               "'request.action' has an unknown member 'los_ppm'");
  EXPECT_STREQ(refusal<ApplyRequest>(R"({"faults":[{},{"matrix":[{"form":"a"}]}]})").what(),
               "'request.faults[1].matrix[0]' has an unknown member 'form'");
}

TEST(ParseRequest, NamesTheMemberOfTheWrongType) {
  EXPECT_THAT(refusal<FaultRequest>(R"({"action":{"loss_ppm":"10%"}})").what(),
              HasSubstr("'request.action.loss_ppm' is not a whole number"));
  EXPECT_THAT(refusal<FaultRequest>(R"({"ports":[80,70000]})").what(),
              HasSubstr("'request.ports[1]'"));
  EXPECT_THAT(refusal<HealRequest>("[]").what(), HasSubstr("'request' is not an object"));
}

TEST(ParseRequest, TakesBackWhatToJsonWrote) {
  FaultRequest request;
  request.kind = "delay";
  request.ports = {80, 443};
  request.action.table = {-5, 5};
  request.matrix = {{"a", "b", {}}};
  request.seed = 18'446'744'073'709'551'615U;
  request.first = 3;
  const auto document = to_json(request);
  const auto again = parse_request<FaultRequest>(document);
  EXPECT_EQ(to_json(again), document);
  EXPECT_THAT(again.ports, ElementsAre(80, 443));
  EXPECT_EQ(again.seed, request.seed);
}

}  // namespace
}  // namespace tinet::api
