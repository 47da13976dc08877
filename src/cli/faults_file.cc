#include <array>

#include <yaml-cpp/yaml.h>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/cli/start_plan.h"
#include "src/cli/words.h"
#include "src/topology/files.h"

namespace tinet::cli {

namespace {

std::string place(const std::string& path, const YAML::Node& node) {
  return path + ":" + std::to_string(node.Mark().line + 1) + ": ";
}

std::string scalar(const std::string& path, const std::string& key, const YAML::Node& value) {
  if (!value.IsScalar()) {
    throw_usage(place(path, value) + "'" + key + "' is not a plain value");
  }
  return value.Scalar();
}

api::FaultRequest read_fault(const std::string& path, const YAML::Node& node) {
  if (!node.IsMap()) {
    throw_usage(place(path, node) + "a fault is not a mapping",
                "write for example '- {partition: tikv-0, for: 10s}'");
  }
  api::FaultRequest request;
  bool has_verb = false;
  for (const auto& entry : node) {
    const std::string key = entry.first.Scalar();
    const std::string value = scalar(path, key, entry.second);
    if (key == "partition") {
      request.selector = value;
      has_verb = true;
    } else if (key == "from" || key == "to") {
      request.peers = value;
    } else if (key == "direction") {
      check_word(value, place(path, entry.second) + "direction", {"both", "in", "out"});
      request.direction = value;
    } else if (key == "each") {
      check_word(value, place(path, entry.second) + "each", {"true", "false"});
      request.each = value == "true";
    } else if (key == "between") {
      check_word(value, place(path, entry.second) + "between", {"zones"});
      request.between_zones = true;
    } else if (key == "for") {
      request.for_ms = required_ms(value, place(path, entry.second) + "for");
    } else if (key == "seed") {
      request.seed = optional_seed(value);
    } else {
      const std::string meant =
          nearest(key, {"partition", "from", "to", "direction", "each", "between", "for", "seed"});
      throw_usage(place(path, entry.first) + "unknown key '" + key + "'",
                  meant.empty() ? "" : "did you mean '" + meant + "'?");
    }
  }
  if (!has_verb && !request.between_zones) {
    throw_usage(place(path, node) + "a fault without a verb", "the verb is 'partition: SELECTOR'");
  }
  request.summary = "partition " + request.selector + " (" + path + ")";
  return request;
}

}  // namespace

std::vector<api::FaultRequest> read_faults_file(const std::string& path) {
  const std::string text = read_user_file(path, "--faults");
  std::vector<api::FaultRequest> faults;
  try {
    const YAML::Node document = YAML::Load(text);
    if (!document.IsSequence()) {
      throw_usage(path + ":1: the file is not a list of faults",
                  "write for example '- {partition: tikv-0, for: 10s}'");
    }
    for (const auto& node : document) {
      faults.push_back(read_fault(path, node));
    }
  } catch (const YAML::Exception& error) {
    throw_usage(path + ":" + std::to_string(error.mark.line + 1) + ": " + error.msg);
  }
  return faults;
}

}  // namespace tinet::cli
