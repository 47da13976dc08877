#include <boost/json.hpp>

#include "src/base/text.h"
#include "src/base/units.h"
#include "src/topology/render.h"

namespace tinet {
namespace {

std::string indented(std::string_view text, std::string_view indent) {
  std::string out;
  for (const auto& line :
       split(text.ends_with('\n') ? text.substr(0, text.size() - 1) : text, '\n')) {
    out += std::string(indent) + line + "\n";
  }
  return out;
}

std::string services_text(const InstancePlan& instance) {
  std::string text;
  for (const auto& service : instance.services) {
    text += (text.empty() ? "" : ", ") + service.name + " " + std::to_string(service.port);
  }
  return text;
}

std::string check_text(const HttpCheck& check) {
  return check.method + " " + (check.component.empty() ? "" : check.component + " ") +
         check.service + " " + check.path;
}

std::string ready_text(const ReadyCheck& ready) {
  std::vector<std::string> words;
  for (const auto& check : ready.http) {
    words.push_back(check_text(check));
  }
  for (const auto& service : ready.tcp) {
    words.push_back("tcp " + service);
  }
  if (!ready.log_regex.empty()) {
    words.push_back("log /" + ready.log_regex + "/");
  }
  if (!ready.exec.empty()) {
    std::string command = "exec";
    for (const auto& word : ready.exec) {
      command += " " + shell_quote(word);
    }
    words.push_back(std::move(command));
  }
  return words.empty() ? "running" : join(words, "; ");
}

std::string instance_text(const InstancePlan& instance) {
  std::string out = instance.name + "  " + to_string(instance.address);
  if (instance.address6) {
    out += "  " + to_string(*instance.address6);
  }
  if (!instance.zone.empty()) {
    out += "  zone " + instance.zone;
  }
  if (!instance.services.empty()) {
    out += "  (" + services_text(instance) + ")";
  }
  out += "\n  run    " + command_line(instance) + "\n";
  for (const auto& [name, value] : instance.env) {
    out += "  env    " + name + "=" + shell_quote(value) + "\n";
  }
  out += "  log    " + instance.log + "\n";
  out += "  ready  " + ready_text(instance.ready) + ", within " +
         format_duration(Milliseconds(instance.ready.timeout_ms)) + "\n";
  for (const auto& file : instance.files) {
    out += "  file   " + file.path + "\n" + indented(file.content, "    | ");
  }
  return out;
}

}  // namespace

std::string command_line(const InstancePlan& instance) {
  std::string line = shell_quote(instance.program);
  for (const auto& arg : instance.args) {
    line += " " + shell_quote(arg);
  }
  return line;
}

std::string dry_run_text(const Topology& topology, const ClusterPlan& plan) {
  std::string out = "# topology " + topology.name + " (" + topology.file + ")\n" + topology.source;
  out += topology.source.ends_with('\n') ? "" : "\n";
  out += "\n# cluster " + plan.tag + ": " + std::to_string(plan.instances.size()) +
         (plan.instances.size() == 1 ? " instance" : " instances") + ", store " + plan.store +
         ", network " + plan.backend + ", subnet " + to_string(plan.subnet) + "\n# data " +
         plan.data_dir + "\n";
  for (const auto& instance : plan.instances) {
    out += "\n" + instance_text(instance);
  }
  out += "\n";
  for (const auto& spec : plan.publish) {
    out += "publish 127.0.0.1:" + std::to_string(spec.port) + " -> " + spec.instance + " " +
           spec.service + "\n";
  }
  out += "stop order: " + join(plan.stop_order, ", ") + "\n";
  return out;
}

boost::json::value dry_run_json(const Topology& topology, const ClusterPlan& plan) {
  boost::json::object commands;
  for (const auto& instance : plan.instances) {
    commands[instance.name] = command_line(instance);
  }
  return {{"topology_source", topology.source},
          {"plan", to_json(plan)},
          {"commands", std::move(commands)}};
}

}  // namespace tinet
