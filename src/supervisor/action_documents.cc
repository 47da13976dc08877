#include "src/supervisor/action_documents.h"

#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/value_from.hpp>

namespace tinet {

namespace json = boost::json;

namespace {

/// A whole number where it is one: 5, not 5E0.
json::value milliseconds(Nanoseconds time) {
  constexpr std::int64_t kPerMillisecond = 1'000'000;
  const std::int64_t count = time.count();
  if (count % kPerMillisecond == 0) {
    return count / kPerMillisecond;
  }
  return static_cast<double>(count) / static_cast<double>(kPerMillisecond);
}

void put_share(json::object& document, std::string_view name, Ppm share) {
  if (share.value > 0) {
    document[name] = format_percent(share);
  }
}

void put_delay(json::object& document, const Delay& delay) {
  document["delay_ms"] = milliseconds(delay.delay);
  if (delay.jitter.count() > 0) {
    document["jitter_ms"] = milliseconds(delay.jitter);
    document["distribution"] = to_string(delay.distribution);
    put_share(document, "correlation", delay.correlation);
  }
}

void put_rate(json::object& document, const Rate& rate) {
  document["rate"] = format_bitrate(rate.bits_per_second);
  document["rate_bits"] = rate.bits_per_second;
  if (rate.burst_bytes > 0) {
    document["rate_burst_bytes"] = rate.burst_bytes;
  }
  if (rate.queue_packets > 0) {
    document["rate_queue_packets"] = rate.queue_packets;
  }
}

/// Keeps all packets away.
bool stops_all(const LinkAction& action) {
  return action.cut || action.hold || action.loss >= kAlways;
}

/// Some packets do not arrive, or arrive broken.
bool loses(const LinkAction& action) {
  return stops_all(action) || action.loss.value > 0 || action.lost_replies.value > 0 ||
         !action.bursts.empty() || action.corrupt.value > 0;
}

}  // namespace

json::object action_document(const LinkAction& action) {
  json::object document;
  if (action.cut) {
    document["cut"] = to_string(*action.cut);
  }
  put_share(document, "loss", action.loss);
  put_share(document, "lost_replies", action.lost_replies);
  if (!action.bursts.empty()) {
    json::array bursts;
    for (const auto& burst : action.bursts) {
      bursts.push_back(
          json::object{{"begin", format_percent(burst.begin)}, {"end", format_percent(burst.end)}});
    }
    document["bursts"] = std::move(bursts);
  }
  if (action.delay) {
    put_delay(document, *action.delay);
  }
  put_share(document, "duplicate", action.duplicate);
  put_share(document, "corrupt", action.corrupt);
  if (action.silent_corruption) {
    document["silent"] = true;
  }
  put_share(document, "reorder", action.reorder);
  if (action.rate) {
    put_rate(document, *action.rate);
  }
  if (action.hold) {
    document["hold"] = true;
  }
  return document;
}

json::object match_document(const Match& match) {
  json::object document;
  if (match.protocol != Protocol::Any) {
    document["protocol"] = to_string(match.protocol);
  }
  if (!match.to_ports.empty()) {
    document["to_ports"] = json::value_from(match.to_ports);
  }
  if (!match.from_ports.empty()) {
    document["from_ports"] = json::value_from(match.from_ports);
  }
  if (match.connections != Connections::All) {
    document["connections"] = to_string(match.connections);
  }
  if (match.first) {
    document["first"] = *match.first;
  }
  if (match.after_bytes) {
    document["after_bytes"] = *match.after_bytes;
  }
  return document;
}

json::object effect_document(const Effect& effect) {
  json::object document = action_document(combined(effect));
  json::array scoped;
  for (const auto& clause : effect.clauses) {
    if (!clause.match.everything()) {
      json::object part = action_document(clause.action);
      part["match"] = match_document(clause.match);
      scoped.push_back(std::move(part));
    }
  }
  if (!scoped.empty()) {
    document["scoped"] = std::move(scoped);
  }
  return document;
}

std::string_view reachability(const Effect& effect) {
  if (stops_all(combined(effect))) {
    return "no";
  }
  for (const auto& clause : effect.clauses) {
    if (loses(clause.action)) {
      return "partial";
    }
  }
  return "yes";
}

}  // namespace tinet
