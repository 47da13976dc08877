#include "src/cli/data_dir.h"

#include <filesystem>
#include <fstream>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "src/base/error.h"

namespace tinet::cli {
namespace {

namespace fs = std::filesystem;
using Kind = DataFinding::Kind;

DataRecord record() {
  return {.tag = "default",
          .topology = "tidb",
          .counts = {{"pd", 1}, {"tikv", 3}},
          .addresses = {{"pd-0", "198.18.0.11"}},
          .subnet = parse_subnet("198.18.0.0/16", "test")};
}

class DataDir : public testing::Test {
 protected:
  DataDir() {
    std::string name = (fs::temp_directory_path() / "tinet-data-XXXXXX").string();
    base_ = ::mkdtemp(name.data());
    user_ = current_user();
    user_.home = base_;
    directory_ = data_home(user_) + "/default";
  }
  ~DataDir() override { fs::remove_all(base_); }
  DataDir(const DataDir&) = delete;
  DataDir& operator=(const DataDir&) = delete;
  DataDir(DataDir&&) = delete;
  DataDir& operator=(DataDir&&) = delete;

  void put(const std::string& name, const std::string& content) const {
    fs::create_directories(directory_);
    std::ofstream(directory_ + "/" + name) << content;
  }

  std::string message_of(const auto& action) const {
    try {
      action();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Conflict);
      return error.what();
    }
    return "no error";
  }

  std::string base_;
  std::string directory_;
  UserIds user_;
};

TEST_F(DataDir, IsEmptyWhenMissingOrWithoutFiles) {
  EXPECT_EQ(inspect_data_dir(user_, directory_).kind, Kind::Empty);
  fs::create_directories(directory_);
  EXPECT_EQ(inspect_data_dir(user_, directory_).kind, Kind::Empty);
}

TEST_F(DataDir, IsEmptyWithWhatAKilledStartHadBegunToWrite) {
  put("cluster.json.tmp-4711", "{");
  EXPECT_EQ(inspect_data_dir(user_, directory_).kind, Kind::Empty);
}

TEST_F(DataDir, WithForeignFilesIsRefusedAndKept) {
  put("thesis.txt", "x");
  EXPECT_NE(message_of([&] {
              static_cast<void>(inspect_data_dir(user_, directory_));
            }).find("was not made by tinet"),
            std::string::npos);
  EXPECT_TRUE(fs::exists(directory_ + "/thesis.txt"));
}

TEST_F(DataDir, RemembersItsClusterExactly) {
  DataRecord kept = record();
  kept.kept = true;
  write_record(user_, directory_, kept);
  const auto finding = inspect_data_dir(user_, directory_);
  EXPECT_EQ(finding.kind, Kind::Kept);
  EXPECT_EQ(to_json(finding.record), to_json(kept));
  EXPECT_NO_THROW(check_same_cluster(finding.record, kept, directory_));
}

TEST_F(DataDir, OfADeadClusterIsALeftoverUntilItIsKept) {
  write_record(user_, directory_, record());
  EXPECT_EQ(inspect_data_dir(user_, directory_).kind, Kind::Leftover);
  EXPECT_EQ(leftover_data(user_, {}), std::vector<std::string>{directory_});
  EXPECT_TRUE(leftover_data(user_, {"default"}).empty()) << "a living cluster's data";
  mark_kept(user_, directory_);
  EXPECT_EQ(inspect_data_dir(user_, directory_).kind, Kind::Kept);
  EXPECT_TRUE(leftover_data(user_, {}).empty());
}

TEST_F(DataDir, WithAnUnreadableRecordIsRefused) {
  put("cluster.json", "{");
  EXPECT_NE(message_of([&] {
              static_cast<void>(inspect_data_dir(user_, directory_));
            }).find("is not JSON"),
            std::string::npos);
  put("cluster.json", R"({"schema":99})");
  EXPECT_NE(message_of([&] {
              static_cast<void>(inspect_data_dir(user_, directory_));
            }).find("has schema 99, this tinet reads schema 1"),
            std::string::npos);
  EXPECT_TRUE(leftover_data(user_, {}).empty());
}

TEST_F(DataDir, IsTakenByOneStartAtATime) {
  {
    const UniqueFd first = lock_data_dir(user_, directory_);
    EXPECT_NE(message_of([&] {
                static_cast<void>(lock_data_dir(user_, directory_));
              }).find("is taken by another start"),
              std::string::npos);
  }
  EXPECT_NO_THROW(static_cast<void>(lock_data_dir(user_, directory_)));
}

TEST_F(DataDir, StaysItselfWhenItIsCleared) {
  write_record(user_, directory_, record());
  put("pd-0", "x");
  const UniqueFd lock = lock_data_dir(user_, directory_);
  clear_data_dir(user_, directory_);
  EXPECT_EQ(inspect_data_dir(user_, directory_).kind, Kind::Empty);
  EXPECT_NO_THROW(write_record(user_, directory_, record()));
}

TEST_F(DataDir, NamesTheFirstDifference) {
  const auto differs = [&](const auto& change) {
    DataRecord wanted = record();
    change(wanted);
    return message_of([&] { check_same_cluster(record(), wanted, "/d"); });
  };
  EXPECT_EQ(differs([](DataRecord& r) { r.topology = "etcd"; }),
            "the data in '/d' was made with topology 'tidb', not 'etcd'");
  EXPECT_EQ(differs([](DataRecord& r) { r.counts["tikv"] = 5; }),
            "the data in '/d' was made with pd 1, tikv 3, not pd 1, tikv 5");
  EXPECT_EQ(differs([](DataRecord& r) { r.subnet = parse_subnet("10.0.0.0/16", "t"); }),
            "the data in '/d' was made with subnet 198.18.0.0/16, not 10.0.0.0/16");
  EXPECT_EQ(differs([](DataRecord& r) { r.addresses["pd-0"] = "198.18.0.12"; }),
            "the data in '/d' was made with pd-0 at 198.18.0.11, not at 198.18.0.12");
  EXPECT_EQ(differs([](DataRecord& r) { r.store = "reference"; }),
            "the data in '/d' was made with the real store, not the reference one");
}

}  // namespace
}  // namespace tinet::cli
