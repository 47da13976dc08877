#include <utility>

#include "src/base/error.h"
#include "src/topology/parse_component.h"
#include "src/topology/readiness.h"

namespace tinet::detail {
namespace {

JsonConditionSpec parse_condition_on(const std::string& pointer, const YamlValue& value) {
  JsonConditionSpec spec;
  spec.pointer = pointer;
  if (value.is_scalar()) {
    spec.op = JsonOp::Equals;
    spec.value = value.as_template();
    return spec;
  }
  YamlMap map(value);
  int given = 0;
  for (const auto& [word, op] :
       {std::pair{"equals", JsonOp::Equals}, std::pair{"not", JsonOp::NotEquals},
        std::pair{"at_least", JsonOp::AtLeast}}) {
    if (const auto operand = map.get(word)) {
      spec.op = op;
      spec.value = operand->as_template();
      ++given;
    }
  }
  if (const auto exists = map.get("exists")) {
    spec.op = exists->boolean() ? JsonOp::Exists : JsonOp::Absent;
    ++given;
  }
  map.finish();
  if (given != 1) {
    value.fail("needs exactly one of 'equals', 'not', 'at_least', 'exists'");
  }
  return spec;
}

void check_pointer(const std::string& pointer, const YamlValue& value) {
  if (!pointer.empty() && pointer.front() != '/') {
    value.fail("is not a JSON pointer", "write e.g. /status or /stores/*");
  }
}

/// Conditions on the document stand directly in the mapping; "/stores/*" opens a group that one
/// element of that array must satisfy.
std::vector<JsonExpectationSpec> parse_json(const YamlValue& value) {
  JsonExpectationSpec document;
  std::vector<JsonExpectationSpec> groups;
  value.each_pair([&](const std::string& pointer, const YamlValue& condition) {
    check_pointer(pointer, condition);
    if (!pointer.ends_with("/*")) {
      document.conditions.push_back(parse_condition_on(pointer, condition));
      return;
    }
    JsonExpectationSpec group;
    group.in = pointer.substr(0, pointer.size() - 2);
    if (group.in.empty()) {
      condition.fail("needs the array's name", "write e.g. /stores/*");
    }
    condition.each_pair([&](const std::string& inner, const YamlValue& inner_condition) {
      check_pointer(inner, inner_condition);
      group.conditions.push_back(parse_condition_on(inner, inner_condition));
    });
    groups.push_back(std::move(group));
  });
  if (!document.conditions.empty()) {
    groups.insert(groups.begin(), std::move(document));
  }
  return groups;
}

HttpCheckSpec parse_http(const YamlValue& value) {
  HttpCheckSpec check;
  check.place = value.place();
  YamlMap map(value);
  if (const auto component = map.get("component")) {
    check.component = component->text();
  }
  check.service = map.require("service").text();
  if (const auto method = map.get("method")) {
    check.method = method->text();
    if (check.method != "GET" && check.method != "POST") {
      method->fail("must be GET or POST, but is '" + check.method + "'");
    }
  }
  if (const auto path = map.get("path")) {
    check.path = path->as_template();
    if (!check.path.text().starts_with('/')) {
      path->fail("must start with '/'");
    }
  } else {
    check.path = Template("/", check.place);
  }
  if (const auto headers = map.get("headers")) {
    headers->each_pair([&](const std::string& name, const YamlValue& header) {
      check.headers.emplace(name, header.as_template());
    });
  }
  if (const auto body = map.get("body")) {
    check.body = body->as_template();
  }
  if (const auto status = map.get("status")) {
    check.status = static_cast<int>(status->integer(100, 599));
  }
  if (const auto json = map.get("json")) {
    check.json = parse_json(*json);
  }
  map.finish();
  return check;
}

std::vector<std::string> parse_tcp(const YamlValue& value) {
  if (!value.is_map()) {
    return value.texts();
  }
  YamlMap map(value);
  auto service = map.require("service").texts();
  map.finish();
  return service;
}

}  // namespace

std::vector<HttpCheckSpec> parse_http_checks(const YamlValue& value) {
  std::vector<HttpCheckSpec> checks;
  if (value.is_list()) {
    value.each_element([&](const YamlValue& one) { checks.push_back(parse_http(one)); });
  } else {
    checks.push_back(parse_http(value));
  }
  return checks;
}

ReadySpec parse_ready(const YamlValue& value) {
  ReadySpec ready;
  YamlMap map(value);
  if (const auto process = map.get("process")) {
    ready.process = process->boolean();
  }
  if (const auto http = map.get("http")) {
    ready.http = parse_http_checks(*http);
  }
  if (const auto tcp = map.get("tcp")) {
    ready.tcp = parse_tcp(*tcp);
  }
  if (const auto log = map.get("log")) {
    ready.log_regex = log->text();
    try {
      static_cast<void>(LogPattern(ready.log_regex));
    } catch (const Error& error) {
      log->fail(std::string("is not a regular expression: ") + error.what());
    }
  }
  if (const auto exec = map.get("exec")) {
    exec->each_element([&](const YamlValue& word) { ready.exec.push_back(word.as_template()); });
    if (ready.exec.empty()) {
      exec->fail("needs a command");
    }
  }
  if (const auto timeout = map.get("timeout")) {
    ready.timeout_ms = timeout->duration_ms();
  }
  map.finish();
  if (!ready.process && ready.http.empty() && ready.tcp.empty() && ready.log_regex.empty() &&
      ready.exec.empty()) {
    value.fail("needs one of 'process', 'http', 'tcp', 'log', 'exec'");
  }
  return ready;
}

}  // namespace tinet::detail
