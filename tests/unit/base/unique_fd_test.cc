#include "src/base/unique_fd.h"

#include <type_traits>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace tinet {
namespace {

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

UniqueFd open_null() {
  return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

static_assert(!std::is_copy_constructible_v<UniqueFd>);
static_assert(!std::is_convertible_v<UniqueFd, int>);
static_assert(!std::is_convertible_v<int, UniqueFd>);
static_assert(std::is_nothrow_move_constructible_v<UniqueFd>);
static_assert(std::is_nothrow_move_assignable_v<UniqueFd>);

TEST(UniqueFd, OwnsNothingByDefault) {
  const UniqueFd fd;
  EXPECT_FALSE(fd);
  EXPECT_EQ(fd.get(), -1);
}

TEST(UniqueFd, ClosesWhenItEnds) {
  int raw = -1;
  {
    const UniqueFd fd = open_null();
    ASSERT_TRUE(fd);
    raw = fd.get();
    EXPECT_TRUE(is_open(raw));
  }
  EXPECT_FALSE(is_open(raw));
}

TEST(UniqueFd, TakesDescriptorZeroAsOpen) {
  UniqueFd fd(0);
  EXPECT_TRUE(fd);
  EXPECT_EQ(fd.release(), 0);
}

TEST(UniqueFd, GivesUpWithoutClosing) {
  UniqueFd fd = open_null();
  const UniqueFd taken(fd.release());
  EXPECT_FALSE(fd);
  EXPECT_TRUE(is_open(taken.get()));
}

TEST(UniqueFd, MovesOwnership) {
  UniqueFd from = open_null();
  const int raw = from.get();
  UniqueFd to(std::move(from));
  EXPECT_EQ(to.get(), raw);
  EXPECT_TRUE(is_open(raw));

  UniqueFd other = open_null();
  const int replaced = other.get();
  other = std::move(to);
  EXPECT_EQ(other.get(), raw);
  EXPECT_FALSE(is_open(replaced));
  EXPECT_TRUE(is_open(raw));
}

TEST(UniqueFd, SurvivesMoveToItself) {
  UniqueFd fd = open_null();
  UniqueFd& alias = fd;
  fd = std::move(alias);
  EXPECT_TRUE(is_open(fd.get()));
}

TEST(UniqueFd, ResetClosesTheOldOne) {
  UniqueFd fd = open_null();
  const int first = fd.get();
  fd.reset(::dup(first));
  EXPECT_FALSE(is_open(first));
  const int second = fd.get();
  fd.reset();
  EXPECT_FALSE(is_open(second));
  EXPECT_FALSE(fd);
}

}  // namespace
}  // namespace tinet
