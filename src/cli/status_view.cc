#include "src/cli/status_view.h"

#include <charconv>
#include <ctime>

#include <boost/json.hpp>

#include "src/base/text.h"
#include "src/cli/fault_view.h"
#include "src/cli/json_view.h"

namespace tinet::cli {

namespace json = boost::json;

namespace {

std::string headline(const json::value& status, bool color) {
  const std::string state = text_of(status, "state");
  std::string line =
      "cluster '" + text_of(status, "tag") + "' is " + paint(state, state_color(state), color);
  std::string facts = text_of(status, "topology");
  for (const char* member : {"backend", "subnet"}) {
    const std::string fact = text_of(status, member);
    facts += fact.empty() ? "" : ", " + fact;
  }
  line += facts.empty() ? "" : " (" + facts + ")";
  if (text_of(status, "store") == "reference") {
    line += "\nthe store is tinet's reference store, not TiDB";
  }
  return line + "\n";
}

Color network_color(std::string_view network) {
  if (network == "cut") {
    return Color::Red;
  }
  return network == "impaired" ? Color::Yellow : Color::None;
}

/// "client 127.0.0.1:4000"
std::string published_text(const json::value& instance) {
  std::vector<std::string> parts;
  if (const auto* published = member_of(instance, "published").if_object()) {
    for (const auto& [service, address] : *published) {
      if (const auto* text = address.if_string()) {
        parts.push_back(std::string(service) + " " + std::string(*text));
      }
    }
  }
  return join(parts, ", ");
}

std::vector<Cell> instance_row(const json::value& instance) {
  const std::string state = text_of(instance, "state");
  const std::string network = text_of(instance, "network");
  const auto pid = number_of(instance, "pid");
  const auto restarts = number_of(instance, "restarts");
  return {{text_of(instance, "name")},       {join(texts_of(instance, "roles"), ",")},
          {state, state_color(state)},       {pid.value_or(0) > 0 ? std::to_string(*pid) : ""},
          {text_of(instance, "address")},    {text_of(instance, "zone")},
          {network, network_color(network)}, {std::to_string(restarts.value_or(0))},
          {published_text(instance)},        {text_of(instance, "waiting_for"), Color::Dim}};
}

}  // namespace

Color state_color(std::string_view state) {
  if (state == "ready") {
    return Color::Green;
  }
  if (state == "crashed" || state == "failed") {
    return Color::Red;
  }
  return state == "running" || state == "planned" ? Color::None : Color::Yellow;
}

std::string status_text(const json::value& status, bool color) {
  std::string text = headline(status, color);
  Table table({"NAME", "ROLE", "STATE", "PID", "ADDRESS", "ZONE", "NETWORK", "RESTARTS",
               "PUBLISHED", "WAITING FOR"});
  for (const auto& instance : array_of(status, "instances")) {
    table.row(instance_row(instance));
  }
  text += "\n" + table.render(color);
  const auto drift = texts_of(status, "drift");
  const auto& faults = array_of(status, "faults");
  if (!faults.empty() || !drift.empty()) {
    text += "\n";
  }
  for (const auto& what : drift) {
    text += paint("the network is not as it should be: " + what, Color::Red, color) + "\n";
  }
  for (const auto& fault : faults) {
    text += fault_line(fault) + "\n";
  }
  return text;
}

std::string list_text(const json::value& clusters, bool color) {
  Table table({"TAG", "STATE", "BACKEND", "OWNER", "STARTED"});
  for (const auto& cluster : elements(clusters)) {
    const std::string state = text_of(cluster, "state");
    const auto started = number_of(cluster, "started_at_unix_ms");
    table.row({{text_of(cluster, "tag")},
               {state, state_color(state)},
               {text_of(cluster, "backend")},
               {text_of(cluster, "owner")},
               {started ? local_time(*started) : ""}});
  }
  return elements(clusters).empty() ? "" : table.render(color);
}

std::map<std::string, std::uint16_t> published_ports(const json::value& status) {
  std::map<std::string, std::uint16_t> ports;
  for (const auto& instance : array_of(status, "instances")) {
    const auto* published = member_of(instance, "published").if_object();
    if (published == nullptr) {
      continue;
    }
    for (const auto& [service, address] : *published) {
      const std::string text = address.is_string() ? std::string(address.get_string()) : "";
      const std::size_t digits = text.rfind(':') + 1;
      std::uint16_t port = 0;
      const auto [end, error] =
          std::from_chars(text.data() + digits, text.data() + text.size(), port);
      if (error == std::errc{} && digits > 0) {
        ports[text_of(instance, "name") + ":" + std::string(service)] = port;
      }
    }
  }
  return ports;
}

std::string local_time(std::int64_t unix_ms) {
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  char text[32];
  const std::size_t length = std::strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts);
  return {text, length};
}

}  // namespace tinet::cli
