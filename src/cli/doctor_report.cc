#include "src/cli/doctor_report.h"

#include <algorithm>

#include <boost/json.hpp>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/cli/output.h"
#include "src/cli/programs.h"

namespace tinet::cli {

namespace json = boost::json;

namespace {

Cell usable_cell(bool usable) {
  return usable ? Cell{"yes", Color::Green} : Cell{"no", Color::Red};
}

std::string reason_and_hint(const std::string& why, const std::string& hint) {
  return hint.empty() ? why : why + " (" + hint + ")";
}

/// A backend or feature by name.
struct Named {
  std::string name;
  bool usable;
  std::string why;
  std::string hint;
};

std::vector<Named> all_of(const DoctorReport& report) {
  std::vector<Named> all;
  for (const auto& backend : report.backends) {
    all.push_back({backend.name, backend.usable, backend.why, backend.hint});
  }
  for (const auto& feature : report.features) {
    all.push_back({feature.name, feature.usable, feature.why, feature.hint});
  }
  return all;
}

}  // namespace

std::vector<BackendReport> backends_of(const Feature& netns, const Feature& userns) {
  return {{"netns", netns.usable, netns.why, netns.usable ? "" : "run 'sudo tinet start'"},
          {"rootless", userns.usable, userns.why, userns.hint},
          {"proxy", true, "needs nothing; relays break TCP connections to services only", ""}};
}

DoctorReport make_doctor_report(const Context& context) {
  const FeatureReport probed = probe_features();
  DoctorReport report{.features = probed.features};
  const Feature* netns = probed.find("netns");
  const Feature* userns = probed.find("userns");
  report.backends =
      backends_of(netns == nullptr ? Feature{} : *netns, userns == nullptr ? Feature{} : *userns);
  const auto first = std::find_if(report.backends.begin(), report.backends.end(),
                                  [](const BackendReport& backend) { return backend.usable; });
  TINET_ASSERT(first != report.backends.end());  // relays need nothing
  report.faults = fault_mechanisms(first->name, probed);
  report.programs = find_programs(context);
  return report;
}

json::value doctor_document(const DoctorReport& report) {
  json::array backends;
  for (const auto& backend : report.backends) {
    backends.push_back({{"name", backend.name},
                        {"usable", backend.usable},
                        {"why", backend.why},
                        {"hint", backend.hint}});
  }
  json::array features;
  for (const auto& feature : report.features) {
    features.push_back({{"name", feature.name},
                        {"mechanism", feature.mechanism},
                        {"usable", feature.usable},
                        {"why", feature.why},
                        {"hint", feature.hint}});
  }
  json::array faults;
  for (const auto& fault : report.faults) {
    faults.push_back({{"name", fault.fault},
                      {"mechanism", fault.mechanism},
                      {"usable", fault.usable},
                      {"why", fault.why}});
  }
  json::array programs;
  for (const auto& program : report.programs) {
    programs.push_back({{"component", program.component},
                        {"path", program.path},
                        {"version", program.version},
                        {"source", program.source}});
  }
  return {{"version", TINET_VERSION},
          {"backends", std::move(backends)},
          {"features", std::move(features)},
          {"faults", std::move(faults)},
          {"programs", std::move(programs)}};
}

std::string doctor_text(const DoctorReport& report, bool color) {
  Table backends({"BACKEND", "USABLE", "WHY"});
  for (const auto& backend : report.backends) {
    backends.row({{backend.name},
                  usable_cell(backend.usable),
                  {reason_and_hint(backend.why, backend.hint)}});
  }
  Table features({"FEATURE", "USABLE", "MECHANISM", "WHY"});
  for (const auto& feature : report.features) {
    features.row({{feature.name},
                  usable_cell(feature.usable),
                  {feature.mechanism},
                  {reason_and_hint(feature.why, feature.hint)}});
  }
  Table faults({"FAULT", "USABLE", "MECHANISM", "WHY"});
  for (const auto& fault : report.faults) {
    faults.row({{fault.fault}, usable_cell(fault.usable), {fault.mechanism}, {fault.why}});
  }
  Table programs({"PROGRAM", "PATH", "VERSION", "FOUND THROUGH"});
  for (const auto& program : report.programs) {
    programs.row({{program.component},
                  program.path.empty() ? Cell{"not found", Color::Yellow} : Cell{program.path},
                  {program.version},
                  {program.source}});
  }
  return backends.render(color) + "\n" + features.render(color) + "\n" + faults.render(color) +
         "\n" + programs.render(color);
}

void require_features(const DoctorReport& report, const std::string& list) {
  const auto all = all_of(report);
  for (const auto& word : split(list, ',')) {
    const std::string name(trim(word));
    std::vector<std::string> known;
    const Named* found = nullptr;
    for (const auto& candidate : all) {
      known.push_back(candidate.name);
      found = candidate.name == name ? &candidate : found;
    }
    if (found == nullptr) {
      const std::string meant = nearest(name, known);
      throw_usage(
          "--require: unknown backend or feature '" + name + "'",
          meant.empty() ? "known are: " + join(known, ", ") : "did you mean '" + meant + "'?");
    }
    if (!found->usable) {
      throw_unavailable(
          "'" + name + "' cannot be used here" + (found->why.empty() ? "" : ": " + found->why),
          found->hint);
    }
  }
}

}  // namespace tinet::cli
