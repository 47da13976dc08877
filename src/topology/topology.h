#pragma once
/// A topology: which components a cluster has and how their instances start, as data. It is read
/// from a YAML file (src/topology/README.md lists every key); the built-in ones are such files too.
/// Parsing is strict: unknown keys, wrong types and duplicate keys are errors with file and line.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "src/model/plan.h"
#include "src/topology/expression.h"
#include "src/topology/template.h"

namespace tinet {

/// A text that is used only when its condition holds.
struct ConditionalText {
  std::optional<Condition> when;
  Template text;
};

/// A setting of a program's configuration: dotted key and its value as text of the file's format.
struct SettingSpec {
  std::optional<Condition> when;
  std::vector<std::string> key;
  Template value;                  ///< scalar
  std::vector<Template> elements;  ///< sequence, when `is_list`
  bool is_list = false;
  bool is_text = false;  ///< quoted in TOML; numbers and booleans are not
};

enum class ConfigFormat { Toml, Yaml, Text };

/// The configuration file of a component's program.
struct ConfigSpec {
  std::string file;  ///< name in the instance's directory
  ConfigFormat format = ConfigFormat::Toml;
  std::vector<SettingSpec> settings;
  Template text;  ///< whole content for ConfigFormat::Text; the user's file replaces it
  std::vector<std::string> owned;  ///< dotted keys that the user may not set
  /// Settings are passed as "--key=value" and no file is written, unless the user gives one: then
  /// the merged file is written and `file_args` replace them, and --X.args is refused, because
  /// such programs ignore all other flags (etcd).
  bool as_flags = false;
  std::vector<Template> file_args;
};

struct JsonConditionSpec {
  std::string pointer;
  JsonOp op = JsonOp::Exists;
  Template value;
};

struct JsonExpectationSpec {
  std::string in;
  std::vector<JsonConditionSpec> conditions;
};

/// HttpCheck with templates.
struct HttpCheckSpec {
  std::string component;
  std::string service;
  std::string method = "GET";
  Template path;
  std::map<std::string, Template> headers;
  Template body;
  int status = 200;
  std::vector<JsonExpectationSpec> json;
  SourcePlace place;
};

struct ReadySpec {
  bool process = false;  ///< running is enough
  std::vector<HttpCheckSpec> http;
  std::vector<std::string> tcp;
  std::string log_regex;
  std::vector<Template> exec;
  std::int64_t timeout_ms = 60'000;
};

struct ComponentSpec {
  std::string name;
  SourcePlace place;
  int count = 1;
  std::string program;                ///< absolute, or a name to look up
  std::vector<std::string> binaries;  ///< further names to look up, in order
  std::string env_var;                ///< e.g. TINET_TIKV_PATH
  std::vector<ConditionalText> args;
  std::vector<std::pair<std::string, Template>> env;
  std::vector<ServicePort> services;
  std::vector<std::string> after;
  std::vector<std::string> needs;  ///< components that must have at least one instance
  bool first_alone = false;
  std::optional<ConfigSpec> config;
  std::vector<std::pair<std::string, Template>> files;  ///< further files: name and content
  ReadySpec ready;
  std::vector<HttpCheckSpec> settled;
  std::int64_t settled_timeout_ms = 60'000;
  StopSpec stop;
  std::vector<ConditionalText> connect;  ///< for the first instance
  std::vector<std::string> publish;      ///< services published by default
  std::string reference_role;  ///< first argument of tinet-refstore in place of the program

  [[nodiscard]] std::optional<std::uint16_t> port_of(std::string_view service) const;
  /// program, then `binaries`, when they are names; empty for an absolute program.
  [[nodiscard]] std::vector<std::string> binary_names() const;
};

/// A role driver and for which store it is meant.
struct RoleSpec {
  RoleSource source;
  std::string store;  ///< "real", "reference", or empty for both
  SourcePlace place;
};

struct Topology {
  std::string name;
  std::string source;        ///< the YAML text
  std::string file;          ///< as named in errors
  bool tiup = false;         ///< binaries are also searched in tiup's components
  std::string install_hint;  ///< what to do when a program is missing
  std::vector<std::pair<std::string, VarSpec>> vars;
  std::vector<ComponentSpec> components;  ///< in the file's order; the order of addresses
  std::vector<std::string> stop_order;    ///< default: the reverse of the start order
  std::vector<RoleSpec> roles;

  [[nodiscard]] const ComponentSpec* find(std::string_view component) const;
  [[nodiscard]] std::vector<std::string> component_names() const;
};

/// @param file how errors call the text
/// @throws Error Usage "FILE:LINE: ..." for everything that is not a valid topology
[[nodiscard]] Topology parse_topology(std::string_view text, const std::string& file);

/// "tidb", "etcd".
[[nodiscard]] std::vector<std::string> builtin_topology_names();
/// The YAML text of a built-in topology, or of an alias ("cluster" is "tidb"); nullopt when
/// unknown.
[[nodiscard]] std::optional<std::string_view> builtin_topology_text(std::string_view name);
/// @throws Error Usage with the nearest name when `name` is neither built-in nor an alias
[[nodiscard]] Topology builtin_topology(std::string_view name);
/// True for words that mean a file: they hold a '/' or end in .yaml or .yml.
[[nodiscard]] bool names_topology_file(std::string_view word);

}  // namespace tinet
