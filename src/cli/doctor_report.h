#pragma once
/// What tinet can do on this machine: backends, kernel features, programs. The report is plain data
/// and its rendering pure; only make_doctor_report() asks the system.

#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "netns/probe.h"
#include "src/cli/context.h"
#include "src/cli/fault_mechanisms.h"

namespace tinet::cli {

struct BackendReport {
  std::string name;
  bool usable = false;
  std::string why;   ///< why not, or why it is as it is
  std::string hint;  ///< what would make it usable
};

/// A program of a built-in topology that was looked for.
struct ProgramReport {
  std::string component;
  std::string path = {};  ///< empty: not found
  std::string version = {};
  std::string source = {};
};

struct DoctorReport {
  std::vector<BackendReport> backends = {};
  std::vector<Feature> features = {};
  std::vector<FaultMechanism> faults = {};  ///< with the first backend that is usable
  std::vector<ProgramReport> programs = {};
};

/// Tries every kernel feature (about 50 ms) and looks for the programs of the built-in topologies.
[[nodiscard]] DoctorReport make_doctor_report(const Context& context);

/// The backends that these probes allow.
[[nodiscard]] std::vector<BackendReport> backends_of(const Feature& netns, const Feature& userns);

[[nodiscard]] boost::json::value doctor_document(const DoctorReport& report);
[[nodiscard]] std::string doctor_text(const DoctorReport& report, bool color);

/// @param list names of backends and features, separated by commas
/// @throws Error Usage for an unknown name; Unavailable for the first that is not usable
void require_features(const DoctorReport& report, const std::string& list);

}  // namespace tinet::cli
