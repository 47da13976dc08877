#include "src/topology/render.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/topology/layout.h"
#include "src/topology/overlay.h"

namespace tinet {
namespace {

using detail::Layout;
using detail::Place;
using detail::PlanScope;

/// Whether an address stands in a text and is not the beginning of another one.
bool contains_word(const std::string& text, const std::string& address) {
  for (auto at = text.find(address); at != std::string::npos; at = text.find(address, at + 1)) {
    const std::size_t end = at + address.size();
    const bool goes_on = end < text.size() && text[end] >= '0' && text[end] <= '9';
    const bool is_tail =
        at > 0 && ((text[at - 1] >= '0' && text[at - 1] <= '9') || text[at - 1] == '.');
    if (!goes_on && !is_tail) {
      return true;
    }
  }
  return false;
}

bool applies(const std::optional<Condition>& when, const TemplateScope& scope) {
  return !when || holds(*when, scope);
}

HttpCheck render_check(const HttpCheckSpec& spec, const TemplateScope& scope) {
  HttpCheck check;
  check.component = spec.component;
  check.service = spec.service;
  check.method = spec.method;
  check.path = spec.path.expand(scope);
  check.body = spec.body.expand(scope);
  check.status = spec.status;
  for (const auto& [name, value] : spec.headers) {
    check.headers.emplace(name, value.expand(scope));
  }
  for (const auto& group : spec.json) {
    JsonExpectation expectation{group.in, {}};
    for (const auto& condition : group.conditions) {
      expectation.conditions.push_back(
          {condition.pointer, condition.op, condition.value.expand(scope)});
    }
    check.json.push_back(std::move(expectation));
  }
  return check;
}

/// Renders one instance; keeps what every step needs at hand.
class InstanceRenderer {
 public:
  InstanceRenderer(const Layout& layout, const Place& place, const ComponentOptions& flags,
                   const Environment& environment)
      : place_(place),
        spec_(*place.spec),
        flags_(flags),
        environment_(environment),
        scope_(layout, &place) {}

  InstancePlan run() {
    plan_.name = place_.name;
    plan_.component = spec_.name;
    plan_.index = place_.index;
    plan_.zone = place_.zone;
    plan_.address = place_.address;
    plan_.listen_address = place_.listen_address;
    plan_.directory = place_.directory;
    plan_.log = place_.log;
    plan_.directories = {scope_.value("data_dir"), scope_.value("tmp_dir")};
    plan_.services = spec_.services;
    plan_.stop = spec_.stop;
    set_program();
    set_args_and_files();
    set_env();
    set_ready();
    set_keep_visible();
    check_listens_behind_relay();
    return std::move(plan_);
  }

 private:
  [[nodiscard]] std::string flag(const char* word) const { return "--" + spec_.name + word; }

  void set_program() {
    const auto found = environment_.binaries.by_component.find(spec_.name);
    if (found == environment_.binaries.by_component.end()) {
      throw_unavailable("no program is known for '" + spec_.name + "'",
                        "name it with " + flag(".path"));
    }
    plan_.program = found->second.path;
    plan_.version = found->second.version;
    plan_.args = found->second.prefix;
  }

  void set_args_and_files() {
    for (const auto& arg : spec_.args) {
      if (applies(arg.when, scope_)) {
        plan_.args.push_back(arg.text.expand(scope_));
      }
    }
    set_config();
    for (const auto& [name, content] : spec_.files) {
      plan_.files.push_back({place_.directory + "/" + name, content.expand(scope_)});
    }
    for (const auto& text : flags_.args) {
      const auto words = split_shell_words(text, flag(".args"));
      plan_.args.insert(plan_.args.end(), words.begin(), words.end());
    }
  }

  [[nodiscard]] std::vector<Setting> settings() const {
    std::vector<Setting> settings;
    for (const auto& spec : spec_.config->settings) {
      if (!applies(spec.when, scope_)) {
        continue;
      }
      Setting setting{spec.key, spec.value.expand(scope_), {}, spec.is_list, spec.is_text};
      for (const auto& element : spec.elements) {
        setting.elements.push_back(element.expand(scope_));
      }
      settings.push_back(std::move(setting));
    }
    return settings;
  }

  void set_config() {
    const UserConfig* user = flags_.config ? &*flags_.config : nullptr;
    if (!spec_.config) {
      if (user != nullptr) {
        throw_usage(flag(".config") + ": '" + spec_.name + "' has no configuration file",
                    "the topology describes it by 'config'; pass flags with " + flag(".args"));
      }
      return;
    }
    const auto& config = *spec_.config;
    const std::string path = place_.directory + "/" + config.file;
    if (config.format == ConfigFormat::Text) {
      plan_.files.push_back({path, user != nullptr ? user->content : config.text.expand(scope_)});
    } else if (config.as_flags && user == nullptr) {
      add_setting_flags();
    } else {
      plan_.files.push_back(
          {path, render_config(config.format, settings(), config.owned, user, flag(".config"))});
      if (config.as_flags) {
        add_file_args();
      }
    }
  }

  void add_setting_flags() {
    for (const auto& setting : settings()) {
      plan_.args.push_back("--" + join(setting.key, ".") + "=" +
                           (setting.is_list ? join(setting.elements, ",") : setting.value));
    }
  }

  void add_file_args() {
    if (!flags_.args.empty()) {
      throw_usage(flag(".args") + " and " + flag(".config") +
                      " exclude each other: with a file, '" + spec_.program + "' ignores its flags",
                  "put the settings into the file");
    }
    for (const auto& arg : spec_.config->file_args) {
      plan_.args.push_back(arg.expand(scope_));
    }
  }

  void set_env() {
    auto& env = plan_.env;
    for (const char* name : {"PATH", "HOME", "USER", "LANG", "TERM"}) {
      const auto found = environment_.variables.find(name);
      if (found != environment_.variables.end()) {
        env[name] = found->second;
      }
    }
    env.try_emplace("PATH", "/usr/local/bin:/usr/bin:/bin");
    // Under sudo, HOME and USER may still be root's; the instance runs as the invoking user.
    if (!environment_.user.home.empty()) {
      env["HOME"] = environment_.user.home;
    }
    if (!environment_.user.name.empty()) {
      env["USER"] = environment_.user.name;
    }
    for (const auto& [name, value] : spec_.env) {
      env[name] = value.expand(scope_);
    }
    if (place_.listen_address != place_.address) {
      // No /tmp of its own.
      env.try_emplace("TMPDIR", scope_.value("tmp_dir"));
    }
    for (const auto& word : flags_.env) {
      const auto equals = word.find('=');
      if (equals == std::string::npos || equals == 0) {
        throw_usage(flag(".env") + ": '" + word + "' is not KEY=VALUE",
                    "write e.g. " + flag(".env") + " GOGC=50");
      }
      env[word.substr(0, equals)] = word.substr(equals + 1);
    }
  }

  void set_ready() {
    for (const auto& check : spec_.ready.http) {
      plan_.ready.http.push_back(render_check(check, scope_));
    }
    plan_.ready.tcp = spec_.ready.tcp;
    plan_.ready.log_regex = spec_.ready.log_regex;
    plan_.ready.timeout_ms = spec_.ready.timeout_ms;
    for (const auto& word : spec_.ready.exec) {
      plan_.ready.exec.push_back(word.expand(scope_));
    }
  }

  void keep_visible(std::string path) {
    const auto covered = [&](const std::string& kept) {
      return path == kept || path.starts_with(kept + "/");
    };
    auto& kept = plan_.keep_visible;
    if (path.starts_with("/tmp/") && std::none_of(kept.begin(), kept.end(), covered)) {
      kept.push_back(std::move(path));
    }
  }

  void set_keep_visible() {
    keep_visible(environment_.working_dir);
    keep_visible(place_.directory);
    keep_visible(place_.log.substr(0, place_.log.rfind('/')));
    // The folder, not the file: a rebuilt program is a new file under the old name.
    keep_visible(plan_.program.substr(0, plan_.program.rfind('/')));
    keep_visible(plan_.program);
    for (const auto& arg : plan_.args) {
      const auto equals = arg.starts_with('-') ? arg.find('=') : std::string::npos;
      keep_visible(equals == std::string::npos ? arg : arg.substr(equals + 1));
    }
  }

  /// A program that listens at the relay's address could not start.
  void check_listens_behind_relay() const {
    const std::string address = to_string(place_.listen_address);
    const auto told = [&](const std::string& text) { return contains_word(text, address); };
    if (place_.listen_address == place_.address || plan_.services.empty() ||
        std::any_of(plan_.args.begin(), plan_.args.end(), told) ||
        std::any_of(plan_.env.begin(), plan_.env.end(),
                    [&](const auto& entry) { return told(entry.second); }) ||
        std::any_of(plan_.files.begin(), plan_.files.end(),
                    [&](const PlanFile& file) { return told(file.content); })) {
      return;
    }
    throw_unavailable("backend 'proxy' needs component '" + spec_.name +
                          "' to listen at {listen_ip}, which its topology does not mention: the "
                          "relay has {ip}",
                      "write {listen_ip} where the program is told where to listen, or use a "
                      "backend with namespaces");
  }

  const Place& place_;
  const ComponentSpec& spec_;
  const ComponentOptions& flags_;
  const Environment& environment_;
  PlanScope scope_;
  InstancePlan plan_;
};

std::vector<ComponentPlan> render_components(const Layout& layout) {
  std::vector<ComponentPlan> components;
  const PlanScope scope(layout);
  for (const auto& spec : layout.topology->components) {
    if (layout.counts.at(spec.name) == 0) {
      continue;
    }
    ComponentPlan component;
    component.name = spec.name;
    std::copy_if(spec.after.begin(), spec.after.end(), std::back_inserter(component.after),
                 [&](const auto& name) { return layout.counts.at(name) > 0; });
    component.first_alone = spec.first_alone;
    component.settled_timeout_ms = spec.settled_timeout_ms;
    for (const auto& check : spec.settled) {
      component.settled.push_back(render_check(check, scope));
    }
    components.push_back(std::move(component));
  }
  return components;
}

/// A line that speaks of a service that is not published works only inside the fabric.
std::string connect_line(const ConditionalText& line, const Place& place, const Layout& layout) {
  auto text = line.text.expand(PlanScope(layout, &place));
  for (const auto& hole : line.text.holes()) {
    const auto dot = hole.name.find('.');
    if (hole.name.starts_with("published") &&
        !layout.published.contains(place.name + ":" + hole.name.substr(dot + 1))) {
      const std::string tag = layout.tag == "default" ? "" : "-T " + layout.tag + " ";
      return "tinet " + tag + "exec client -- " + text;
    }
  }
  return text;
}

std::vector<std::string> connect_lines(const Layout& layout) {
  std::vector<std::string> lines;
  for (const auto& place : layout.places) {
    if (place.index != 0) {
      continue;
    }
    for (const auto& line : place.spec->connect) {
      if (applies(line.when, PlanScope(layout, &place))) {
        lines.push_back(connect_line(line, place, layout));
      }
    }
  }
  return lines;
}

void copy_options(const StartOptions& options, const Environment& environment, ClusterPlan& plan) {
  plan.tag = options.tag;
  plan.backend = options.backend;
  plan.ipv6 = options.ipv6;
  plan.host_link = options.host_link;
  plan.keep_data = options.keep_data || !options.data_dir.empty();
  plan.on_failure = options.on_failure;
  plan.paused = options.paused;
  plan.start_timeout_ms = options.timeout_ms;
  plan.ttl_ms = options.ttl_ms;
  plan.tcp_rto_max_ms = options.tcp_rto_max_ms;
  plan.toxiproxy_api = options.toxiproxy_api;
  plan.user = environment.user;
  plan.state_dir = environment.state_dir;
  plan.store = environment.binaries.store;
}

}  // namespace

ClusterPlan render(const Topology& topology, const StartOptions& options,
                   const Environment& environment) {
  const auto counts = instance_counts(topology, options);
  ClusterPlan plan;
  copy_options(options, environment, plan);
  plan.topology = topology.name;
  plan.publish = parse_publish(options.publish, topology, counts);
  const Layout layout = detail::make_layout(topology, options, environment, counts, plan.publish);
  plan.subnet = layout.subnet;
  plan.gateway = gateway_address(layout.subnet);
  plan.data_dir = layout.data_dir;
  plan.log_dir = layout.log_dir;
  const auto client = static_cast<std::uint32_t>(layout.places.size());
  plan.client_address = endpoint_address(layout.subnet, client);
  plan.host_address = endpoint_address(layout.subnet, client + 1);
  if (options.ipv6) {
    plan.client_address6 = endpoint_address6(client);
  }
  const ComponentOptions no_flags;
  for (const auto& place : layout.places) {
    const auto flags = options.components.find(place.spec->name);
    auto instance =
        InstanceRenderer(layout, place,
                         flags == options.components.end() ? no_flags : flags->second, environment)
            .run();
    if (options.ipv6) {
      instance.address6 = endpoint_address6(static_cast<std::uint32_t>(plan.instances.size()));
    }
    plan.instances.push_back(std::move(instance));
  }
  plan.components = render_components(layout);
  std::copy_if(topology.stop_order.begin(), topology.stop_order.end(),
               std::back_inserter(plan.stop_order),
               [&](const auto& name) { return counts.at(name) > 0; });
  for (const auto& role : topology.roles) {
    if (role.store.empty() || role.store == plan.store) {
      plan.roles.push_back(role.source);
    }
  }
  plan.connect_lines = connect_lines(layout);
  return plan;
}

}  // namespace tinet
