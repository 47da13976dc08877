// Decisions of start and doctor that need no machine: backend, required features, environment of
// a program, and following a log.

#include <filesystem>
#include <fstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/cli/backend_choice.h"
#include "src/cli/backend_table.h"
#include "src/cli/doctor_report.h"
#include "src/cli/fault_mechanisms.h"
#include "src/cli/fault_verb.h"
#include "src/cli/log_follow.h"
#include "src/cli/program_run.h"

namespace tinet::cli {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

const Feature kWorks{.name = "x", .mechanism = "", .usable = true, .why = "", .hint = ""};
const Feature kBlocked{
    .name = "x", .mechanism = "", .usable = false, .why = "EPERM", .hint = "ask"};

ErrorKind kind_of(const auto& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.kind();
  }
  ADD_FAILURE() << "no error";
  return ErrorKind::Operation;
}

TEST(DecideBackend, PrefersNetnsThenRootless) {
  EXPECT_EQ(decide_backend("auto", kWorks, kWorks).backend, "netns");
  EXPECT_EQ(decide_backend("auto", kBlocked, kWorks).backend, "rootless");
  EXPECT_EQ(decide_backend("rootless", kWorks, kWorks).backend, "rootless");
  EXPECT_EQ(decide_backend("netns", kWorks, kBlocked).backend, "netns");
}

TEST(DecideBackend, FallsBackToTheProxyAndSaysWhy) {
  const BackendChoice choice = decide_backend("auto", kBlocked, kBlocked);
  EXPECT_EQ(choice.backend, "proxy");
  EXPECT_THAT(choice.why, AllOf(HasSubstr("EPERM"), HasSubstr("nothing else")));
  EXPECT_EQ(decide_backend("proxy", kWorks, kWorks).backend, "proxy");
}

TEST(DecideBackend, NamesWhatBlocks) {
  for (const char* wish : {"netns", "rootless"}) {
    EXPECT_EQ(kind_of([&] { static_cast<void>(decide_backend(wish, kBlocked, kBlocked)); }),
              ErrorKind::Unavailable)
        << wish;
  }
  try {
    static_cast<void>(decide_backend("rootless", kBlocked, kBlocked));
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "the rootless backend cannot be used: EPERM");
    EXPECT_EQ(error.hint(), "ask");
  }
}

DoctorReport report() {
  return {.backends = backends_of(kBlocked, kWorks),
          .features = {{"netem", "queueing discipline netem", false, "no such qdisc", ""}}};
}

TEST(RequireFeatures, AcceptsWhatIsUsable) {
  EXPECT_NO_THROW(require_features(report(), "rootless"));
}

TEST(RequireFeatures, RefusesWhatIsMissingAndWhatIsUnknown) {
  EXPECT_EQ(kind_of([] { require_features(report(), "rootless, netem"); }), ErrorKind::Unavailable);
  EXPECT_EQ(kind_of([] { require_features(report(), "netns"); }), ErrorKind::Unavailable);
  EXPECT_EQ(kind_of([] { require_features(report(), "netemm"); }), ErrorKind::Usage);
}

TEST(DoctorDocument, HasBackendsAndFeatures) {
  const auto document = doctor_document(report());
  EXPECT_EQ(document.at("backends").at(0).at("name"), "netns");
  EXPECT_EQ(document.at("backends").at(0).at("usable"), false);
  EXPECT_EQ(document.at("features").at(0).at("why"), "no such qdisc");
}

FeatureReport kernel_with(const std::vector<std::string>& names) {
  FeatureReport report;
  for (const auto& name : names) {
    report.features.push_back({name, "", true, "", ""});
  }
  return report;
}

std::string mechanism_in(const std::vector<FaultMechanism>& all, const std::string& fault) {
  for (const auto& one : all) {
    if (one.fault == fault) {
      return (one.usable ? "" : "no: ") + (one.why.empty() ? one.mechanism : one.why);
    }
  }
  return "not listed";
}

TEST(FaultMechanisms, AreThoseOfThisKernel) {
  const auto plain = fault_mechanisms("netns", kernel_with({"bridge-table", "htb", "queue"}));
  EXPECT_EQ(mechanism_in(plain, "partition"), "nftables");
  EXPECT_EQ(mechanism_in(plain, "delay"), "wire");
  EXPECT_EQ(mechanism_in(plain, "rate"), "htb");
  EXPECT_EQ(mechanism_in(plain, "loss"), "nftables");
  EXPECT_EQ(mechanism_in(plain, "loss --burst"), "wire");
  EXPECT_EQ(mechanism_in(plain, "pause"), "signal");
  const auto full = fault_mechanisms("rootless", kernel_with({"bridge-table", "htb", "netem"}));
  EXPECT_EQ(mechanism_in(full, "delay"), "netem");
  EXPECT_EQ(mechanism_in(full, "hold"),
            "no: this kernel lacks queue, compat-queue, bridge-netfilter-queue");
}

TEST(FaultMechanisms, OfRelaysSayWhatTheyCannot) {
  const auto all = fault_mechanisms("proxy", {});
  EXPECT_EQ(mechanism_in(all, "partition"), "proxy");
  EXPECT_THAT(mechanism_in(all, "loss"), HasSubstr("no: a relay carries streams of bytes"));
}

TEST(FaultMechanisms, ListEveryVerb) {
  const auto all = fault_mechanisms("netns", {});
  for (const auto& verb : fault_verbs()) {
    EXPECT_NE(mechanism_in(all, verb.name), "not listed") << verb.name;
  }
}

TEST(BackendTable, InTheReadmeIsThatOfTheCode) {
  std::ifstream file(TINET_SOURCE_DIR "/README.md");
  const std::string readme(std::istreambuf_iterator<char>(file), {});
  EXPECT_THAT(readme, HasSubstr(backend_markdown()))
      << "put the output of 'tinet doctor --backends' there";
}

TEST(ProgramEnvironment, HasTheTagAndEveryService) {
  std::ostringstream out;
  const Context context({.out = out, .err = out}, {{"PATH", "/bin"}});
  const auto status = boost::json::parse(R"({"instances":[{"name":"pd-0","address":"198.18.0.11",
    "services":{"client":2379,"peer":2380},"published":{"client":"127.0.0.1:2379"}}]})");
  EXPECT_EQ(program_environment(context, "ci", status),
            (std::map<std::string, std::string>{{"PATH", "/bin"},
                                                {"TINET_TAG", "ci"},
                                                {"TINET_PD_0_CLIENT", "127.0.0.1:2379"},
                                                {"TINET_PD_0_PEER", "198.18.0.11:2380"}}));
}

TEST(RunProgram, ReturnsTheStatusOfTheProgram) {
  EXPECT_EQ(run_program({"sh", "-c", "exit $CODE"}, {{"PATH", "/bin:/usr/bin"}, {"CODE", "7"}}), 7);
  EXPECT_EQ(run_program({"sh", "-c", "kill -KILL $$"}, {{"PATH", "/bin:/usr/bin"}}), 137);
}

class Files : public testing::Test {
 protected:
  Files() {
    std::string name = (fs::temp_directory_path() / "tinet-cli-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~Files() override { fs::remove_all(directory_); }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  Files(Files&&) = delete;
  Files& operator=(Files&&) = delete;

  std::string put(const std::string& name, const std::string& text) const {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path, std::ios::app) << text;
    return path;
  }

  std::string directory_;
};

TEST_F(Files, OfLogsAreFollowedAcrossRotation) {
  const std::string path = put("x.log", "one\n");
  LogFollower log(current_user(), path);
  EXPECT_EQ(log.read_new(), "one\n");
  EXPECT_EQ(log.read_new(), "");
  put("x.log", "two\n");
  EXPECT_EQ(log.read_new(), "two\n");
  put("x.log", "three\n");
  fs::rename(path, path + ".1");
  put("x.log", "four\n");
  EXPECT_EQ(log.read_new(), "three\nfour\n") << "the old file's end comes before the new file";
}

TEST_F(Files, OfLogsMayNotExistYet) {
  LogFollower log(current_user(), directory_ + "/later.log");
  EXPECT_EQ(log.read_new(), "");
  put("later.log", "hello\n");
  EXPECT_EQ(log.read_new(), "hello\n");
}

}  // namespace
}  // namespace tinet::cli
