#include "tests/e2e/scene.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include <sys/stat.h>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace tinet::test {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

constexpr std::chrono::seconds kPatience{10};

/// Other tests run beside this one, also as the same user, so names are drawn, not counted.
std::string random_tag(std::random_device& random) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string tag = "e2e-";
  for (int i = 0; i < 10; ++i) {
    tag += kDigits[random() % kDigits.size()];
  }
  return tag;
}

/// A /24 that no other test has, out of 10.128.0.0 to 10.207.255.255, so that the three default
/// subnets stay for who needs them.
std::string random_subnet(std::random_device& random) {
  if (chosen_network() == "proxy") {
    return "127." + std::to_string(128 + random() % 127) + "." + std::to_string(random() % 256) +
           ".0/24";
  }
  return "10." + std::to_string(128 + random() % 80) + "." + std::to_string(random() % 256) +
         ".0/24";
}

}  // namespace

std::string chosen_network() {
  const char* const network = std::getenv("TINET_TEST_NETWORK");
  return network == nullptr ? "" : network;
}

Scene::Scene(std::optional<User> user) : user_(std::move(user)) {
  std::random_device random;
  tag_ = random_tag(random);
  subnet_ = random_subnet(random);
  data_home_ = user_.value_or(current_user()).home + "/.local/share/tinet";
  // Another user must be able to reach the files in it.
  static_cast<void>(::chmod(directory_.path().c_str(), 0755));
}

Scene::~Scene() {
  static_cast<void>(tinet({"stop", "--force", "-q"}));
  std::error_code ignored;
  // Of a cluster that was killed, whose files the next start of its tag would sweep: there is none.
  for (const std::string& directory : scope(MayStay::Nothing).directories) {
    fs::remove_all(directory, ignored);
  }
  fs::remove_all(data_home_ + "/.failed/" + tag_, ignored);
}

std::string Scene::write(std::string_view name, std::string_view content, int mode) const {
  const std::string file = path(name);
  std::ofstream(file, std::ios::binary) << content;
  static_cast<void>(::chmod(file.c_str(), static_cast<mode_t>(mode)));
  return file;
}

RunOptions Scene::options() const {
  RunOptions options;
  options.env["TINET_TAG"] = tag_;
  options.user = user_;
  return options;
}

RunResult Scene::tinet(const std::vector<std::string>& args) const {
  return tinet(args, options());
}

RunResult Scene::tinet(const std::vector<std::string>& args, RunOptions options) const {
  return test::tinet(args, std::move(options));
}

std::unique_ptr<Program> Scene::beside(const std::vector<std::string>& args) const {
  std::vector<std::string> argv = {tinet_binary()};
  argv.insert(argv.end(), args.begin(), args.end());
  return std::make_unique<Program>(argv, options());
}

json::value Scene::json(std::vector<std::string> args) const {
  args.emplace_back("--json");
  const RunResult result = tinet(args);
  EXPECT_TRUE(result.ok()) << args.front() << ": " << result;
  std::error_code error;
  json::value document = json::parse(result.out, error);
  EXPECT_FALSE(error) << args.front() << " printed no JSON document: " << result;
  return document;
}

std::vector<std::string> Scene::network_words() const {
  std::vector<std::string> words = {"--subnet", subnet_};
  if (const std::string network = chosen_network(); !network.empty()) {
    words.insert(words.end(), {"--network", network});
  }
  return words;
}

std::vector<std::string> Scene::start_words(std::string_view topology,
                                            const std::vector<std::string>& more) const {
  std::vector<std::string> words = {"start", write("topology.yaml", topology)};
  const std::vector<std::string> network = network_words();
  words.insert(words.end(), network.begin(), network.end());
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

bool Scene::start(std::string_view topology, const std::vector<std::string>& more) const {
  const RunResult result = tinet(start_words(topology, more));
  EXPECT_TRUE(result.ok()) << result;
  return result.ok();
}

LeftoverScope Scene::scope(MayStay files) const {
  const std::string uid = std::to_string(user_.value_or(current_user()).uid);
  LeftoverScope scope;
  scope.marks = {tag_};
  if (files != MayStay::DataAndState) {
    scope.directories = {"/run/tinet/" + uid + "/" + tag_, "/run/user/" + uid + "/tinet/" + tag_,
                         "/tmp/tinet-" + uid + "/" + tag_};
  }
  if (files == MayStay::Nothing) {
    scope.directories.push_back(data_dir());
  }
  return scope;
}

std::vector<std::string> Scene::left(MayStay files) const {
  return left_behind({}, scope(files), kPatience);
}

Facts Scene::present() const {
  return belongings(scope(MayStay::Nothing));
}

std::vector<ProcessOfScene> Scene::processes() const {
  // The facts are called "process PID@START (NAME)".
  constexpr std::string_view kPrefix = "process ";
  std::vector<ProcessOfScene> processes;
  for (const auto& [fact, command] : present()) {
    const auto open = fact.find('(');
    if (!fact.starts_with(kPrefix) || open == std::string::npos) {
      continue;
    }
    ProcessOfScene process;
    process.pid = static_cast<pid_t>(std::stol(fact.substr(kPrefix.size())));
    process.name = fact.substr(open + 1, fact.size() - open - 2);
    process.command = command;
    processes.push_back(std::move(process));
  }
  return processes;
}

json::value named_in(const json::value& document, std::string_view key, std::string_view name) {
  const auto* object = document.if_object();
  const auto* array = object == nullptr ? nullptr : object->if_contains(key);
  if (array == nullptr || !array->is_array()) {
    return nullptr;
  }
  for (const auto& element : array->as_array()) {
    if (text_at(element, "/name") == name) {
      return element;
    }
  }
  return nullptr;
}

std::string text_at(const json::value& document, std::string_view pointer) {
  std::error_code error;
  const auto* found = document.find_pointer(pointer, error);
  if (found == nullptr || found->is_null()) {
    return "";
  }
  return found->is_string() ? std::string(found->as_string()) : json::serialize(*found);
}

std::int64_t stopped_at(const json::value& document, std::string_view pointer) {
  std::int64_t sum = 0;
  for (const char* what : {"/dropped", "/held"}) {
    sum += std::stoll("0" + text_at(document, std::string(pointer) + what));
  }
  return sum;
}

}  // namespace tinet::test
