#include "src/cli/fault_verb.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "src/api/fault_meaning.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/base/units.h"
#include "src/cli/profiles.h"

namespace tinet::cli {

namespace {

const FaultVerb& verb_named(const std::string& name) {
  const auto& all = fault_verbs();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const FaultVerb& verb) { return verb.name == name; });
  TINET_ASSERT(found != all.end());
  return *found;
}

bool starts_with_digit(const std::string& word) {
  return !word.empty() && std::isdigit(static_cast<unsigned char>(word.front())) != 0;
}

/// The value is the last word: always when there is another one before it, else when it cannot be a
/// name. With a profile it may be missing, and a last word that is a name is one of the selector.
void split_off_value(const FaultVerb& verb, FaultWords& words) {
  if (verb.value.empty() || words.selector.empty()) {
    return;
  }
  const bool may_be_missing = words.selector.size() == 1 || !words.profile.empty();
  if (may_be_missing && !starts_with_digit(words.selector.back())) {
    return;
  }
  words.value = words.selector.back();
  words.selector.pop_back();
}

/// Joins "a / b" and "a, b". Two names with a blank between are a slip.
std::string selector_of(const FaultVerb& verb, const std::vector<std::string>& words) {
  constexpr std::string_view kJoints = ",/";
  for (std::size_t i = 1; i < words.size(); ++i) {
    const bool joined = words[i].empty() || words[i - 1].empty() ||
                        kJoints.find(words[i].front()) != std::string_view::npos ||
                        kJoints.find(words[i - 1].back()) != std::string_view::npos;
    if (!joined) {
      throw_usage("unexpected word '" + words[i] + "' for 'tinet " + verb.name + "'",
                  "names are joined by commas: '" + words[i - 1] + "," + words[i] + "'");
    }
  }
  return join(words, " ");
}

/// The words go before the profile, so its jitter can be more than the delay of the words.
void check_profiles_jitter(const Command& command, const FaultWords& words,
                           const api::ActionWords& action) {
  if (words.profile.empty() || !words.jitter.empty() || action.jitter_ns <= action.delay_ns) {
    return;
  }
  const std::string jitter = format_duration(Nanoseconds(action.jitter_ns));
  const std::string delay = format_duration(Nanoseconds(action.delay_ns));
  const bool takes_jitter =
      std::any_of(command.options.begin(), command.options.end(),
                  [](const OptionSpec& option) { return option.long_name() == "--jitter"; });
  throw_usage("--profile: the jitter of '" + words.profile + "' is " + jitter +
                  ", more than the delay of " + delay +
                  ": packets cannot arrive before they were sent",
              "give a delay of at least " + jitter +
                  (takes_jitter ? ", or a --jitter of at most " + delay : ""));
}

/// Options that say how the command runs, not what the fault is.
bool is_about_the_run(const std::string& option) {
  static const std::array<std::string, 3> kNames = {"--dry-run", "--explain", "--verify"};
  return std::find(kNames.begin(), kNames.end(), option) != kNames.end();
}

/// Groups always look the same, however they were typed: "a / b".
std::string with_spaced_groups(const std::string& selector) {
  std::vector<std::string> groups;
  for (const auto& group : split(selector, '/')) {
    groups.emplace_back(trim(group));
  }
  return join(groups, " / ");
}

/// A matrix without a file of its own, by the places it is about: "--matrix {zone:a, zone:b}".
std::string matrix_words(const std::vector<api::MatrixCell>& matrix) {
  std::vector<std::string> places;
  for (const auto& cell : matrix) {
    for (const auto& place : {cell.from, cell.to}) {
      if (std::find(places.begin(), places.end(), place) == places.end()) {
        places.push_back(place);
      }
    }
  }
  return " --matrix {" + join(places, ", ") + "}";
}

/// The words that made the fault, as `faults` and `events` show them.
std::string summary_of(const FaultVerb& verb, const Command& command, const FaultWords& words,
                       const std::vector<api::MatrixCell>& matrix) {
  std::string text = verb.name;
  if (!words.selector.empty()) {
    text += " " + with_spaced_groups(join(words.selector, " "));
  }
  text += matrix.empty() ? "" : matrix_words(matrix);
  text += words.value.empty() ? "" : " " + words.value;
  for (const auto& option : command.options) {
    const std::string name = option.long_name();
    if (option.positional || is_about_the_run(name)) {
      continue;
    }
    if (const auto* const* flag = std::get_if<bool*>(&option.target)) {
      text += **flag ? " " + name : "";
    } else if (const auto* const* value = std::get_if<std::string*>(&option.target)) {
      text += (*value)->empty() ? "" : " " + name + " " + **value;
    }
  }
  return text;
}

}  // namespace

const std::vector<FaultVerb>& fault_verbs() {
  static const std::vector<FaultVerb> all = {partition_verb(), delay_verb(),   loss_verb(),
                                             duplicate_verb(), corrupt_verb(), reorder_verb(),
                                             rate_verb(),      flap_verb(),    hold_verb()};
  return all;
}

void describe_fault(const FaultVerb& verb, Command& command, FaultWords& words) {
  command.description = verb.description;
  command.examples = verb.examples;
  command.rest("SELECTOR", words.selector,
               {.help = "whom: tikv-0, tikv, 'tikv-*', a,b, '!x', all, client, zone:a, "
                        "role:pd-leader, random:2:tikv, minority:tikv, or groups 'a,b / c,d'",
                .completes = Completes::Instance});
  if (!verb.value.empty()) {
    // The parser gives every word to the selector; make_fault_request() takes the value off again.
    command.positional(verb.value, words.value, {.help = verb.value_help});
  }
  verb.add_options(command, words);
  add_link_options(command, words);
  add_packet_options(command, words);
  if (verb.takes_profile) {
    add_profile_option(command, words);
  }
  add_course_options(command, words);
}

api::FaultRequest make_fault_request(const FaultVerb& verb, const Command& command,
                                     FaultWords words, std::vector<api::MatrixCell> matrix) {
  split_off_value(verb, words);
  api::FaultRequest request;
  request.kind = verb.name;
  request.matrix = std::move(matrix);
  request.summary = summary_of(verb, command, words, request.matrix);
  request.selector = selector_of(verb, words.selector);
  if (request.selector.empty() && words.between.empty() && words.shape.empty() &&
      words.matrix.empty() && request.matrix.empty()) {
    throw_missing(verb.name, "SELECTOR");
  }
  read_common_words(words, request);
  if (!words.profile.empty()) {
    request.action = find_profile(words.profile, "--profile").action;
  }
  verb.read(words, request);
  check_profiles_jitter(command, words, request.action);
  api::check_request(request);
  return request;
}

void throw_missing(const std::string& verb, const std::string& what) {
  throw_usage(what + " is missing for 'tinet " + verb + "'",
              "write for example '" + verb_named(verb).examples.front() + "', or see 'tinet " +
                  verb + " --help'");
}

}  // namespace tinet::cli
