#include "src/refstore/log.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>

#include <fcntl.h>
#include <unistd.h>

#include "src/base/error.h"

namespace tinet::refstore {

Log::Log(const std::string& path) {
  if (path.empty()) {
    return;
  }
  file_ = UniqueFd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (const int error = errno; !file_) {
    throw_errno(error, "cannot open log file '" + path + "'");
  }
}

void Log::write(std::string_view level, std::string_view text) const {
  using std::chrono::milliseconds;
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto ms = std::chrono::duration_cast<milliseconds>(now.time_since_epoch()) % 1000;
  std::tm utc{};
  static_cast<void>(::gmtime_r(&seconds, &utc));
  std::array<char, 64> stamp{};
  const std::size_t length = std::strftime(stamp.data(), stamp.size(), "%Y/%m/%d %H:%M:%S", &utc);
  std::array<char, 32> rest{};
  static_cast<void>(
      std::snprintf(rest.data(), rest.size(), ".%03d +00:00", static_cast<int>(ms.count())));
  const std::string line = "[" + std::string(stamp.data(), length) + rest.data() + "] [" +
                           std::string(level) + "] " + std::string(text) + "\n";
  const int target = file_ ? file_.get() : STDERR_FILENO;
  // One write per line keeps lines whole; what a full disk refuses is lost on purpose.
  if (::write(target, line.data(), line.size()) < 0) {
    return;
  }
}

}  // namespace tinet::refstore
