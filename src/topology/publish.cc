#include <algorithm>
#include <charconv>
#include <map>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/topology/render.h"
#include "src/topology/yaml_reader.h"

namespace tinet {
namespace {

std::vector<std::string> instance_names(const std::string& component, int count) {
  std::vector<std::string> names;
  names.reserve(static_cast<std::size_t>(std::max(count, 0)));
  for (int index = 0; index < count; ++index) {
    names.push_back(component + "-" + std::to_string(index));
  }
  return names;
}

std::uint16_t parse_port(std::string_view text, std::string_view word) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port < 1 || port > 65535) {
    throw_usage("--publish: '" + std::string(text) + "' in '" + std::string(word) +
                    "' is not a port from 1 to 65535",
                "write e.g. --publish tidb:client=4000");
  }
  return static_cast<std::uint16_t>(port);
}

/// Collects the specs and refuses one host port for two services.
class Publisher {
 public:
  Publisher(const Topology& topology, const std::map<std::string, int>& counts)
      : topology_(topology), counts_(counts) {}

  /// The topology's own choice: ports beyond the range are left out, a taken one moves.
  void add_defaults() {
    for (const auto& spec : topology_.components) {
      for (const auto& service : spec.publish) {
        add(instance_names(spec.name, counts_.at(spec.name)), service, *spec.port_of(service),
            false);
      }
    }
  }

  void add_word(const std::string& word) {
    const auto equals = word.find('=');
    const auto colon = word.substr(0, equals).find(':');
    const auto who = word.substr(0, std::min(colon, equals));
    const auto [spec, instances] = find(who);
    std::vector<std::string> services;
    if (colon != std::string::npos) {
      services.push_back(word.substr(
          colon + 1, equals == std::string::npos ? std::string::npos : equals - colon - 1));
    } else {
      services = default_services(*spec);
    }
    for (const auto& service : services) {
      const auto port = spec->port_of(service);
      if (!port) {
        std::vector<std::string> known;
        for (const auto& candidate : spec->services) {
          known.push_back(candidate.name);
        }
        throw_usage("--publish: '" + spec->name + "' has no service '" + service + "'",
                    detail::suggestion(service, known));
      }
      const bool explicit_port = equals != std::string::npos;
      add(instances, service, explicit_port ? parse_port(word.substr(equals + 1), word) : *port,
          explicit_port);
    }
  }

  [[nodiscard]] std::vector<PublishSpec> take() { return std::move(specs_); }

 private:
  /// "tikv" is all of its instances, "tikv-1" is one.
  [[nodiscard]] std::pair<const ComponentSpec*, std::vector<std::string>> find(
      const std::string& who) const {
    std::vector<std::string> known;
    for (const auto& spec : topology_.components) {
      const auto instances = instance_names(spec.name, counts_.at(spec.name));
      if (spec.name == who) {
        return {&spec, instances};
      }
      known.push_back(spec.name);
      for (const auto& instance : instances) {
        if (instance == who) {
          return {&spec, {instance}};
        }
        known.push_back(instance);
      }
    }
    throw_usage("--publish: unknown component or instance '" + who + "'",
                detail::suggestion(who, known));
  }

  [[nodiscard]] static std::vector<std::string> default_services(const ComponentSpec& spec) {
    if (!spec.publish.empty()) {
      return spec.publish;
    }
    if (spec.services.empty()) {
      throw_usage("--publish: '" + spec.name + "' has no services");
    }
    return {spec.services.front().name};
  }

  void add(const std::vector<std::string>& instances, const std::string& service,
           std::uint16_t first, bool explicit_port) {
    for (std::size_t i = 0; i < instances.size(); ++i) {
      const std::size_t port = first + i;
      if (port > 65535) {
        return;
      }
      const auto value = static_cast<std::uint16_t>(port);
      const auto [taken, fresh] = owners_.emplace(value, instances[i]);
      if (!fresh && explicit_port) {
        throw_usage("--publish: port " + std::to_string(value) + " is asked for twice, by '" +
                        taken->second + "' and '" + instances[i] + "'",
                    "instance i of a component gets PORT + i");
      }
      specs_.push_back({instances[i], service, value, explicit_port});
    }
  }

  const Topology& topology_;
  const std::map<std::string, int>& counts_;
  std::vector<PublishSpec> specs_;
  std::map<std::uint16_t, std::string> owners_;
};

}  // namespace

std::vector<PublishSpec> parse_publish(const std::optional<std::string>& text,
                                       const Topology& topology,
                                       const std::map<std::string, int>& counts) {
  Publisher publisher(topology, counts);
  if (!text) {
    publisher.add_defaults();
  } else if (*text != "none") {
    for (const auto& word : split(*text, ',')) {
      publisher.add_word(word);
    }
  }
  return publisher.take();
}

std::string fill_published(std::string line, const std::map<std::string, std::uint16_t>& ports) {
  for (const std::string_view open : {"{published:", "{published_port:"}) {
    for (auto begin = line.find(open); begin != std::string::npos; begin = line.find(open, begin)) {
      const auto end = line.find('}', begin);
      if (end == std::string::npos) {
        break;
      }
      const auto key = line.substr(begin + open.size(), end - begin - open.size());
      const auto port = ports.find(key);
      std::string value = port == ports.end() ? "?" : std::to_string(port->second);
      if (open == "{published:") {
        value.insert(0, "127.0.0.1:");
      }
      line.replace(begin, end - begin + 1, value);
      begin += value.size();
    }
  }
  return line;
}

}  // namespace tinet
