#include "src/api/requests.h"

#include <boost/describe.hpp>
#include <boost/json.hpp>

#include "src/model/json_read.h"

namespace tinet::api {

namespace json = boost::json;

BOOST_DESCRIBE_STRUCT(ActionWords, (),
                      (loss_ppm, lost_replies_ppm, burst_begin_ppm, burst_end_ppm, delay_ns,
                       jitter_ns, distribution, table, correlation_ppm, duplicate_ppm, corrupt_ppm,
                       silent, reorder_ppm, rate_bits, rate_burst_bytes, rate_queue_packets))
BOOST_DESCRIBE_STRUCT(MatrixCell, (), (from, to, action))
BOOST_DESCRIBE_STRUCT(FaultRequest, (),
                      (kind, selector, peers, direction, each, between_zones, shape, matrix,
                       service, ports, protocol, packets, connections, first, after_bytes, mode,
                       action, rtt, flap_down_ms, flap_up_ms, flap_times, for_ms, seed, summary,
                       place, dry_run, verify_ms))
BOOST_DESCRIBE_STRUCT(ApplyRequest, (), (faults, dry_run))
BOOST_DESCRIBE_STRUCT(ReleaseRequest, (), (id, drop))
BOOST_DESCRIBE_STRUCT(HealRequest, (), (ids, selectors, require_effect, kick))
BOOST_DESCRIBE_STRUCT(InstanceRequest, (), (selector, signal, after_ms, for_ms, wait, seed))
BOOST_DESCRIBE_STRUCT(WaitRequest, (), (selector, ready, role, changed, fault_ended, timeout_ms))
BOOST_DESCRIBE_STRUCT(StopRequest, (), (keep_data, force))
BOOST_DESCRIBE_STRUCT(ExecRequest, (), (target, argv, env, cwd, tty))
BOOST_DESCRIBE_STRUCT(CaptureRequest, (), (target))

json::value to_json(const FaultRequest& request) {
  return json::value_from(request);
}
json::value to_json(const ApplyRequest& request) {
  return json::value_from(request);
}
json::value to_json(const ReleaseRequest& request) {
  return json::value_from(request);
}
json::value to_json(const HealRequest& request) {
  return json::value_from(request);
}
json::value to_json(const InstanceRequest& request) {
  return json::value_from(request);
}
json::value to_json(const WaitRequest& request) {
  return json::value_from(request);
}
json::value to_json(const StopRequest& request) {
  return json::value_from(request);
}
json::value to_json(const ExecRequest& request) {
  return json::value_from(request);
}
json::value to_json(const CaptureRequest& request) {
  return json::value_from(request);
}

template <typename Request>
Request parse_request(const json::value& body) {
  Request request;
  JsonReader(body, "request", Missing::Keep).read(request);
  return request;
}

template FaultRequest parse_request<FaultRequest>(const json::value&);
template ApplyRequest parse_request<ApplyRequest>(const json::value&);
template ReleaseRequest parse_request<ReleaseRequest>(const json::value&);
template HealRequest parse_request<HealRequest>(const json::value&);
template InstanceRequest parse_request<InstanceRequest>(const json::value&);
template WaitRequest parse_request<WaitRequest>(const json::value&);
template StopRequest parse_request<StopRequest>(const json::value&);
template ExecRequest parse_request<ExecRequest>(const json::value&);
template CaptureRequest parse_request<CaptureRequest>(const json::value&);

json::value to_json(const Error& error) {
  return {{"error",
           {{"kind", to_string(error.kind())},
            {"message", error.what()},
            {"hint", error.hint()},
            {"instance", error.instance()},
            {"log_tail", error.log_tail()}}}};
}

Error error_from_json(const json::value& document) {
  const auto* object = document.if_object();
  const auto* error = object == nullptr ? nullptr : object->if_contains("error");
  const auto* members = error == nullptr ? nullptr : error->if_object();
  if (members == nullptr) {
    return Error(ErrorKind::Operation, "the supervisor answered " + json::serialize(document));
  }
  const auto text = [&](std::string_view name) -> std::string {
    const auto* value = members->if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
  };
  Error parsed(error_kind_from(text("kind")), text("message"), text("hint"));
  parsed.about(text("instance"), text("log_tail"));
  return parsed;
}

}  // namespace tinet::api
