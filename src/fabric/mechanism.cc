#include "src/fabric/mechanism.h"

#include <vector>

#include "src/base/text.h"

namespace tinet::fabric {

namespace {

/// What rules alone can do: everything that makes no packet wait.
LinkAction without_waiting(LinkAction action) {
  action.bursts.clear();
  action.delay.reset();
  action.reorder = {};
  action.rate.reset();
  action.hold = false;
  action.hold_until.reset();
  action.holder = {};
  action.seed = 0;
  return action;
}

}  // namespace

std::string mechanism_of(const LinkAction& action, const Mechanisms& mechanisms) {
  std::vector<std::string> all;
  if (without_waiting(action) != LinkAction{}) {
    all.emplace_back("nftables");
  }
  if (action.rate) {
    all.emplace_back("htb");
  }
  LinkAction port = port_part(action, mechanisms);
  port.rate.reset();
  if (port.shapes()) {
    all.emplace_back("netem");
  }
  if (wire_part(action, mechanisms).shapes()) {
    all.emplace_back("wire");
  }
  return join(all, "+");
}

}  // namespace tinet::fabric
