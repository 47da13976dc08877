#include "src/topology/validate.h"

#include <algorithm>
#include <set>

#include "src/topology/names.h"
#include "src/topology/roles.h"
#include "src/topology/yaml_reader.h"

namespace tinet::detail {
namespace {

bool contains(const std::vector<std::string>& all, const std::string& word) {
  return std::find(all.begin(), all.end(), word) != all.end();
}

std::vector<std::string> service_names(const ComponentSpec& component) {
  std::vector<std::string> names;
  for (const auto& service : component.services) {
    names.push_back(service.name);
  }
  return names;
}

/// One component under validation, with the topology around it.
class Validator {
 public:
  Validator(const Topology& topology, const ComponentSpec& spec)
      : topology_(topology), spec_(spec) {}

  void run() const;

 private:
  void component_exists(const std::string& name, const SourcePlace& place,
                        const std::string& what) const {
    const auto known = topology_.component_names();
    if (!contains(known, name)) {
      fail_at(place, what + " names unknown component '" + name + "'", suggestion(name, known));
    }
  }

  void service_exists(const ComponentSpec& owner, const std::string& name, const SourcePlace& place,
                      const std::string& what) const {
    if (!owner.port_of(name)) {
      fail_at(place, what + " names unknown service '" + name + "' of '" + owner.name + "'",
              suggestion(name, service_names(owner)));
    }
  }

  void check(const Template& text, NamePlace where = NamePlace::Instance) const {
    for (const auto& component : text.joined()) {
      component_exists(component, text.place(), "a join");
    }
    for (const auto& hole : text.holes()) {
      const bool joined = !hole.join.empty();
      const auto known = known_names(topology_, joined ? topology_.find(hole.join) : &spec_,
                                     joined ? NamePlace::Instance : where);
      if (!contains(known, hole.name)) {
        fail_at(text.place(), "unknown name '{" + hole.name + "}' in '" + text.text() + "'",
                suggestion(hole.name, known));
      }
    }
  }

  void check(const std::optional<Condition>& condition,
             NamePlace where = NamePlace::Instance) const {
    if (!condition) {
      return;
    }
    const auto known = known_names(topology_, &spec_, where);
    for (const auto& name : names_in(*condition)) {
      if (!contains(known, name)) {
        fail_at(condition->place, "unknown name '" + name + "' in a condition",
                suggestion(name, known));
      }
    }
  }

  void check(const HttpCheckSpec& http, const std::string& what,
             NamePlace where = NamePlace::Instance) const {
    const ComponentSpec* asked = &spec_;
    if (!http.component.empty()) {
      component_exists(http.component, http.place, what);
      asked = topology_.find(http.component);
    }
    service_exists(*asked, http.service, http.place, what);
    check(http.path, where);
    check(http.body, where);
    for (const auto& [name, header] : http.headers) {
      check(header, where);
    }
    for (const auto& group : http.json) {
      for (const auto& condition : group.conditions) {
        check(condition.value, where);
      }
    }
  }

  void check_config() const;
  void check_order() const;

  const Topology& topology_;
  const ComponentSpec& spec_;
};

void Validator::check_config() const {
  if (!spec_.config) {
    return;
  }
  check(spec_.config->text);
  for (const auto& setting : spec_.config->settings) {
    check(setting.when);
    check(setting.value);
    for (const auto& element : setting.elements) {
      check(element);
    }
  }
  for (const auto& arg : spec_.config->file_args) {
    check(arg);
  }
}

void Validator::check_order() const {
  for (const auto& name : spec_.after) {
    component_exists(name, spec_.place, "'after' of '" + spec_.name + "'");
  }
  for (const auto& name : spec_.needs) {
    component_exists(name, spec_.place, "'needs' of '" + spec_.name + "'");
  }
  for (const auto& http : spec_.ready.http) {
    check(http, "'ready' of '" + spec_.name + "'");
  }
  for (const auto& service : spec_.ready.tcp) {
    service_exists(spec_, service, spec_.place, "'ready' of '" + spec_.name + "'");
  }
  for (const auto& word : spec_.ready.exec) {
    check(word);
  }
  for (const auto& http : spec_.settled) {
    // Settled speaks of the whole component, so no instance's names are known.
    check(http, "'settled' of '" + spec_.name + "'", NamePlace::Cluster);
  }
  for (const auto& service : spec_.publish) {
    service_exists(spec_, service, spec_.place, "'publish' of '" + spec_.name + "'");
  }
}

void Validator::run() const {
  for (const auto& arg : spec_.args) {
    check(arg.when);
    check(arg.text);
  }
  for (const auto& [name, text] : spec_.env) {
    check(text);
  }
  for (const auto& [name, text] : spec_.files) {
    check(text);
  }
  for (const auto& line : spec_.connect) {
    check(line.when, NamePlace::Connect);
    check(line.text, NamePlace::Connect);
  }
  check_config();
  check_order();
}

/// A computed value may use those above it.
void check_vars(const Topology& topology) {
  Topology so_far = topology;
  so_far.vars.clear();
  for (const auto& [name, var] : topology.vars) {
    const auto known = known_names(so_far, nullptr, NamePlace::Cluster);
    for (const auto& used : names_in(var)) {
      if (!contains(known, used)) {
        fail_at(var.place, "unknown name '" + used + "' in 'vars." + name + "'",
                suggestion(used, known));
      }
    }
    so_far.vars.emplace_back(name, var);
  }
}

void check_cycles(const Topology& topology) {
  const auto order = start_order(topology);
  for (const auto& component : topology.components) {
    if (!contains(order, component.name)) {
      fail_at(component.place, "'after' of '" + component.name + "' leads back to itself",
              "each component can only wait for ones that do not wait for it");
    }
  }
}

void check_stop_order(const Topology& topology) {
  const auto known = topology.component_names();
  std::set<std::string> seen;
  for (const auto& name : topology.stop_order) {
    if (!contains(known, name)) {
      fail_at({topology.file, 0}, "'stop_order' names unknown component '" + name + "'",
              suggestion(name, known));
    }
    if (!seen.insert(name).second) {
      fail_at({topology.file, 0}, "'stop_order' names '" + name + "' twice");
    }
  }
  for (const auto& name : known) {
    if (!seen.contains(name)) {
      fail_at({topology.file, 0}, "'stop_order' lacks '" + name + "'",
              "list every component once, or leave 'stop_order' out");
    }
  }
}

void check_roles(const Topology& topology) {
  const auto known = topology.component_names();
  for (const auto& role : topology.roles) {
    const SourcePlace place = role.place;
    if (!contains(role_drivers(), role.source.driver)) {
      fail_at(place, "unknown role driver '" + role.source.driver + "'",
              suggestion(role.source.driver, role_drivers()));
    }
    const auto* component = topology.find(role.source.component);
    if (component == nullptr) {
      fail_at(place, "a role names unknown component '" + role.source.component + "'",
              suggestion(role.source.component, known));
    }
    if (!component->port_of(role.source.service)) {
      fail_at(
          place,
          "a role names unknown service '" + role.source.service + "' of '" + component->name + "'",
          suggestion(role.source.service, service_names(*component)));
    }
  }
}

}  // namespace

std::vector<std::string> start_order(const Topology& topology) {
  std::vector<std::string> order;
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& component : topology.components) {
      const bool ready = std::all_of(component.after.begin(), component.after.end(),
                                     [&](const auto& name) { return contains(order, name); });
      if (ready && !contains(order, component.name)) {
        order.push_back(component.name);
        grew = true;
        break;
      }
    }
  }
  return order;
}

void validate(const Topology& topology) {
  for (const auto& component : topology.components) {
    Validator(topology, component).run();
  }
  check_vars(topology);
  check_cycles(topology);
  check_stop_order(topology);
  check_roles(topology);
}

}  // namespace tinet::detail
