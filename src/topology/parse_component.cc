#include "src/topology/parse_component.h"

#include <csignal>
#include <utility>

#include "src/base/text.h"

namespace tinet::detail {
namespace {

constexpr std::pair<const char*, int> kStopSignals[] = {
    {"TERM", SIGTERM}, {"INT", SIGINT},   {"HUP", SIGHUP},  {"QUIT", SIGQUIT},
    {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"KILL", SIGKILL}};

int parse_signal(const YamlValue& value) {
  const auto word = value.text();
  std::vector<std::string> known;
  for (const auto& [name, number] : kStopSignals) {
    if (word == name || word == std::string("SIG") + name) {
      return number;
    }
    known.emplace_back(name);
  }
  value.fail("is not a signal: '" + word + "'", suggestion(word, known));
}

StopSpec parse_stop(const YamlValue& value) {
  StopSpec stop;
  YamlMap map(value);
  if (const auto signal = map.get("signal")) {
    stop.signal = parse_signal(*signal);
  }
  if (const auto grace = map.get("grace")) {
    stop.grace_ms = grace->duration_ms();
  }
  if (const auto codes = map.get("clean_exit_codes")) {
    stop.clean_exit_codes.clear();
    codes->each_element([&](const YamlValue& code) {
      stop.clean_exit_codes.push_back(static_cast<int>(code.integer(0, 255)));
    });
  }
  map.finish();
  return stop;
}

/// "text", or {when: CONDITION, text: "text"}.
ConditionalText parse_conditional(const YamlValue& value) {
  if (!value.is_map()) {
    return {std::nullopt, value.as_template()};
  }
  ConditionalText text;
  YamlMap map(value);
  const auto when = map.require("when");
  text.when = parse_condition(when.text(), when.place());
  text.text = map.require("text").as_template();
  map.finish();
  return text;
}

std::vector<ConditionalText> parse_conditionals(const YamlValue& value) {
  std::vector<ConditionalText> all;
  if (value.is_list()) {
    value.each_element([&](const YamlValue& one) { all.push_back(parse_conditional(one)); });
  } else {
    all.push_back(parse_conditional(value));
  }
  return all;
}

std::vector<ServicePort> parse_services(const YamlValue& value) {
  std::vector<ServicePort> services;
  value.each_pair([&](const std::string& name, const YamlValue& port) {
    check_name(name, port.place(), "service");
    services.push_back({name, static_cast<std::uint16_t>(port.integer(1, 65535))});
  });
  return services;
}

void parse_env(const YamlValue& value, ComponentSpec& spec) {
  value.each_pair([&](const std::string& key, const YamlValue& text) {
    if (key.empty() || key.find('=') != std::string::npos) {
      text.fail("is not the name of a variable");
    }
    spec.env.emplace_back(key, text.as_template());
  });
}

/// Names of files that tinet writes into the instance's directory.
void check_file_name(const std::string& name, const YamlValue& value) {
  if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos ||
      name == "data" || name == "tmp") {
    value.fail("is not the name of a file in the instance's directory: '" + name + "'",
               "write a plain name such as node.conf");
  }
}

std::string default_env_var(const std::string& component) {
  std::string name = "TINET_";
  for (const char c : component) {
    name += c == '-' ? '_' : (c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c);
  }
  return name + "_PATH";
}

void parse_program(YamlMap& map, ComponentSpec& spec) {
  const auto program = map.require("program");
  spec.program = program.text();
  if (spec.program.empty() ||
      (spec.program.front() != '/' && spec.program.find('/') != std::string::npos)) {
    program.fail("must be an absolute path or a plain name, but is '" + spec.program + "'");
  }
  if (const auto binaries = map.get("binaries")) {
    spec.binaries = binaries->texts();
  }
  spec.env_var = default_env_var(spec.name);
  if (const auto variable = map.get("env_var")) {
    spec.env_var = variable->text();
  }
  if (const auto reference = map.get("reference")) {
    spec.reference_role = reference->text();
  }
}

void parse_order(YamlMap& map, ComponentSpec& spec) {
  if (const auto after = map.get("after")) {
    spec.after = after->texts();
  }
  if (const auto needs = map.get("needs")) {
    spec.needs = needs->texts();
  }
  if (const auto first_alone = map.get("first_alone")) {
    spec.first_alone = first_alone->boolean();
  }
  if (const auto ready = map.get("ready")) {
    spec.ready = parse_ready(*ready);
  } else {
    spec.ready.process = true;
  }
  if (const auto settled = map.get("settled")) {
    spec.settled = parse_http_checks(*settled);
  }
  if (const auto timeout = map.get("settled_timeout")) {
    spec.settled_timeout_ms = timeout->duration_ms();
  }
  if (const auto stop = map.get("stop")) {
    spec.stop = parse_stop(*stop);
  }
}

}  // namespace

void check_name(const std::string& name, const SourcePlace& place, const std::string& what) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789-";
  if (name.empty() || name.size() > 32 || kLetters.find(name.front()) == std::string_view::npos ||
      name.find_first_not_of(kAllowed) != std::string::npos) {
    fail_at(place, "'" + name + "' is not a name for a " + what,
            "use at most 32 of a-z, 0-9 and '-', beginning with a letter");
  }
}

ComponentSpec parse_component(const std::string& name, const YamlValue& value) {
  ComponentSpec spec;
  spec.name = name;
  spec.place = value.place();
  YamlMap map(value);
  if (const auto count = map.get("count")) {
    spec.count = static_cast<int>(count->integer(0, 1022));
  }
  parse_program(map, spec);
  if (const auto args = map.get("args")) {
    spec.args = parse_conditionals(*args);
  }
  if (const auto env = map.get("env")) {
    parse_env(*env, spec);
  }
  if (const auto services = map.get("services")) {
    spec.services = parse_services(*services);
  }
  if (const auto config = map.get("config")) {
    spec.config = parse_config(*config);
    check_file_name(spec.config->file, *config);
  }
  if (const auto files = map.get("files")) {
    files->each_pair([&](const std::string& file, const YamlValue& content) {
      check_file_name(file, content);
      spec.files.emplace_back(file, content.as_template());
    });
  }
  parse_order(map, spec);
  if (const auto connect = map.get("connect")) {
    spec.connect = parse_conditionals(*connect);
  }
  if (const auto publish = map.get("publish")) {
    spec.publish = publish->texts();
  }
  map.finish();
  return spec;
}

}  // namespace tinet::detail
