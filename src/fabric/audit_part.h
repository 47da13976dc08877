#pragma once
/// An audit is made of parts. One that fails is told of like any other finding, so that what the
/// others found and repaired is not lost with it.

#include <string>
#include <vector>

#include "src/base/error.h"
#include "src/fabric/fabric.h"

namespace tinet::fabric {

/// Runs `part`, which appends to `drift`; an Error becomes a finding, too.
/// @param what it looks at, e.g. "queues of ports"
template <typename Part>
void audit_part(std::vector<Drift>& drift, const std::string& what, Part&& part) {
  try {
    part();
  } catch (const Error& error) {
    drift.push_back({"audit of " + what + " failed: " + error.what(), false});
  }
}

}  // namespace tinet::fabric
