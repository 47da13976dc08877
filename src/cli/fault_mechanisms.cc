#include "src/cli/fault_mechanisms.h"

#include <algorithm>
#include <utility>

#include "src/api/fault_meaning.h"
#include "src/base/error.h"
#include "src/base/text.h"
#include "src/cli/fault_verb.h"
#include "src/cli/parse.h"
#include "src/fabric/mechanism.h"
#include "src/relays/relay_rules.h"
#include "src/supervisor/fault_reports.h"

namespace tinet::cli {

namespace {

/// What a line of examples asks for, "tinet loss tikv-0 10%".
LinkAction action_of(const FaultVerb& verb, const std::string& line) {
  std::vector<std::string> words = split(line, ' ');
  words.erase(words.begin());
  Command root;
  root.name = "tinet";
  FaultWords fault;
  Command& command = root.add(verb.name, verb.summary);
  describe_fault(verb, command, fault);
  static_cast<void>(parse_words(root, words));
  return api::action_of(make_fault_request(verb, command, fault));
}

/// Any feature of one of these will do.
struct Need {
  const char* mechanism;
  std::vector<std::string> features;
};

const std::vector<Need>& needs() {
  static const std::vector<Need> all = {
      {"nftables", {"bridge-table"}},
      {"htb", {"htb"}},
      {"netem", {"netem"}},
      {"wire", {"queue", "compat-queue", "bridge-netfilter-queue"}}};
  return all;
}

/// Why the kernel cannot do a mechanism; empty when it can.
std::string lacking(const std::string& mechanism, const FeatureReport& probed) {
  const auto& all = needs();
  const auto need = std::find_if(all.begin(), all.end(), [&](const Need& candidate) {
    return candidate.mechanism == mechanism;
  });
  TINET_ASSERT(need != all.end());
  const auto usable = [&](const std::string& feature) { return probed.usable(feature); };
  if (std::any_of(need->features.begin(), need->features.end(), usable)) {
    return "";
  }
  return "this kernel lacks " + join(need->features, ", ");
}

FaultMechanism by_kernel(std::string name, const LinkAction& action, const FeatureReport& probed) {
  FaultMechanism found{std::move(name), {}, true, {}};
  found.mechanism = fabric::mechanism_of(action, {.netem = probed.usable("netem")});
  std::vector<std::string> reasons;
  for (const auto& part : split(found.mechanism, '+')) {
    if (std::string reason = lacking(part, probed); !reason.empty()) {
      reasons.push_back(std::move(reason));
    }
  }
  found.usable = reasons.empty();
  found.why = join(reasons, "; ");
  return found;
}

FaultMechanism by_relays(std::string name, const LinkAction& action) {
  std::string reason = relays::why_not({{}, action});
  const bool usable = reason.empty();
  return {std::move(name), usable ? "proxy" : "", usable, std::move(reason)};
}

}  // namespace

std::vector<FaultMechanism> fault_mechanisms(const std::string& backend,
                                             const FeatureReport& probed) {
  std::vector<FaultMechanism> all;
  const auto add = [&](std::string name, const LinkAction& action) {
    all.push_back(backend == "proxy" ? by_relays(std::move(name), action)
                                     : by_kernel(std::move(name), action, probed));
  };
  for (const auto& verb : fault_verbs()) {
    add(verb.name, action_of(verb, verb.examples.front()));
    if (verb.name == "loss") {
      add("loss --burst", action_of(verb, "tinet loss all --burst 1%,30%"));
    }
  }
  all.push_back({"pause", std::string(kProcessMechanism), true, {}});
  return all;
}

}  // namespace tinet::cli
