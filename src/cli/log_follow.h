#pragma once
/// Reading a log to its end and going on with what is appended, across rotation: when the file is
/// renamed away and made anew, the rest of the old one is delivered before the new one.

#include <functional>
#include <string>
#include <string_view>

#include "src/base/unique_fd.h"

namespace tinet::cli {

class LogFollower {
 public:
  /// Nothing is read yet; the file may not exist yet.
  /// @throws Error when its directory cannot be watched
  explicit LogFollower(std::string path);

  /// Readable when read_new() may have something.
  [[nodiscard]] int fd() const noexcept { return watch_.get(); }
  /// What was appended since the last call; at first the whole file. Never blocks.
  [[nodiscard]] std::string read_new();

 private:
  void drain_watch() noexcept;
  [[nodiscard]] bool was_replaced() const;

  std::string path_;
  UniqueFd watch_;
  UniqueFd file_;
};

}  // namespace tinet::cli
