#pragma once
/// What the words of a fault request mean, as far as that needs no cluster, and whether they mean
/// something. The command line asks before it sends, so that a file's error has a line; the
/// supervisor asks again, because it believes nobody. Pure.

#include <cstddef>

#include "src/api/requests.h"
#include "src/model/fault.h"
#include "src/model/traffic.h"

namespace tinet::api {

/// The verb as a kind. @throws Error Usage with the nearest one
[[nodiscard]] FaultKind kind_of(const FaultRequest& request);

/// Checked by check_action(). @throws Error Usage
[[nodiscard]] LinkAction action_of(const ActionWords& words);

/// What the verb does to packets: its action, and the cut or the hold that the verb itself is.
/// Nothing with a matrix, whose cells have actions. @throws Error Usage
[[nodiscard]] LinkAction action_of(const FaultRequest& request);

/// What happens on the links of a matrix' cell. @throws Error Usage naming the cell
[[nodiscard]] LinkAction cell_action(const FaultRequest& request, std::size_t cell);

/// The phases of a flap, not yet checked. @throws Error Usage when one is missing
[[nodiscard]] Flap flap_of(const FaultRequest& request, MonoTime start);

/// Checked by check_traffic(). @throws Error Usage
[[nodiscard]] TrafficWords traffic_of(const FaultRequest& request);

/// Refuses everything that is wrong whatever the cluster is: ranges, words that contradict each
/// other or do nothing. @throws Error Usage
void check_request(const FaultRequest& request);

}  // namespace tinet::api
