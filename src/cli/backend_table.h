#pragma once
/// What each backend can do, as the code decides it: for `tinet doctor --backends` and the README.

#include <string>
#include <vector>

#include <boost/json/value.hpp>

namespace tinet::cli {

struct BackendRow {
  std::string what;   ///< verb or flag
  std::string netns;  ///< "yes", or what is different
  std::string rootless;
  std::string proxy;  ///< "yes", "yes: ..." or "no: " and the reason that apply() would give
};

[[nodiscard]] std::vector<BackendRow> backend_rows();

/// [{"what","netns","rootless","proxy"}]
[[nodiscard]] boost::json::value backend_document();

/// As a table of Markdown.
[[nodiscard]] std::string backend_markdown();

}  // namespace tinet::cli
