#pragma once
/// A ClusterPlan is one cluster, fully worked out: every instance with its address, command line,
/// files and checks, all templates rendered. The command line makes it from a topology and flags
/// (src/topology); the supervisor executes it and reads nothing else. Values only, no system calls.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "src/model/address.h"

namespace tinet {

/// A named port of an instance, e.g. {"client", 2379}.
struct ServicePort {
  std::string name;
  std::uint16_t port = 0;
};

/// A file that tinet writes before the instance starts, owned by the invoking user.
struct PlanFile {
  std::string path;  ///< absolute
  std::string content;
};

enum class JsonOp { Exists, Absent, Equals, NotEquals, AtLeast };

/// One condition on a JSON document.
struct JsonCondition {
  std::string pointer;  ///< RFC 6901, relative to the document or to an element of `in`
  JsonOp op = JsonOp::Exists;
  std::string value;  ///< compared as text for strings, as number for numbers
};

/// A group of conditions: all hold for the document, or, when `in` is not empty, all hold for at
/// least one element of the array at pointer `in`.
struct JsonExpectation {
  std::string in;
  std::vector<JsonCondition> conditions;
};

/// GET or POST of a service, made from inside the asked instance's own namespace.
struct HttpCheck {
  std::string component;  ///< ask instances of this component (any good answer counts); empty: the
                          ///< instance itself
  std::string service;
  std::string method = "GET";
  std::string path = "/";
  std::map<std::string, std::string> headers;
  std::string body;
  int status = 200;
  std::vector<JsonExpectation> json;
};

/// What one instance must show before it counts as ready. All members that are set must hold.
struct ReadyCheck {
  std::vector<HttpCheck> http;
  std::vector<std::string> tcp;      ///< services that accept a connection
  std::string log_regex;             ///< ECMAScript, matched per line of the log since this start
  std::vector<std::string> exec;     ///< command inside the instance; status 0 is ready
  std::int64_t timeout_ms = 60'000;  ///< from the start of the process
};

/// How an instance is stopped: signal, then SIGKILL to the whole tree after the grace.
struct StopSpec {
  int signal = 15;
  std::int64_t grace_ms = 10'000;
  /// Wait statuses that count as a clean end besides "killed by the signal that was sent".
  std::vector<int> clean_exit_codes = {0};
};

struct InstancePlan {
  std::string name;       ///< "tikv-0"
  std::string component;  ///< "tikv"
  int index = 0;
  std::string zone;  ///< empty when none was given
  Ipv4 address;
  std::optional<Ipv6> address6;
  /// Where its programs listen: `address`, but behind a relay (backend proxy) one of their own.
  Ipv4 listen_address;

  std::string program;                     ///< absolute path of the binary, as the caller sees it
  std::string version;                     ///< as found out by the caller; may be empty
  std::vector<std::string> args;           ///< without argv[0]
  std::map<std::string, std::string> env;  ///< complete environment of the child
  std::string directory;  ///< DATA/INSTANCE, absolute; holds data, tmp and rendered files
  std::string log;        ///< absolute path of the log that stdout and stderr go to
  std::vector<std::string> directories;  ///< further directories to make, absolute
  std::vector<PlanFile> files;
  std::vector<ServicePort> services;
  ReadyCheck ready;
  StopSpec stop;
  /// Paths under /tmp that the instance must still see; words of the command line are among them,
  /// so a path may not exist.
  std::vector<std::string> keep_visible;

  [[nodiscard]] std::optional<std::uint16_t> port_of(std::string_view service) const;
};

/// Instances that start together once all components in `after` are ready.
struct ComponentPlan {
  std::string name;
  std::vector<std::string> after;
  /// Start the first instance alone and the rest when it is ready (facts: two TiDBs at first boot).
  bool first_alone = false;
  /// Conditions on the whole component once each instance is ready (e.g. all regions replicated).
  /// A check without a component must hold for every instance of this one.
  std::vector<HttpCheck> settled;
  std::int64_t settled_timeout_ms = 60'000;
};

/// How roles are found: a driver of src/topology/roles.h and its settings.
struct RoleSource {
  std::string driver;     ///< "etcd-raft", "pd", "tikv-region", "tidb-owner", "refstore"
  std::string component;  ///< whose instances are asked
  std::string service;    ///< on which port
  std::string prefix;     ///< "etcd" gives etcd-leader and etcd-follower
};

/// 127.0.0.1:PORT of the host, forwarded to a service.
struct PublishSpec {
  std::string instance;
  std::string service;
  std::uint16_t port = 0;
  bool explicit_port = false;  ///< taken: error 4; a default one moves to a free port instead
};

/// Who the instances run as; also the owner of every file outside the state directory.
struct PlanUser {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;
  std::string name;
  std::string home;
};

struct ClusterPlan {
  std::string tag = "default";
  std::string topology;          ///< name, e.g. "tidb"
  std::string store = "real";    ///< "real" or "reference"
  std::string backend = "auto";  ///< "auto", "netns", "rootless", "proxy"
  Subnet subnet;
  Ipv4 gateway;  ///< the address every instance has its one permanent neighbour for
  bool ipv6 = false;
  Ipv4 client_address;
  std::optional<Ipv6> client_address6;
  Ipv4 host_address;  ///< of the endpoint "host", after the client; used with host_link
  PlanUser user;
  std::string state_dir;
  std::string data_dir;
  std::string log_dir;
  bool keep_data = false;
  bool host_link = false;            ///< join the host to the fabric as endpoint "host"
  std::string on_failure = "clean";  ///< or "keep"
  bool paused = false;               ///< network and faults only, no process
  std::int64_t start_timeout_ms = 120'000;
  std::optional<std::int64_t> ttl_ms;
  /// Longest wait of a TCP connection before it sends again, 1000..120000: how soon connections of
  /// instances come back after a cut. Needs net.ipv4.tcp_rto_max_ms (Linux 6.15).
  std::optional<std::int64_t> tcp_rto_max_ms;
  /// Backend proxy: where Toxiproxy's API is served, "127.0.0.1:8474"; empty: nowhere.
  std::string toxiproxy_api;
  std::vector<InstancePlan> instances;  ///< in topology order; index in here = endpoint number
  std::vector<ComponentPlan> components;
  std::vector<std::string> stop_order;  ///< components, first stopped first
  std::vector<RoleSource> roles;
  std::vector<PublishSpec> publish;
  /// Printed at the end of start; fill_published() of src/topology/render.h then puts the ports
  /// that were taken into {published:INSTANCE:SERVICE} and {published_port:INSTANCE:SERVICE}.
  std::vector<std::string> connect_lines;

  [[nodiscard]] const InstancePlan* find(std::string_view instance) const;
};

[[nodiscard]] boost::json::value to_json(const ClusterPlan& plan);
/// @throws Error Usage naming the member that is missing or of the wrong type
[[nodiscard]] ClusterPlan plan_from_json(const boost::json::value& document);

}  // namespace tinet
