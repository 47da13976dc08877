#pragma once
/// Files of faults, for `start --faults`, `apply` and `diff`: a YAML list, one fault per element.
/// The verb is a key whose value is what follows it on the command line, and every option of the
/// verb is a key under its own name:
///
///     - {partition: tikv-0, for: 10s}
///     - {delay: tikv-0 50ms, jitter: 5ms, to: "zone:b"}
///     - {loss: all 1%, port: [2379, 2380], new: true}
///     - between: zones                      # without a verb: partition
///     - matrix: {zones: [a, b], delay: [[none, 30ms], [30ms, none]]}        # zone_matrix.h
///
/// Relative names of files in it start at the file's own directory.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "src/api/requests.h"

namespace tinet::cli {

/// Content of a file named in the text; the option names it in errors.
using FileReader = std::function<std::string(const std::string& name, const std::string& option)>;

/// @param file names the text in errors
/// @throws Error Usage naming line and key; whatever `read_file` throws
[[nodiscard]] std::vector<api::FaultRequest> parse_faults(std::string_view text,
                                                          const std::string& file,
                                                          const FileReader& read_file);

/// @throws Error Usage, also when the file cannot be read
[[nodiscard]] std::vector<api::FaultRequest> read_faults_file(const std::string& path);

}  // namespace tinet::cli
