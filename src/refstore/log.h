#pragma once
/// The log of one program of the reference store: one line per event, appended to --log-file or
/// written to standard error.

#include <string>
#include <string_view>

#include "src/base/unique_fd.h"

namespace tinet::refstore {

class Log {
 public:
  /// Writes to standard error.
  Log() = default;
  /// @param path file to append to; "" is standard error
  /// @throws Error when the file cannot be opened
  explicit Log(const std::string& path);

  /// Appends "[2026/01/31 12:00:00.000 +00:00] [INFO] text". A failing write is ignored: a full
  /// disk must not stop the store.
  void info(std::string_view text) const { write("INFO", text); }
  void warn(std::string_view text) const { write("WARN", text); }

 private:
  void write(std::string_view level, std::string_view text) const;

  UniqueFd file_;
};

}  // namespace tinet::refstore
