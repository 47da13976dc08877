// What an instance is: the invoking user without a single capability, in a world of its own.

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/people.h"

namespace tinet::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSubsetOf;
using ::testing::Not;

/// Instances that write down what they are.
std::string reporters(const Scene& scene) {
  const std::string program = scene.write("report", R"(#!/bin/sh
echo; cat /proc/self/status
echo descriptors: $(ls /proc/self/fd)
echo processes: $(cat /proc/[0-9]*/comm)
echo reported
exec sleep 1000000
)",
                                          0755);
  return R"(tinet: 1
name: reporters
components:
  node:
    count: 2
    program: )" +
         program + R"(
    ready: {log: reported, timeout: 20s}
)";
}

std::string content_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::set<std::string> words_after(const std::string& text, const std::string& label) {
  const auto found = text.find(label);
  EXPECT_NE(found, std::string::npos) << label << " in " << text;
  if (found == std::string::npos) {
    return {};
  }
  const auto start = found + label.size();
  std::istringstream line(text.substr(start, text.find('\n', start) - start));
  return {std::istream_iterator<std::string>(line), {}};
}

std::string pid_of(const Scene& scene, const std::string& instance) {
  return text_at(named_in(scene.json({"status"}), "instances", instance), "/pid");
}

/// The supplementary groups of this process, and its own.
std::set<std::string> own_groups() {
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
  static_cast<void>(::getgroups(static_cast<int>(groups.size()), groups.data()));
  std::set<std::string> names = {std::to_string(::getegid())};
  for (const gid_t group : groups) {
    names.insert(std::to_string(group));
  }
  return names;
}

void expect_unprivileged(const std::string& status, const User& user) {
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_EQ(status_field(status, set), "0000000000000000") << set;
  }
  EXPECT_EQ(status_field(status, "NoNewPrivs"), "1");
  const std::string uid = std::to_string(user.uid);
  const std::string gid = std::to_string(user.gid);
  EXPECT_EQ(words_after(status, "\nUid:"), std::set<std::string>{uid});
  EXPECT_EQ(words_after(status, "\nGid:"), std::set<std::string>{gid});
}

TEST(Instance, IsTheCallerWithoutAnyCapability) {
  const Scene scene;
  ASSERT_TRUE(scene.start(reporters(scene)));
  const std::string as_started = scene.tinet({"logs", "node-0"}).out;
  const std::string from_outside = content_of("/proc/" + pid_of(scene, "node-0") + "/status");
  const std::string of_exec =
      "\n" + scene.tinet({"exec", "node-0", "--", "cat", "/proc/self/status"}).out;
  for (const auto& status : {as_started, from_outside, of_exec}) {
    SCOPED_TRACE(status);
    expect_unprivileged(status, current_user());
    EXPECT_THAT(words_after(status, "\nGroups:"), IsSubsetOf(own_groups()));
  }
}

TEST(Instance, OfRootStaysWithoutCapabilitiesWhenItExecutesPrograms) {
  TINET_SKIP_UNLESS(is_root(), "only root gets capabilities by executing a program");
  const Scene scene;
  ASSERT_TRUE(scene.start());
  const auto tried = scene.tinet({"exec", "node-0", "--", "sh", "-c",
                                  "sh -c 'echo; cat /proc/self/status'; ip link set eth0 down"});
  expect_unprivileged(tried.out, current_user());
  EXPECT_NE(tried.exit_code, 0);
  EXPECT_THAT(tried.err, HasSubstr("not permitted"));
}

TEST(Instance, InheritsNoDescriptor) {
  const Scene scene;
  std::string start = "exec 7</etc/passwd 8>&1 9</; exec '" + tinet_binary() + "'";
  for (const auto& word : scene.start_words(reporters(scene))) {
    start += " '" + word + "'";
  }
  const auto started = run({"sh", "-c", start}, scene.options());
  ASSERT_TRUE(started.ok()) << started;
  const auto executed = run({"sh", "-c",
                             "exec 7</etc/passwd 8>&1 9</; exec '" + tinet_binary() +
                                 "' exec node-1 -- sh -c 'echo descriptors: $(ls /proc/self/fd)'"},
                            scene.options());
  // ls has its three, and the directory that it reads.
  const std::set<std::string> expected = {"0", "1", "2", "3"};
  EXPECT_EQ(words_after(scene.tinet({"logs", "node-0"}).out, "descriptors:"), expected);
  EXPECT_EQ(words_after(executed.out, "descriptors:"), expected) << executed;
}

TEST(Instance, SeesOnlyItsOwnProcesses) {
  const Scene scene;
  ASSERT_TRUE(scene.start(reporters(scene)));
  const auto seen = words_after(scene.tinet({"logs", "node-0"}).out, "processes:");
  EXPECT_THAT(seen, IsSubsetOf({"tinet-reaper", "report", "cat"}));
  const auto later =
      scene.tinet({"exec", "node-0", "--", "sh", "-c", "echo processes: $(cat /proc/[0-9]*/comm)"});
  EXPECT_THAT(words_after(later.out, "processes:"),
              IsSubsetOf({"tinet-reaper", "sleep", "sh", "cat"}));
}

TEST(Instance, HasATmpOfItsOwn) {
  const Scene scene;
  ASSERT_TRUE(scene.start());
  const std::string file = "/tmp/" + scene.tag();
  ASSERT_TRUE(scene.tinet({"exec", "node-0", "--", "touch", file}).ok());
  EXPECT_FALSE(fs::exists(file));
  EXPECT_NE(scene.tinet({"exec", "node-1", "--", "test", "-e", file}).exit_code, 0);
  EXPECT_TRUE(scene.tinet({"exec", "node-0", "--", "test", "-e", file}).ok());
  std::ofstream(scene.path("of-the-host")) << "x";
  EXPECT_NE(
      scene.tinet({"exec", "node-0", "--", "test", "-e", scene.path("of-the-host")}).exit_code, 0);
}

TEST(Instance, KnowsAllInstancesByName) {
  const Scene scene;
  ASSERT_TRUE(scene.start());
  const auto status = scene.json({"status"});
  const auto hosts = scene.tinet({"exec", "node-0", "--", "cat", "/etc/hosts"});
  for (const char* name : {"node-0", "node-1", "node-2"}) {
    const std::string address = text_at(named_in(status, "instances", name), "/address");
    EXPECT_THAT(hosts.out, HasSubstr("\n" + address + " " + name + "\n"));
  }
  EXPECT_THAT(content_of("/etc/hosts"), Not(HasSubstr(scene.tag())));
  EXPECT_NE(scene.tinet({"exec", "node-0", "--", "sh", "-c", "echo >>/etc/hosts"}).exit_code, 0);
}

}  // namespace
}  // namespace tinet::test
