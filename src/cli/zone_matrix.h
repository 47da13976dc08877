#pragma once
/// A matrix of latencies, losses and rates between zones, as YAML:
///
///     zones: [a, b, c]
///     delay:                      # from the zone of the row to the zone of the column
///       - [none, 30ms, 80ms]
///       - [30ms, none, 60ms]
///       - [80ms, 60ms, none]
///     loss:  [[none, 0.1%, 1%], ...]
///
/// Tables: profile (names as of --profile), delay, jitter, loss, rate; each as many rows and
/// columns as there are zones, 'none' where nothing happens; what a table says goes before the
/// profile. `distribution` is one name for all jitters.

#include <string>
#include <vector>

#include "src/api/requests.h"
#include "src/topology/yaml_reader.h"

namespace tinet::cli {

/// @throws Error Usage with the place; also when nothing happens anywhere
[[nodiscard]] std::vector<api::MatrixCell> read_zone_matrix(const detail::YamlValue& value);

/// The same from a file's text.
[[nodiscard]] std::vector<api::MatrixCell> parse_zone_matrix(std::string_view text,
                                                             const std::string& file);

}  // namespace tinet::cli
