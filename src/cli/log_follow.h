#pragma once
/// Reading a log to its end and going on with what is appended, across rotation: when the file is
/// renamed away and made anew, the rest of the old one is delivered before the new one.

#include <functional>
#include <string>
#include <string_view>

#include "src/base/unique_fd.h"
#include "src/process/user.h"

namespace tinet::cli {

class LogFollower {
 public:
  /// Nothing is read yet; the file may not exist yet. It is opened with the rights of `reader`: its
  /// directory is an instance's to write to, and the name may have become a link.
  /// @throws Error when its directory cannot be watched
  LogFollower(UserIds reader, std::string path);

  /// Readable when read_new() may have something.
  [[nodiscard]] int fd() const noexcept { return watch_.get(); }
  /// What was appended since the last call; at first the whole file. Does not wait for more.
  /// @throws Error when the file is no regular one, or not for the reader
  [[nodiscard]] std::string read_new();

 private:
  void drain_watch() noexcept;
  [[nodiscard]] bool was_replaced() const;

  UserIds reader_;
  std::string path_;
  UniqueFd watch_;
  UniqueFd file_;
};

}  // namespace tinet::cli
