#include "src/model/matrix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/model/fault_build.h"

namespace tinet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

SelectorScope zones(std::initializer_list<const char*> of_members) {
  SelectorScope scope;
  for (const auto* zone : of_members) {
    scope.members.push_back({"n-" + std::to_string(scope.members.size()), "n", zone});
  }
  scope.client = static_cast<Endpoint>(scope.members.size());
  return scope;
}

LinkAction delay(int milliseconds) {
  return {.delay = Delay{.delay = Milliseconds(milliseconds)}};
}

std::string text_of(const LinkActions& matrix) {
  std::string text;
  for (std::size_t i = 0; i < matrix.links.size(); ++i) {
    const auto& action = matrix.actions.at(matrix.action_of.at(i));
    text += (i == 0 ? "" : " ") + std::to_string(matrix.links[i].from) + ">" +
            std::to_string(matrix.links[i].to) + ":" + format_duration(action.delay->delay);
  }
  return text;
}

/// Complaint 9 of the survey, chaos-mesh #243.
TEST(ResolveMatrix, Complaint09GivesEveryPairOfZonesItsDelay) {
  const auto matrix = resolve_matrix(
      {{"zone:a", "zone:b", delay(5)}, {"zone:b", "zone:a", delay(7)}}, zones({"a", "b", "a"}));
  EXPECT_EQ(text_of(matrix), "0>1:5ms 1>0:7ms 1>2:7ms 2>1:5ms");
  EXPECT_EQ(matrix.actions.size(), 2U);
  EXPECT_THAT(matrix.target, ElementsAre("n-0", "n-1", "n-2"));
}

TEST(ResolveMatrix, LetsTheLastCellDecide) {
  EXPECT_EQ(text_of(resolve_matrix(
                {{"all", "all", delay(5)}, {"n-0", "all", delay(1)}, {"all", "n-0", LinkAction{}}},
                zones({"", "", ""}))),
            "0>1:1ms 0>2:1ms 1>2:5ms 2>1:5ms");
}

TEST(ResolveMatrix, NamesTheCellInErrors) {
  try {
    static_cast<void>(
        resolve_matrix({{"n-0", "n-1", delay(1)}, {"n-0", "zone:x", delay(1)}}, zones({"a", "b"})));
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Usage);
    EXPECT_THAT(error.what(), HasSubstr("matrix[1].to: no zone 'x'"));
  }
}

TEST(ResolveMatrix, RefusesAMatrixThatDoesNothing) {
  const auto scope = zones({"a", "b"});
  EXPECT_THROW(static_cast<void>(resolve_matrix({}, scope)), Error);
  EXPECT_THROW(static_cast<void>(resolve_matrix({{"n-0", "n-0", delay(1)}}, scope)), Error);
  EXPECT_THROW(static_cast<void>(resolve_matrix({{"n-0", "n-1", LinkAction{}}}, scope)), Error);
}

TEST(ResolveMatrix, BecomesOneFaultWhoseClausesDiffer) {
  const auto matrix =
      resolve_matrix({{"all", "all", delay(5)}, {"n-0", "n-1", delay(1)}}, zones({"", "", ""}));
  Fault fault;
  set_clauses(fault, ScopedLinks{matrix.links, {Match{}}, {0, 0, 0, 0, 0, 0}}, matrix);
  EXPECT_EQ(fault.clauses.size(), 2U);
  for (std::size_t i = 0; i < fault.links.size(); ++i) {
    EXPECT_EQ(fault.clause(i).action.delay->delay,
              Milliseconds(fault.links[i] == Link{0, 1} ? 1 : 5));
  }
}

TEST(RolesInMatrix, AreCollectedOnce) {
  EXPECT_THAT(roles_in(std::vector<MatrixWords>{{"role:a", "role:b", {}}, {"role:a", "n", {}}}),
              ElementsAre("a", "b"));
}

}  // namespace
}  // namespace tinet
