#pragma once
/// Which parts of this kernel and of tinet do what a fault asks for. Pure.

#include <string>

#include "src/fabric/treatment.h"
#include "src/model/fault.h"

namespace tinet::fabric {

/// "nftables", "htb", "netem", "wire", or several of them with "+" between.
[[nodiscard]] std::string mechanism_of(const LinkAction& action, const Mechanisms& mechanisms);

}  // namespace tinet::fabric
