#include "src/topology/render.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/text.h"
#include "tests/unit/topology/plans.h"

namespace tinet {
namespace {

using test::builtin_plan;
using test::environment_for;
using test::failure_of;
using test::plan_of;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string args_of(const ClusterPlan& plan, const std::string& name) {
  return join(plan.find(name)->args, "\n");
}

TEST(RenderTidb, WritesTheCommandLineOfEachProgram) {
  const auto plan = builtin_plan("tidb", {{"pd", 3}, {"tikv", 3}, {"tidb", 2}});
  ASSERT_EQ(plan.instances.size(), 8U);
  EXPECT_EQ(command_line(*plan.find("pd-1")),
            "/opt/bin/pd-server --name=pd-1 --data-dir=/d/pd-1/data --config=/d/pd-1/pd.toml"
            " --client-urls=http://198.18.0.12:2379"
            " --advertise-client-urls=http://198.18.0.12:2379"
            " --peer-urls=http://198.18.0.12:2380"
            " --advertise-peer-urls=http://198.18.0.12:2380"
            " --initial-cluster=pd-0=http://198.18.0.11:2380,pd-1=http://198.18.0.12:2380,"
            "pd-2=http://198.18.0.13:2380");
  EXPECT_EQ(command_line(*plan.find("tikv-2")),
            "/opt/bin/tikv-server --addr=198.18.0.16:20160 --advertise-addr=198.18.0.16:20160"
            " --status-addr=198.18.0.16:20180 --advertise-status-addr=198.18.0.16:20180"
            " --pd=198.18.0.11:2379,198.18.0.12:2379,198.18.0.13:2379"
            " --data-dir=/d/tikv-2/data --config=/d/tikv-2/tikv.toml");
  EXPECT_EQ(command_line(*plan.find("tidb-1")),
            "/opt/bin/tidb-server --store=tikv"
            " --path=198.18.0.11:2379,198.18.0.12:2379,198.18.0.13:2379 -P 4000"
            " --host=198.18.0.18 --advertise-address=198.18.0.18 --status=10080"
            " --status-host=198.18.0.18 --socket= --temp-dir=/d/tidb-1/tmp"
            " --log-slow-query=/d/logs/tidb-1-slow.log --config=/d/tidb-1/tidb.toml");
}

TEST(RenderTidb, WritesSettingsForASmallMachine) {
  const auto plan = builtin_plan("tidb", {{"tikv", 3}});
  EXPECT_EQ(plan.find("pd-0")->files.at(0).path, "/d/pd-0/pd.toml");
  EXPECT_EQ(plan.find("pd-0")->files.at(0).content,
            "[replication]\n"
            "max-replicas = 3\n"
            "\n"
            "[schedule]\n"
            "patrol-region-interval = \"100ms\"\n"
            "low-space-ratio = 1.0\n");
  EXPECT_EQ(plan.find("tikv-0")->files.at(0).content,
            "[storage]\n"
            "reserve-space = \"0\"\n"
            "reserve-raft-space = \"0\"\n"
            "scheduler-worker-pool-size = 1\n"
            "\n"
            "[storage.block-cache]\n"
            "capacity = \"128MB\"\n"
            "\n"
            "[raftstore]\n"
            "capacity = \"10GB\"\n"
            "\n"
            "[rocksdb]\n"
            "max-open-files = 256\n"
            "\n"
            "[raftdb]\n"
            "max-open-files = 256\n"
            "\n"
            "[raft-engine]\n"
            "memory-limit = \"64MB\"\n"
            "\n"
            "[server]\n"
            "grpc-concurrency = 2\n"
            "graceful-shutdown-timeout = \"0s\"\n"
            "\n"
            "[readpool.unified]\n"
            "max-thread-count = 2\n");
}

TEST(RenderTidb, AsksForOneReplicaWithFewerThanThreeStores) {
  for (const auto& [stores, replicas] : {std::pair{1, "1"}, {2, "1"}, {3, "3"}, {5, "3"}}) {
    SCOPED_TRACE(stores);
    const auto plan = builtin_plan("tidb", {{"tikv", stores}});
    EXPECT_THAT(plan.find("pd-0")->files.at(0).content,
                HasSubstr(std::string("max-replicas = ") + replicas + "\n"));
  }
}

TEST(RenderTidb, WaitsForStoresAndReplicas) {
  const auto plan = builtin_plan("tidb");
  const auto& ready = plan.find("tikv-1")->ready;
  ASSERT_EQ(ready.http.size(), 2U);
  EXPECT_EQ(ready.http[0].component, "");
  EXPECT_EQ(ready.http[0].path, "/status");
  EXPECT_EQ(ready.http[1].component, "pd");
  ASSERT_EQ(ready.http[1].json.size(), 1U);
  EXPECT_EQ(ready.http[1].json[0].in, "/stores");
  EXPECT_EQ(ready.http[1].json[0].conditions.at(0).value, "198.18.0.13:20160");
  ASSERT_EQ(plan.components.size(), 3U);
  EXPECT_EQ(plan.components[1].settled.at(0).path, "/pd/api/v1/regions/check/miss-peer");
  EXPECT_TRUE(plan.components[2].first_alone);
  EXPECT_THAT(plan.components[2].after, ElementsAre("pd", "tikv"));
  EXPECT_THAT(plan.stop_order, ElementsAre("tidb", "tikv", "pd"));
}

TEST(RenderTidb, SetsZonesAsLabels) {
  StartOptions options;
  options.components["tikv"].zones = "a,b";
  const auto plan = plan_of(builtin_topology("tidb"), options);
  EXPECT_EQ(plan.find("tikv-2")->zone, "a");
  EXPECT_THAT(plan.find("tikv-1")->args, Contains("--labels=zone=b"));
  EXPECT_THAT(plan.find("pd-0")->files.at(0).content, HasSubstr("location-labels = [\"zone\"]\n"));
  EXPECT_THAT(args_of(builtin_plan("tidb"), "tikv-1"), Not(HasSubstr("labels")));
}

TEST(RenderEtcd, WritesFlagsAndNoFile) {
  const auto plan = builtin_plan("etcd");
  EXPECT_EQ(command_line(*plan.find("etcd-2")),
            "/opt/bin/etcd --name=etcd-2 --data-dir=/d/etcd-2/data"
            " --listen-peer-urls=http://198.18.0.13:2380"
            " --initial-advertise-peer-urls=http://198.18.0.13:2380"
            " --listen-client-urls=http://198.18.0.13:2379"
            " --advertise-client-urls=http://198.18.0.13:2379"
            " --initial-cluster=etcd-0=http://198.18.0.11:2380,etcd-1=http://198.18.0.12:2380,"
            "etcd-2=http://198.18.0.13:2380"
            " --initial-cluster-state=new --initial-cluster-token=tinet-default"
            " --enable-grpc-gateway=true --logger=zap"
            " --log-outputs=stderr");
  EXPECT_TRUE(plan.find("etcd-2")->files.empty());
  EXPECT_EQ(plan.components.at(0).settled.at(0).body, "{}");
}

TEST(RenderEtcd, PutsEverythingIntoTheFileWhenTheUserGivesOne) {
  StartOptions options;
  options.components["etcd"].config = {"my.yaml", "heartbeat-interval: 50\nlogger: capnslog\n"};
  const auto plan = plan_of(builtin_topology("etcd"), options);
  EXPECT_EQ(command_line(*plan.find("etcd-0")), "/opt/bin/etcd --config-file=/d/etcd-0/etcd.yaml");
  const auto& content = plan.find("etcd-0")->files.at(0).content;
  EXPECT_THAT(content, HasSubstr("heartbeat-interval: 50\n"));
  EXPECT_THAT(content, HasSubstr("logger: capnslog\n"));
  EXPECT_THAT(content, HasSubstr("enable-grpc-gateway: true\n"));
  EXPECT_THAT(content, Not(HasSubstr("zap")));
  EXPECT_THAT(content, HasSubstr("name: \"etcd-0\"\n"));
}

TEST(RenderEtcd, RefusesArgumentsThatEtcdWouldIgnore) {
  StartOptions options;
  options.components["etcd"].config = {"my.yaml", "heartbeat-interval: 50\n"};
  options.components["etcd"].args = {"--pre-vote=true"};
  const auto failure = failure_of([&] { plan_of(builtin_topology("etcd"), options); });
  EXPECT_EQ(failure.kind, ErrorKind::Usage);
  EXPECT_THAT(failure.message, HasSubstr("--etcd.args and --etcd.config exclude each other"));
}

TEST(Render, PassesOnlyAFewVariables) {
  StartOptions options;
  options.components["tikv"].env = {"A=1=2", "TERM=dumb"};
  const auto plan = plan_of(builtin_topology("tidb"), options);
  const std::map<std::string, std::string> expected = {
      {"A", "1=2"},     {"HOME", "/home/ada"},       {"LANG", "C.UTF-8"}, {"PATH", "/usr/bin:/bin"},
      {"TERM", "dumb"}, {"TMPDIR", "/d/tikv-0/tmp"}, {"USER", "ada"}};
  EXPECT_EQ(plan.find("tikv-0")->env, expected);
}

TEST(Render, PutsTheUsersArgumentsLast) {
  StartOptions options;
  options.components["tikv"].args = {"--log-level debug", "-C '/x y'"};
  const auto plan = plan_of(builtin_topology("tidb"), options);
  const auto& args = plan.find("tikv-0")->args;
  EXPECT_EQ(std::vector<std::string>(args.end() - 4, args.end()),
            (std::vector<std::string>{"--log-level", "debug", "-C", "/x y"}));
}

TEST(Render, PutsTheRoleOfTheReferenceStoreFirst) {
  const auto topology = builtin_topology("tidb");
  auto environment = environment_for(topology);
  environment.binaries.store = "reference";
  for (auto& [name, binary] : environment.binaries.by_component) {
    binary = {"/opt/bin/tinet-refstore", {name + "-server"}, "", ""};
  }
  const auto plan = render(topology, {}, environment);
  EXPECT_EQ(plan.store, "reference");
  EXPECT_EQ(plan.find("tikv-0")->args.front(), "tikv-server");
  ASSERT_EQ(plan.roles.size(), 2U);
  EXPECT_EQ(plan.roles[0].driver, "tidb-owner");
  EXPECT_EQ(plan.roles[1].driver, "refstore");
}

TEST(Render, KeepsWhatLiesUnderTmpVisible) {
  const auto topology = builtin_topology("etcd");
  auto environment = environment_for(topology);
  environment.data_dir = "/tmp/t/data";
  environment.working_dir = "/tmp/work";
  environment.binaries.by_component["etcd"].path = "/tmp/bin/etcd";
  StartOptions options;
  options.components["etcd"].args = {"--cert-file=/tmp/certs/a.pem /usr/x"};
  const auto plan = render(topology, options, environment);
  EXPECT_THAT(plan.find("etcd-0")->keep_visible,
              ElementsAre("/tmp/work", "/tmp/t/data/etcd-0", "/tmp/t/data/logs", "/tmp/bin",
                          "/tmp/certs/a.pem"));
}

TEST(Render, KeepsDataOfADirectoryThatTheUserNamed) {
  StartOptions options;
  EXPECT_FALSE(plan_of(builtin_topology("etcd"), options).keep_data);
  options.data_dir = "/srv/d";
  const auto plan = plan_of(builtin_topology("etcd"), options);
  EXPECT_TRUE(plan.keep_data);
  EXPECT_EQ(plan.find("etcd-0")->log, "/srv/d/logs/etcd-0.log");
}

TEST(Render, GivesIpv6AddressesWhenAsked) {
  StartOptions options;
  options.ipv6 = true;
  const auto plan = plan_of(builtin_topology("etcd"), options);
  EXPECT_EQ(plan.find("etcd-1")->address6, endpoint_address6(1));
  EXPECT_EQ(plan.client_address6, endpoint_address6(3));
  EXPECT_EQ(to_string(plan.client_address), "198.18.0.14");
}

TEST(InstanceCounts, RefusesWhatCannotBe) {
  const auto tidb = builtin_topology("tidb");
  const auto counts = [&](std::map<std::string, int> wanted) {
    StartOptions options;
    for (const auto& [name, count] : wanted) {
      options.components[name].count = count;
    }
    return failure_of([&] { static_cast<void>(instance_counts(tidb, options)); });
  };
  EXPECT_FALSE(counts({{"tidb", 0}, {"tikv", 0}}).thrown);
  EXPECT_EQ(counts({{"tikv", -1}}).message, "--tikv: -1 is not from 0 to 1022");
  EXPECT_EQ(counts({{"pd", 0}, {"tikv", 0}, {"tidb", 0}}).message,
            "a cluster has 1 to 1022 instances, but 0 are asked for");
  EXPECT_EQ(counts({{"tikv", 1000}, {"tidb", 22}}).message,
            "a cluster has 1 to 1022 instances, but 1023 are asked for");
  EXPECT_EQ(counts({{"tikv", 0}}).message, "'tidb' needs at least one 'tikv'");
  const auto typo = counts({{"tkv", 3}});
  EXPECT_EQ(typo.kind, ErrorKind::Usage);
  EXPECT_EQ(typo.message, "topology 'tidb' has no component 'tkv'");
  EXPECT_EQ(typo.hint, "did you mean 'tikv'?");
}

TEST(Render, RefusesASubnetThatIsTooSmall) {
  StartOptions options;
  options.subnet = parse_subnet("10.0.0.0/28", "test");
  const auto failure = failure_of([&] { plan_of(builtin_topology("tidb"), options); });
  EXPECT_EQ(failure.kind, ErrorKind::Usage);
}

TEST(Render, RefusesMalformedFlags) {
  const auto message = [](auto member, const auto& value) {
    StartOptions options;
    options.components["tikv"].*member = value;
    return failure_of([&] { plan_of(builtin_topology("tidb"), options); }).message;
  };
  const std::vector<std::string> no_value = {"NOVALUE"};
  const std::vector<std::string> open_quote = {"'open"};
  EXPECT_EQ(message(&ComponentOptions::env, no_value), "--tikv.env: 'NOVALUE' is not KEY=VALUE");
  EXPECT_EQ(message(&ComponentOptions::args, open_quote),
            "--tikv.args: unfinished quote in ''open'");
  EXPECT_EQ(message(&ComponentOptions::zones, "a,,b"), "--tikv.zone: '' is not the name of a zone");
}

TEST(Publish, TakesDefaultsOfTheTopology) {
  const auto plan = builtin_plan("tidb", {{"pd", 2}});
  ASSERT_EQ(plan.publish.size(), 3U);
  EXPECT_EQ(plan.publish[0].instance, "pd-0");
  EXPECT_EQ(plan.publish[1].instance, "pd-1");
  EXPECT_EQ(plan.publish[1].port, 2380);
  EXPECT_EQ(plan.publish[2].instance, "tidb-0");
  EXPECT_FALSE(plan.publish[2].explicit_port);
}

TEST(Publish, ParsesAList) {
  const auto topology = builtin_topology("tidb");
  const std::map<std::string, int> counts = {{"pd", 1}, {"tikv", 2}, {"tidb", 1}};
  const auto specs = parse_publish("tidb:client=5000,tikv:status=6000,pd,tikv-1", topology, counts);
  ASSERT_EQ(specs.size(), 5U);
  EXPECT_EQ(specs[0].port, 5000);
  EXPECT_TRUE(specs[0].explicit_port);
  EXPECT_EQ(specs[2].instance, "tikv-1");
  EXPECT_EQ(specs[2].port, 6001);
  EXPECT_EQ(specs[3].port, 2379);
  EXPECT_EQ(specs[4].service, "client");
  EXPECT_TRUE(parse_publish("none", topology, counts).empty());
}

TEST(Publish, RefusesUnknownAndClashingWords) {
  const auto topology = builtin_topology("tidb");
  const std::map<std::string, int> counts = {{"pd", 1}, {"tikv", 2}, {"tidb", 1}};
  const auto message = [&](const std::string& text) {
    return failure_of([&] { static_cast<void>(parse_publish(text, topology, counts)); }).message;
  };
  EXPECT_EQ(message("tikv-7"), "--publish: unknown component or instance 'tikv-7'");
  EXPECT_EQ(message("tidb:sql"), "--publish: 'tidb' has no service 'sql'");
  EXPECT_EQ(message("tidb:client=0"),
            "--publish: '0' in 'tidb:client=0' is not a port from 1 to 65535");
  EXPECT_EQ(message("tidb:client=x"),
            "--publish: 'x' in 'tidb:client=x' is not a port from 1 to 65535");
  EXPECT_EQ(message("tikv:status=10,tidb:client=11"),
            "--publish: port 11 is asked for twice, by 'tikv-1' and 'tidb-0'");
}

TEST(ConnectLines, NameThePublishedPort) {
  const auto plan = builtin_plan("tidb");
  ASSERT_EQ(plan.connect_lines.size(), 2U);
  EXPECT_EQ(fill_published(plan.connect_lines[1], {{"tidb-0:client", 4001}}),
            "mysql -h 127.0.0.1 -P 4001 -u root");
  EXPECT_EQ(fill_published(plan.connect_lines[0], {{"pd-0:client", 2379}}),
            "curl -s http://127.0.0.1:2379/pd/api/v1/stores");
}

TEST(ConnectLines, GoThroughTheClientWhenNothingIsPublished) {
  StartOptions options;
  options.publish = "none";
  options.tag = "demo";
  const auto plan = plan_of(builtin_topology("tidb"), options);
  EXPECT_EQ(plan.connect_lines.at(1),
            "tinet -T demo exec client -- mysql -h 198.18.0.15 -P 4000 -u root");
}

TEST(DryRun, ShowsEverythingThatWouldHappen) {
  const auto topology = builtin_topology("tidb");
  const auto plan = plan_of(topology);
  const auto text = dry_run_text(topology, plan);
  EXPECT_THAT(text, HasSubstr("tiup: true"));
  EXPECT_THAT(text, HasSubstr("\ntikv-0  198.18.0.12"));
  EXPECT_THAT(text, HasSubstr("    | reserve-space = \"0\"\n"));
  EXPECT_THAT(text, HasSubstr("stop order: tidb, tikv, pd\n"));
  const auto json = dry_run_json(topology, plan);
  EXPECT_EQ(json.at("commands").at("pd-0").as_string(), command_line(*plan.find("pd-0")));
  EXPECT_EQ(plan_from_json(json.at("plan")).instances.size(), plan.instances.size());
}

}  // namespace
}  // namespace tinet
