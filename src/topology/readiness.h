#pragma once
/// Whether an answer shows what a check asks for. Pure: the supervisor does the asking.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "src/model/plan.h"

namespace tinet {

/// What came back for an HTTP request.
struct HttpAnswer {
  int status = 0;  ///< 0 when there was no answer
  std::string body;
  std::string error;  ///< why there was none, e.g. "connection refused"
};

/// nullopt when the answer satisfies the check; else a short reason for `waiting_for`, e.g.
/// "pd-0 /pd/api/v1/stores: state_name is 'Disconnected'".
/// @param asked the instance that was asked, for the reason
[[nodiscard]] std::optional<std::string> unmet(const HttpCheck& check, const HttpAnswer& answer,
                                               std::string_view asked);

/// A regular expression (ECMAScript) for ReadyCheck::log_regex.
class LogPattern {
 public:
  /// @throws Error Usage for a malformed pattern, or one of more than 500 characters;
  ///         parse_topology() has checked those of topologies
  explicit LogPattern(const std::string& pattern);
  LogPattern(const LogPattern&) = delete;
  LogPattern& operator=(const LogPattern&) = delete;
  LogPattern(LogPattern&&) noexcept;
  LogPattern& operator=(LogPattern&&) noexcept;
  ~LogPattern();
  /// True when the pattern is found in the line's first 2000 characters.
  [[nodiscard]] bool matches(std::string_view line) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tinet
