#include "src/topology/overlay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/topology/toml.h"
#include "tests/unit/topology/plans.h"

namespace tinet {
namespace {

using test::failure_of;
using ::testing::HasSubstr;

const std::vector<Setting> kSettings = {
    {{"log-level"}, "info", {}, false, true},
    {{"storage", "reserve-space"}, "0", {}, false, true},
    {{"storage", "block-cache", "capacity"}, "128MB", {}, false, true},
    {{"replication", "location-labels"}, "", {"zone"}, true, true},
    {{"raftdb", "max-open-files"}, "256", {}, false, false},
};
const std::vector<std::string> kOwned = {"data-dir", "server.addr", "storage.data-dir"};

std::string toml(const std::string& user) {
  const UserConfig config{"my.toml", user};
  return render_config(ConfigFormat::Toml, kSettings, kOwned, &config, "--tikv.config");
}

std::string toml_error(const std::string& user) {
  return failure_of([&] { toml(user); }).message;
}

TEST(TomlOverlay, WritesTheSettingsAlone) {
  EXPECT_EQ(render_config(ConfigFormat::Toml, kSettings, kOwned, nullptr, "--tikv.config"),
            "log-level = \"info\"\n"
            "\n[storage]\nreserve-space = \"0\"\n"
            "\n[storage.block-cache]\ncapacity = \"128MB\"\n"
            "\n[replication]\nlocation-labels = [\"zone\"]\n"
            "\n[raftdb]\nmax-open-files = 256\n");
}

TEST(TomlOverlay, LetsTheUserWinKeyByKey) {
  EXPECT_EQ(toml("# mine\n"
                 "log-level = 'debug' # loud\n"
                 "storage.reserve-space = \"1GB\"\n"
                 "[storage.block-cache]\n"
                 "shared = true\n"
                 "[gc]\n"
                 "ratio = 1.5e3\n"),
            "log-level = 'debug'\n"
            "\n[storage]\nreserve-space = \"1GB\"\n"
            "\n[storage.block-cache]\ncapacity = \"128MB\"\nshared = true\n"
            "\n[replication]\nlocation-labels = [\"zone\"]\n"
            "\n[raftdb]\nmax-open-files = 256\n"
            "\n[gc]\nratio = 1.5e3\n");
}

TEST(TomlOverlay, TakesInlineTablesApart) {
  const auto text = toml("storage = { block-cache = { capacity = \"1GB\" }, x = [1, {y = 2}] }\n");
  EXPECT_THAT(text, HasSubstr("capacity = \"1GB\"\n"));
  EXPECT_THAT(text, HasSubstr("x = [1, {y = 2}]\n"));
  EXPECT_THAT(text, HasSubstr("reserve-space = \"0\"\n"));
}

TEST(TomlOverlay, KeepsArraysAndLongStringsAsTheyAre) {
  const std::string list = "[\n  \"a\", # one\n  \"]b\",\n]";
  const std::string text = "\"\"\"x = 1\n[no]\n\"\"\"";
  const auto out = toml("[m]\nlist = " + list + "\ntext = " + text + "\nlast = 1979-05-27\n");
  EXPECT_THAT(out, HasSubstr("list = " + list + "\n"));
  EXPECT_THAT(out, HasSubstr("text = " + text + "\nlast = 1979-05-27\n"));
}

TEST(TomlOverlay, KeepsArraysOfTables) {
  const auto out = toml("[[rule]]\na = 1\n[rule.sub]\nb = 2\n[[rule]]\na = 3\n[gc]\nc = 4\n");
  EXPECT_THAT(out, HasSubstr("[gc]\nc = 4\n"));
  EXPECT_THAT(out, HasSubstr("\n[[rule]]\na = 1\n[rule.sub]\nb = 2\n\n[[rule]]\na = 3\n"));
}

TEST(TomlOverlay, ComparesKeysWithoutCase) {
  EXPECT_THAT(toml("Log-Level = \"warn\"\n"), HasSubstr("Log-Level = \"warn\"\n\n[storage]"));
  EXPECT_THAT(toml_error("[Server]\nADDR = \"x\"\n"), HasSubstr("which tinet decides"));
}

TEST(TomlOverlay, LetsATableReplaceAValueAndBack) {
  EXPECT_THAT(toml("log-level = {a = 1}\n"), HasSubstr("[log-level]\na = 1\n"));
  EXPECT_THAT(toml("raftdb = 7\n"), HasSubstr("raftdb = 7\n"));
}

TEST(TomlOverlay, RefusesKeysThatTinetOwns) {
  EXPECT_EQ(toml_error("a = 1\n\ndata-dir = \"/x\"\n"),
            "my.toml:3: --tikv.config sets 'data-dir', which tinet decides");
  EXPECT_EQ(toml_error("server = { addr = \"x\" }\n"),
            "my.toml:1: --tikv.config sets 'server.addr', which tinet decides");
  EXPECT_EQ(toml_error("server = 1\n"),
            "my.toml:1: --tikv.config sets 'server', which tinet decides");
  EXPECT_EQ(toml_error("\"data-dir\" = 1\n"),
            "my.toml:1: --tikv.config sets 'data-dir', which tinet decides");
  EXPECT_EQ(toml_error("[[storage.data-dir]]\n"),
            "my.toml:1: --tikv.config sets 'storage.data-dir', which tinet decides");
}

TEST(TomlOverlay, RefusesMalformedFilesWithTheirLine) {
  EXPECT_EQ(toml_error("a = 1\na = 2\n"), "my.toml:2: key 'a' is given twice");
  EXPECT_EQ(toml_error("[t]\n[t]\n"), "my.toml:2: table 't' is given twice");
  EXPECT_EQ(toml_error("a = 1\na.b = 2\n"), "my.toml:2: key 'a' is both a value and a table");
  EXPECT_EQ(toml_error("a\n"), "my.toml:1: '=' is missing after 'a'");
  EXPECT_EQ(toml_error("a = hello\n"), "my.toml:1: 'hello' is not a value");
  EXPECT_EQ(toml_error("a =\n"), "my.toml:1: a value is missing");
  EXPECT_EQ(toml_error("a = \"x\n"), "my.toml:1: unfinished string");
  EXPECT_EQ(toml_error("a = [1\n"), "my.toml:2: ',' or ']' is missing in an array");
  EXPECT_EQ(toml_error("a = 1 b = 2\n"), "my.toml:1: '1 b = 2' is not a value");
  EXPECT_EQ(toml_error("a = \"1\" b\n"), "my.toml:1: unexpected text after a value: 'b'");
  EXPECT_EQ(toml_error("[a\n"), "my.toml:1: ']' is missing after 'a'");
  EXPECT_EQ(toml_error("= 1\n"), "my.toml:1: a key is missing at '= 1'");
}

TEST(TomlString, EscapesWhatNeedsIt) {
  EXPECT_EQ(detail::toml_string("a\"b\\c\n"), "\"a\\\"b\\\\c\\u000A\"");
}

std::string yaml(const std::string& user) {
  const UserConfig config{"my.yaml", user};
  const std::vector<Setting> settings = {
      {{"name"}, "etcd-0", {}, false, true},         {{"logger"}, "zap", {}, false, true},
      {{"tls", "auto"}, "false", {}, false, false},  {{"tls", "mode"}, "on", {}, false, true},
      {{"log-outputs"}, "", {"stderr"}, true, true},
  };
  return render_config(ConfigFormat::Yaml, settings, {"name", "tls.file"}, &config,
                       "--etcd.config");
}

TEST(YamlOverlay, LetsTheUserWinKeyByKey) {
  EXPECT_EQ(yaml("logger: capnslog\ntls: {auto: true}\nquota: \"12\"\nlist: [a, \"1\"]\n"),
            "name: \"etcd-0\"\n"
            "logger: capnslog\n"
            "tls:\n"
            "  auto: true\n"
            "  mode: \"on\"\n"
            "log-outputs:\n"
            "  - \"stderr\"\n"
            "quota: \"12\"\n"
            "list:\n"
            "  - a\n"
            "  - \"1\"\n");
  EXPECT_THAT(yaml(""), HasSubstr("logger: \"zap\"\n"));
}

TEST(YamlOverlay, RefusesOwnedAndMalformed) {
  const auto message = [](const std::string& user) {
    return failure_of([&] { static_cast<void>(yaml(user)); }).message;
  };
  EXPECT_EQ(message("a: 1\nname: x\n"),
            "my.yaml:2: --etcd.config sets 'name', which tinet decides");
  EXPECT_EQ(message("tls: 1\n"), "my.yaml:1: --etcd.config sets 'tls', which tinet decides");
  EXPECT_EQ(message("a: 1\na: 2\n"), "my.yaml:2: duplicate key 'a'");
  EXPECT_THAT(message("- a\n"), HasSubstr("must be a mapping, but is a list"));
  EXPECT_THAT(message("a: [\n"), HasSubstr("my.yaml:2: not valid YAML"));
  EXPECT_THAT(message("x: &a {b: *a}\n"), HasSubstr("nests too deep"));
}

}  // namespace
}  // namespace tinet
