#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include "tests/fuzz/api_target.h"

namespace tinet {
namespace {

namespace fs = std::filesystem;

TEST(ApiCorpus, IsReadAsItsNamesSay) {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(TINET_API_CORPUS)) {
    const std::string name = entry.path().filename();
    SCOPED_TRACE(name);
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    const auto outcome = fuzz::run(bytes);
    ++files;
    EXPECT_EQ(outcome.body.has_value(), name.starts_with("ok-"));
    if (name.starts_with("bad-")) {
      EXPECT_GE(outcome.refused, 400U);
    }
  }
  EXPECT_GE(files, 20);
}

TEST(ApiCorpus, SurvivesEveryCutOfEveryEntry) {
  for (const auto& entry : fs::directory_iterator(TINET_API_CORPUS)) {
    SCOPED_TRACE(entry.path().filename());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    for (std::size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 64) {
      static_cast<void>(fuzz::run(bytes.substr(0, size)));
      static_cast<void>(fuzz::run(bytes.substr(size)));
    }
  }
}

}  // namespace
}  // namespace tinet
