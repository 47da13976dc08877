#pragma once
/// Effects and changes in words, for dry runs and explanations. Pure.

#include <string>
#include <vector>

#include "src/fabric/difference.h"
#include "src/fabric/fabric.h"
#include "src/model/fault.h"

namespace tinet::fabric {

/// "tcp to port 20160, new connections"; "every packet".
[[nodiscard]] std::string describe(const Match& match);
/// "lose 10%, delay 50ms"; "drop".
[[nodiscard]] std::string describe(const LinkAction& action);
/// One line per clause: "every packet: lose 10% (f1)".
[[nodiscard]] std::vector<std::string> describe(const Effect& effect);
/// The same for packets of these words, with a remark at clauses that none of them gets to.
[[nodiscard]] std::vector<std::string> describe(const Effect& effect, const PacketWords& packet);

/// As nft(8) would print it: `"tikv-0" . "tikv-1" timeout 2s : goto t1`. Elements of `decide` show
/// the chain that their mark stands for.
[[nodiscard]] std::string describe(const Element& element, const std::vector<std::string>& ports,
                                   MonoTime now);
/// One line per object that a change adds or removes, as commands of nft(8) and tc(8); what a chain
/// does is told by a comment behind it.
[[nodiscard]] std::vector<std::string> describe(const Difference& difference,
                                                const std::vector<std::string>& ports,
                                                MonoTime now);

}  // namespace tinet::fabric
