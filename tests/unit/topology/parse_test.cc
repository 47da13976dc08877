#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/topology/topology.h"
#include "tests/unit/topology/plans.h"

namespace tinet {
namespace {

using test::Failure;
using test::failure_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A topology of one component whose keys follow "program", indented by four blanks.
std::string with_keys(const std::string& keys) {
  return "tinet: 1\nname: t\ncomponents:\n  node:\n    program: sleep\n" + keys;
}

Failure parse_failure(const std::string& text) {
  return failure_of([&] { static_cast<void>(parse_topology(text, "t.yaml")); });
}

TEST(ParseTopology, ReadsTheSleepersOfTheDesign) {
  const auto topology = parse_topology(
      "tinet: 1\n"
      "name: sleepers\n"
      "components:\n"
      "  node:\n"
      "    count: 3\n"
      "    program: /bin/sleep            # absolute\n"
      "    args: [\"1000000\"]\n"
      "    env: {}\n"
      "    services: {client: 7000}\n"
      "    after: []\n"
      "    ready: {process: true, timeout: 10s}\n"
      "    stop: {signal: TERM, grace: 10s}\n"
      "    connect: \"...\"\n",
      "sleepers.yaml");
  ASSERT_EQ(topology.components.size(), 1U);
  const auto& node = topology.components[0];
  EXPECT_EQ(node.count, 3);
  EXPECT_EQ(node.port_of("client"), 7000);
  EXPECT_EQ(node.ready.timeout_ms, 10'000);
  EXPECT_EQ(node.stop.signal, 15);
  EXPECT_EQ(node.env_var, "TINET_NODE_PATH");
  EXPECT_THAT(topology.stop_order, ElementsAre("node"));
  const auto plan = test::plan_of(topology);
  EXPECT_EQ(plan.instances.size(), 3U);
  EXPECT_THAT(plan.instances[0].args, ElementsAre("1000000"));
}

TEST(ParseTopology, ReadsEveryKindOfCheck) {
  const auto topology =
      parse_topology(with_keys("    services: {client: 1, status: 2}\n"
                               "    ready:\n"
                               "      tcp: {service: client}\n"
                               "      log: \"^ready\"\n"
                               "      exec: [test, -e, \"{dir}/up\"]\n"
                               "      http:\n"
                               "        - service: status\n"
                               "          method: POST\n"
                               "          path: /x?i={index}\n"
                               "          headers: {X-A: \"{name}\"}\n"
                               "          status: 204\n"
                               "          json:\n"
                               "            /a: {exists: false}\n"
                               "            /b: {at_least: 3}\n"
                               "            /list/*: {/c: {not: x}, /d: \"1\"}\n"),
                     "t.yaml");
  const auto plan = test::plan_of(topology);
  const auto& ready = plan.instances.at(0).ready;
  EXPECT_THAT(ready.tcp, ElementsAre("client"));
  EXPECT_EQ(ready.log_regex, "^ready");
  EXPECT_THAT(ready.exec, ElementsAre("test", "-e", "/d/node-0/up"));
  const auto& http = ready.http.at(0);
  EXPECT_EQ(http.path, "/x?i=0");
  EXPECT_EQ(http.headers.at("X-A"), "node-0");
  EXPECT_EQ(http.status, 204);
  ASSERT_EQ(http.json.size(), 2U);
  EXPECT_EQ(http.json[0].conditions.at(0).op, JsonOp::Absent);
  EXPECT_EQ(http.json[0].conditions.at(1).op, JsonOp::AtLeast);
  EXPECT_EQ(http.json[1].in, "/list");
  EXPECT_EQ(http.json[1].conditions.at(0).op, JsonOp::NotEquals);
}

TEST(ParseTopology, WritesConfigurationAndFiles) {
  const auto topology = parse_topology(
      with_keys("    config: {file: n.conf, format: text, text: \"id={index} {{x}}\\n\"}\n"
                "    files: {peers.txt: '{join node \" \" \"{name}:{ip}\"}'}\n"
                "    count: 2\n"),
      "t.yaml");
  const auto plan = test::plan_of(topology);
  EXPECT_EQ(plan.instances.at(1).files.at(0).content, "id=1 {x}\n");
  EXPECT_EQ(plan.instances.at(1).files.at(1).content, "node-0:198.18.0.11 node-1:198.18.0.12");
}

TEST(ParseTopology, ComputesValuesAndConditions) {
  const auto topology = parse_topology(
      "tinet: 1\nname: t\nvars:\n  half: 2 if count.node > 3 else 1\n  copy: var.half\n"
      "components:\n  node:\n    count: 4\n    program: sleep\n"
      "    args:\n"
      "      - \"{var.copy}\"\n"
      "      - {when: tag != 'default', text: never}\n"
      "      - {when: index, text: later}\n",
      "t.yaml");
  const auto plan = test::plan_of(topology);
  EXPECT_THAT(plan.instances.at(0).args, ElementsAre("2"));
  EXPECT_THAT(plan.instances.at(1).args, ElementsAre("2", "later"));
}

struct BadCase {
  std::string text;
  std::string message;
  std::string hint;
};

class BadTopology : public ::testing::TestWithParam<BadCase> {};

TEST_P(BadTopology, NamesPlaceAndWayOut) {
  const auto failure = parse_failure(GetParam().text);
  ASSERT_TRUE(failure.thrown);
  EXPECT_EQ(failure.kind, ErrorKind::Usage);
  EXPECT_EQ(failure.message, GetParam().message);
  EXPECT_THAT(failure.hint, HasSubstr(GetParam().hint));
}

const BadCase kBadCases[] = {
    {"", "t.yaml:1: is not a topology", "tinet: 1"},
    {"- a\n", "t.yaml:1: is not a topology", ""},
    {"tinet: 2\n", "t.yaml:1: 'tinet' must be 1, but is '2'", ""},
    {"tinet: 1\nname: t\n", "t.yaml:1: missing key 'components'", ""},
    {"tinet: 1\nname: t\ncomponents:\n  node:\n    progam: sleep\n",
     "t.yaml:5: unknown key 'progam' in 'components.node'", "did you mean 'program'?"},
    {"tinet: 1\nname: T\ncomponents: {}\n", "t.yaml:2: 'T' is not a name for a topology", "a-z"},
    {"tinet: 1\nname: t\ncomponents: {}\n", "t.yaml:3: 'components' needs at least one component",
     ""},
    {"a: [\n", "t.yaml:2: not valid YAML: end of sequence flow not found", ""},
    {"tinet: 1\n---\ntinet: 1\n", "t.yaml: holds more than one YAML document", ""},
    {"tinet: 1\nname: t\ncomponents: {client: {program: a}}\n",
     "t.yaml:3: 'client' cannot name a component", "reserved"},
    {"tinet: 1\nname: t\ncomponents: {a-0: {program: a}}\n",
     "t.yaml:3: 'a-0' cannot name a component", "instances"},
    {with_keys("    servces: {}\n"), "t.yaml:6: unknown key 'servces' in 'components.node'",
     "did you mean 'services'?"},
    {with_keys("    count: many\n"),
     "t.yaml:6: 'components.node.count' must be a number from 0 to 1022, but is 'many'", ""},
    {with_keys("    args: {a: 1}\n"), "t.yaml:6: 'components.node.args': missing key 'when'", ""},
    {with_keys("    env: [a]\n"),
     "t.yaml:6: 'components.node.env' must be a mapping, but is a list", ""},
    {with_keys("    count: 1\n    count: 2\n"), "t.yaml:7: duplicate key 'count'", ""},
    {with_keys("    services: {client: 70000}\n"),
     "t.yaml:6: 'components.node.services.client' must be a number from 1 to 65535, but is '70000'",
     ""},
    {with_keys("    services: {Client: 1}\n"), "t.yaml:6: 'Client' is not a name for a service",
     ""},
    {with_keys("    args: [\"{ipp}\"]\n"), "t.yaml:6: unknown name '{ipp}' in '{ipp}'",
     "did you mean 'ip'?"},
    {with_keys("    services: {client: 1}\n    args: [\"{port.cleint}\"]\n"),
     "t.yaml:7: unknown name '{port.cleint}' in '{port.cleint}'", "did you mean 'port.client'?"},
    {with_keys("    args: [\"{ip\"]\n"), "t.yaml:6: unfinished '{' in '{ip'", "{{"},
    {with_keys("    args: [\"a}\"]\n"), "t.yaml:6: stray '}' in 'a}'", "}}"},
    {with_keys("    args: ['{join nod \",\" \"{ip}\"}']\n"),
     "t.yaml:6: a join names unknown component 'nod'", "did you mean 'node'?"},
    {with_keys("    args: ['{join node \",\"}']\n"),
     "t.yaml:6: malformed join in '{join node \",\"}'", "{join pd"},
    {with_keys("    args: [\"{published.client}\"]\n    services: {client: 1}\n"),
     "t.yaml:6: unknown name '{published.client}' in '{published.client}'", ""},
    {with_keys("    after: [nod]\n"), "t.yaml:5: 'after' of 'node' names unknown component 'nod'",
     "did you mean 'node'?"},
    {with_keys("    after: [node]\n"), "t.yaml:5: 'after' of 'node' leads back to itself", ""},
    {with_keys("    after: [b]\n  b: {program: x, after: [node]}\n"),
     "t.yaml:5: 'after' of 'node' leads back to itself", ""},
    {with_keys("    ready: {timeout: 1s}\n"),
     "t.yaml:6: 'components.node.ready' needs one of 'process', 'http', 'tcp', 'log', 'exec'", ""},
    {with_keys("    ready: {tcp: {service: x}}\n"),
     "t.yaml:5: 'ready' of 'node' names unknown service 'x' of 'node'", ""},
    {with_keys("    stop: {signal: TREM}\n"),
     "t.yaml:6: 'components.node.stop.signal' is not a signal: 'TREM'", "known here"},
    {"tinet: 1\nname: t\ncomponents: {n: {program: a/b}}\n",
     "t.yaml:3: 'components.n.program' must be an absolute path or a plain name, but is 'a/b'", ""},
    {with_keys("    config: {file: ../x, format: toml}\n"),
     "t.yaml:6: 'components.node.config' is not the name of a file in the instance's directory: "
     "'../x'",
     ""},
    {with_keys("    config: {file: x, format: tmol}\n"),
     "t.yaml:6: 'components.node.config.format' is not a format: 'tmol'", "toml"},
    {with_keys("stop_order: []\n"), "t.yaml: 'stop_order' lacks 'node'", ""},
    {with_keys("roles: [{driver: raft, component: node, service: client}]\n"),
     "t.yaml:6: unknown role driver 'raft'", "known here: etcd-raft"},
    {"tinet: 1\nname: t\nvars: {a: 1 iff x}\ncomponents: {n: {program: x}}\n",
     "t.yaml:3: cannot understand '1 iff x'", "3 if count.tikv >= 3 else 1"},
    {"tinet: 1\nname: t\nvars: {a: count.m}\ncomponents: {n: {program: x}}\n",
     "t.yaml:3: unknown name 'count.m' in 'vars.a'", "did you mean 'count.n'?"},
};

INSTANTIATE_TEST_SUITE_P(ParseTopology, BadTopology, ::testing::ValuesIn(kBadCases));

TEST(ParseTopology, NamesThePlaceInErrorsOfValues) {
  EXPECT_THAT(parse_failure(with_keys("    ready: {timeout: 10}\n")).message,
              HasSubstr("t.yaml:6: 'components.node.ready.timeout'"));
  EXPECT_THAT(parse_failure(with_keys("    ready: {log: \"(\"}\n")).message,
              HasSubstr("t.yaml:6: 'components.node.ready.log' is not a regular expression"));
}

TEST(ParseTopology, EndsOnAliasesThatLeadBackToThemselves) {
  const auto failure = parse_failure(
      with_keys("    config:\n      file: x\n      format: toml\n      settings: &a {b: *a}\n"));
  EXPECT_TRUE(failure.thrown);
}

TEST(BuiltinTopology, KnowsNamesAndAliases) {
  EXPECT_THAT(builtin_topology_names(), ElementsAre("etcd", "tidb"));
  EXPECT_EQ(builtin_topology("cluster").name, "tidb");
  const auto failure = failure_of([] { static_cast<void>(builtin_topology("tidbb")); });
  EXPECT_EQ(failure.message, "unknown topology 'tidbb'");
  EXPECT_THAT(failure.hint, HasSubstr("did you mean 'tidb'?"));
  EXPECT_TRUE(names_topology_file("./x"));
  EXPECT_TRUE(names_topology_file("x.yml"));
  EXPECT_FALSE(names_topology_file("tidb"));
}

}  // namespace
}  // namespace tinet
