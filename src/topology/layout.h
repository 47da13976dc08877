#pragma once
/// What rendering knows about the cluster before any template is filled: instances with names,
/// addresses and paths, computed values, what is published. And the scope that fills templates.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "src/topology/render.h"

namespace tinet::detail {

/// An instance without what templates give it.
struct Place {
  const ComponentSpec* spec = nullptr;
  std::string name;
  int index = 0;
  std::string zone;
  Ipv4 address;
  Ipv4 listen_address;
  std::string address6;  ///< empty without --ipv6
  std::string directory;
  std::string log;
};

struct Layout {
  const Topology* topology = nullptr;
  std::string tag;
  std::string store;
  Subnet subnet;
  std::string data_dir;
  std::string log_dir;
  std::map<std::string, int> counts;
  std::map<std::string, std::string> zones;  ///< --X.zone by component, as given
  std::map<std::string, std::string> vars;   ///< evaluated
  std::set<std::string> published;           ///< "tidb-0:client"
  std::vector<Place> places;                 ///< in topology order
};

/// @throws Error Usage when the subnet is too small or a zone is not a name
[[nodiscard]] Layout make_layout(const Topology& topology, const StartOptions& options,
                                 const Environment& environment,
                                 const std::map<std::string, int>& counts,
                                 const std::vector<PublishSpec>& publish);

/// Fills templates for one instance, or, without a place, for the cluster.
class PlanScope : public TemplateScope {
 public:
  explicit PlanScope(const Layout& layout, const Place* place = nullptr)
      : layout_(layout), place_(place) {}

  [[nodiscard]] std::string value(std::string_view name) const override;
  void for_each(const std::string& component,
                const std::function<void(const TemplateScope&)>& use) const override;

 private:
  [[nodiscard]] std::string cluster_value(std::string_view name) const;
  [[nodiscard]] std::string instance_value(std::string_view name) const;
  [[nodiscard]] std::string service_value(std::string_view kind, std::string_view service) const;

  const Layout& layout_;
  const Place* place_;
};

}  // namespace tinet::detail
