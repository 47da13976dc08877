#include "src/base/error.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tinet {
namespace {

using testing::HasSubstr;

struct KindCase {
  ErrorKind kind;
  int code;
  const char* name;
};

class ErrorKinds : public testing::TestWithParam<KindCase> {};

TEST_P(ErrorKinds, HaveAnExitCodeAndAName) {
  EXPECT_EQ(exit_code(GetParam().kind), GetParam().code);
  EXPECT_EQ(to_string(GetParam().kind), GetParam().name);
  EXPECT_EQ(error_kind_from(GetParam().name), GetParam().kind);
}

INSTANTIATE_TEST_SUITE_P(All, ErrorKinds,
                         testing::Values(KindCase{ErrorKind::Operation, 1, "operation"},
                                         KindCase{ErrorKind::Usage, 2, "usage"},
                                         KindCase{ErrorKind::Unavailable, 3, "unavailable"},
                                         KindCase{ErrorKind::Conflict, 4, "conflict"},
                                         KindCase{ErrorKind::Check, 5, "check"},
                                         KindCase{ErrorKind::Interrupted, 130, "interrupted"}),
                         [](const auto& test) { return test.param.name; });

TEST(ErrorKindFrom, TakesAnUnknownNameAsOperation) {
  EXPECT_EQ(error_kind_from("something-new"), ErrorKind::Operation);
  EXPECT_EQ(error_kind_from(""), ErrorKind::Operation);
}

TEST(Error, CarriesMessageHintInstanceAndLog) {
  Error error(ErrorKind::Conflict, "message", "hint");
  EXPECT_EQ(error.instance(), "");
  EXPECT_EQ(&error.about("tikv-0", "last line\n"), &error);
  EXPECT_STREQ(error.what(), "message");
  EXPECT_EQ(error.kind(), ErrorKind::Conflict);
  EXPECT_EQ(error.hint(), "hint");
  EXPECT_EQ(error.instance(), "tikv-0");
  EXPECT_EQ(error.log_tail(), "last line\n");
}

/// What throw_errno() throws for `error`.
Error thrown_for(int error) {
  try {
    throw_errno(error, "cannot open '/x'", "hint");
  } catch (const Error& thrown) {
    return thrown;
  }
}

TEST(ThrowErrno, AppendsTheReason) {
  EXPECT_STREQ(thrown_for(ENOENT).what(), "cannot open '/x': No such file or directory");
  EXPECT_EQ(thrown_for(ENOENT).hint(), "hint");
}

TEST(ThrowErrno, KnowsTheWayOutOfSomeErrorsUnlessTheCallerDoes) {
  const auto hint_for = [](int error) {
    try {
      throw_errno(error, "cannot write");
    } catch (const Error& thrown) {
      return thrown.hint();
    }
  };
  EXPECT_EQ(hint_for(ENOSPC), "make room on that file system");
  EXPECT_EQ(hint_for(EMFILE), "raise the limit of open files: ulimit -n");
  EXPECT_EQ(hint_for(ENOENT), "");
  EXPECT_EQ(thrown_for(ENOSPC).hint(), "hint");
}

TEST(ThrowErrno, CallsMissingPrivilegeAndFeaturesUnavailable) {
  for (const int error : {EPERM, EACCES, ENOSYS, EOPNOTSUPP, EAFNOSUPPORT}) {
    EXPECT_EQ(thrown_for(error).kind(), ErrorKind::Unavailable) << error;
  }
  for (const int error : {ENOENT, EINVAL, ENOSPC, EBUSY, EINTR}) {
    EXPECT_EQ(thrown_for(error).kind(), ErrorKind::Operation) << error;
  }
}

TEST(Throwers, ThrowTheirKind) {
  const auto kind_of = [](void (*thrower)(const std::string&, const std::string&)) {
    try {
      thrower("what", "hint");
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "what");
      EXPECT_EQ(error.hint(), "hint");
      return error.kind();
    }
    return ErrorKind::Check;
  };
  EXPECT_EQ(kind_of(&throw_usage), ErrorKind::Usage);
  EXPECT_EQ(kind_of(&throw_conflict), ErrorKind::Conflict);
  EXPECT_EQ(kind_of(&throw_unavailable), ErrorKind::Unavailable);
  EXPECT_EQ(kind_of(&throw_operation), ErrorKind::Operation);
}

TEST(AssertDeathTest, AbortsWithThePlaceWhenTheConditionFails) {
  TINET_ASSERT(1 + 1 == 2);
  EXPECT_DEATH(TINET_ASSERT(1 + 1 == 3),
               R"(assertion failed: 1 \+ 1 == 3 \(.*error_test\.cc:[0-9]+\))");
}

}  // namespace
}  // namespace tinet
