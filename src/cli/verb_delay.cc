#include <algorithm>
#include <string>

#include "src/base/error.h"
#include "src/base/units.h"
#include "src/cli/action_words.h"
#include "src/cli/distribution_file.h"
#include "src/cli/fault_verb.h"
#include "src/cli/zone_matrix.h"
#include "src/fabric/leaf.h"
#include "src/wire/shape.h"

namespace tinet::cli {

namespace {

void add_options(Command& command, FaultWords& words) {
  command.option("--jitter", words.jitter,
                 {.value = "DUR", .help = "how much more or less, at most the delay"});
  command.option("--distribution", words.distribution,
                 {.value = "NAME|FILE",
                  .help = "of the jitter: uniform (default), normal (the jitter is the standard "
                          "deviation), pareto (a long tail), or a file with one deviation per line "
                          "in units of the jitter",
                  .completes = Completes::WordsOrFile,
                  .words = distribution_names()});
  command.option("--correlation", words.correlation,
                 {.value = "PCT", .help = "how much a packet's jitter follows the one before"});
  command.flag("--rtt", words.rtt,
               "delay and jitter are those of a round trip: each direction gets half");
  command.option("--matrix", words.matrix,
                 {.value = "FILE",
                  .help = "latencies, losses and rates between zones, as YAML; instead of SELECTOR "
                          "and DURATION",
                  .completes = Completes::File});
  command.exclusives.push_back({"--rtt", "--profile"});
  for (const char* other : {"--from", "--to", "--direction", "--each", "--between", "--jitter",
                            "--distribution", "--correlation", "--profile"}) {
    command.exclusives.push_back({"--matrix", other});
  }
}

bool is_file_name(const std::string& word) {
  return word.find_first_of("./") != std::string::npos;
}

void read_distribution(const FaultWords& words, api::ActionWords& action) {
  if (!is_file_name(words.distribution)) {
    const auto& names = distribution_names();
    if (std::find(names.begin(), names.end(), words.distribution) == names.end()) {
      throw_usage("--distribution: unknown word '" + words.distribution + "'",
                  "one of uniform, normal, pareto, or a file (with a '.' or a '/' in its name)");
    }
    action.distribution = words.distribution;
    return;
  }
  const std::string text = words.read_file(words.distribution, "--distribution");
  action.distribution = "table";
  action.table = parse_distribution_file(text, words.distribution);
}

/// From the file, unless the words came with one.
void read_matrix(const FaultWords& words, api::FaultRequest& request) {
  if (!words.selector.empty() || !words.value.empty()) {
    throw_usage("'--matrix' says who is meant and what happens",
                "leave out '" + (words.value.empty() ? words.selector.front() : words.value) + "'");
  }
  if (request.matrix.empty()) {
    request.matrix = parse_zone_matrix(words.read_file(words.matrix, "--matrix"), words.matrix);
  }
}

void read(const FaultWords& words, api::FaultRequest& request) {
  request.rtt = words.rtt;
  if (!words.matrix.empty() || !request.matrix.empty()) {
    read_matrix(words, request);
    return;
  }
  api::ActionWords& action = request.action;
  if (!words.value.empty()) {
    action.delay_ns = parse_wait_ns(words.value, "DURATION");
  } else if (words.profile.empty()) {
    throw_missing("delay", "DURATION");
  }
  if (!words.jitter.empty()) {
    action.jitter_ns = parse_duration(words.jitter, "--jitter").count();
  }
  if (!words.distribution.empty()) {
    read_distribution(words, action);
  }
  if (!words.correlation.empty()) {
    action.correlation_ppm = parse_percent(words.correlation, "--correlation").value;
  }
}

}  // namespace

FaultVerb delay_verb() {
  return {
      .name = "delay",
      .value = "DURATION",
      .value_help =
          "what every packet waits, 1us to 1h, e.g. 50ms; kept to about 0.1ms; may be left "
          "out with --profile",
      .summary = "make packets wait",
      .description =
          "Every packet of the links waits, in both directions by default: the round trip grows by "
          "twice the duration. --rtt means the round trip instead, --direction one way. What "
          "finds " +
          std::to_string(kWireQueueDefault) + " packets of its link waiting in the wire, or " +
          std::to_string(fabric::kDelayQueue) +
          " in a netem ('tinet doctor' says which this kernel has), is dropped and counted.",
      .examples = {"tinet delay tikv-0 50ms --jitter 5ms --distribution normal",
                   "tinet delay zone:a --to zone:b --profile wan-eu-us",
                   "tinet delay --matrix regions.yaml"},
      .add_options = add_options,
      .read = read};
}

}  // namespace tinet::cli
