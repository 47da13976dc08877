#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <boost/pfr/tuple_size.hpp>

#include "src/base/error.h"
#include "src/model/json_read.h"
#include "src/model/plan.h"

namespace tinet {

namespace json = boost::json;

// Addresses are text in JSON; everything else is described member by member.
void tag_invoke(json::value_from_tag /*tag*/, json::value& out, const Ipv4& address) {
  out = to_string(address);
}
void tag_invoke(json::value_from_tag /*tag*/, json::value& out, const Ipv6& address) {
  out = to_string(address);
}
void tag_invoke(json::value_from_tag /*tag*/, json::value& out, const Subnet& subnet) {
  out = to_string(subnet);
}

namespace {

std::string text_of(const JsonReader& reader) {
  std::string text;
  reader.read(text);
  return text;
}

}  // namespace

void read_json(const JsonReader& reader, Ipv4& out) {
  out = parse_ipv4(text_of(reader), reader.path());
}
void read_json(const JsonReader& reader, Ipv6& out) {
  out = parse_ipv6(text_of(reader), reader.path());
}
void read_json(const JsonReader& reader, Subnet& out) {
  out = parse_subnet(text_of(reader), reader.path());
}

BOOST_DESCRIBE_STRUCT(ServicePort, (), (name, port))
BOOST_DESCRIBE_STRUCT(PlanFile, (), (path, content))
BOOST_DESCRIBE_ENUM(JsonOp, Exists, Absent, Equals, NotEquals, AtLeast)
BOOST_DESCRIBE_STRUCT(JsonCondition, (), (pointer, op, value))
BOOST_DESCRIBE_STRUCT(JsonExpectation, (), (in, conditions))
BOOST_DESCRIBE_STRUCT(HttpCheck, (),
                      (component, service, method, path, headers, body, status, json))
BOOST_DESCRIBE_STRUCT(ReadyCheck, (), (http, tcp, log_regex, exec, timeout_ms))
BOOST_DESCRIBE_STRUCT(StopSpec, (), (signal, grace_ms, clean_exit_codes))
BOOST_DESCRIBE_STRUCT(InstancePlan, (),
                      (name, component, index, zone, address, address6, listen_address, program,
                       version, args, env, directory, log, directories, files, services, ready,
                       stop, keep_visible))
BOOST_DESCRIBE_STRUCT(ComponentPlan, (), (name, after, first_alone, settled, settled_timeout_ms))
BOOST_DESCRIBE_STRUCT(RoleSource, (), (driver, component, service, prefix))
BOOST_DESCRIBE_STRUCT(PublishSpec, (), (instance, service, port, explicit_port))
BOOST_DESCRIBE_STRUCT(PlanUser, (), (uid, gid, groups, name, home))
BOOST_DESCRIBE_STRUCT(ClusterPlan, (),
                      (tag, topology, store, backend, subnet, gateway, ipv6, client_address,
                       client_address6, host_address, user, state_dir, data_dir, log_dir, keep_data,
                       host_link, on_failure, paused, start_timeout_ms, ttl_ms, tcp_rto_max_ms,
                       toxiproxy_api, instances, components, stop_order, roles, publish,
                       connect_lines))

namespace {

/// A member that is not described would be lost without a word on its way to the supervisor.
template <typename... Structs>
constexpr bool describes_every_member() {
  using boost::describe::describe_members;
  using boost::describe::mod_public;
  return ((boost::mp11::mp_size<describe_members<Structs, mod_public>>::value ==
           boost::pfr::tuple_size_v<Structs>)&&...);
}
static_assert(describes_every_member<ServicePort, PlanFile, JsonCondition, JsonExpectation,
                                     HttpCheck, ReadyCheck, StopSpec, InstancePlan, ComponentPlan,
                                     RoleSource, PublishSpec, PlanUser, ClusterPlan>());

}  // namespace

json::value to_json(const ClusterPlan& plan) {
  return json::value_from(plan);
}

ClusterPlan plan_from_json(const json::value& document) {
  ClusterPlan plan;
  try {
    JsonReader(document, "plan").read(plan);
  } catch (const Error& error) {
    throw_usage(std::string("the cluster plan is malformed: ") + error.what(),
                "start the cluster with the tinet binary that made the plan");
  }
  return plan;
}

}  // namespace tinet
