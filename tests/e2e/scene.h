#pragma once
/// The world of one end-to-end test: a cluster tag, a subnet and a directory that nobody else uses,
/// tinet run in them, and the question what is left of it all.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "tests/support/leftovers.h"
#include "tests/support/run.h"
#include "tests/support/temp_dir.h"

namespace tinet::test {

/// Three programs that only sleep: the quickest cluster there is.
inline constexpr std::string_view kSleepers = R"(tinet: 1
name: sleepers
components:
  node:
    count: 3
    program: /bin/sleep
    args: ["1000000"]
    services: {client: 7000}
    env: {LISTEN: "{listen_ip}"}
    ready: {process: true, timeout: 10s}
    stop: {signal: TERM, grace: 10s}
)";

/// A process that bears the scene's tag.
struct ProcessOfScene {
  pid_t pid = 0;
  std::string name;
  std::string command;  ///< its arguments, joined by spaces
};

/// Files that a cluster's end may leave.
enum class MayStay {
  Nothing,
  Data,          ///< below data_dir()
  DataAndState,  ///< the state directory too, which the next start or cleanup sweeps
};

/// The backend that clusters get when TINET_TEST_NETWORK names one, e.g. "proxy"; else empty: the
/// first that works.
[[nodiscard]] std::string chosen_network();

class Scene {
 public:
  /// @param user who runs tinet; absent: who runs the test
  explicit Scene(std::optional<User> user = {});
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;
  Scene(Scene&&) = delete;
  Scene& operator=(Scene&&) = delete;
  /// Stops the cluster if there still is one, and removes its data and kept logs.
  ~Scene();

  [[nodiscard]] const std::string& tag() const noexcept { return tag_; }
  [[nodiscard]] const std::string& subnet() const noexcept { return subnet_; }
  /// A path in the scene's own directory.
  [[nodiscard]] std::string path(std::string_view name) const { return directory_ / name; }
  /// Writes a file there, readable for everybody. @return its path
  std::string write(std::string_view name, std::string_view content, int mode = 0644) const;
  /// Where data lies unless --data-dir says otherwise.
  [[nodiscard]] std::string data_dir() const { return data_home_ + "/" + tag_; }

  /// Options that make a program tinet's caller in this scene: tag and user.
  [[nodiscard]] RunOptions options() const;
  /// `tinet ARGS...` to its end.
  [[nodiscard]] RunResult tinet(const std::vector<std::string>& args) const;
  [[nodiscard]] RunResult tinet(const std::vector<std::string>& args, RunOptions options) const;
  /// `tinet ARGS...` beside the test.
  [[nodiscard]] std::unique_ptr<Program> beside(const std::vector<std::string>& args) const;
  /// `tinet ARGS... --json`, which must succeed; null and a failed test when it does not.
  [[nodiscard]] boost::json::value json(std::vector<std::string> args) const;

  /// Backend and subnet: --subnet ... [--network ...]
  [[nodiscard]] std::vector<std::string> network_words() const;
  /// The words of a start of that topology text in the scene's network: start FILE --subnet ...
  [[nodiscard]] std::vector<std::string> start_words(
      std::string_view topology = kSleepers, const std::vector<std::string>& more = {}) const;
  /// Runs them. @return true when the cluster is ready; a failed test otherwise
  bool start(std::string_view topology = kSleepers,
             const std::vector<std::string>& more = {}) const;

  /// What of this scene's cluster is still there after ten seconds, of processes, namespaces,
  /// mounts, sockets and files, without the files that may stay.
  [[nodiscard]] std::vector<std::string> left(MayStay files = MayStay::Nothing) const;
  /// What it has right now: everything of the kinds above.
  [[nodiscard]] Facts present() const;
  /// Its processes right now, the test's own children included.
  [[nodiscard]] std::vector<ProcessOfScene> processes() const;

 private:
  [[nodiscard]] LeftoverScope scope(MayStay files) const;

  std::optional<User> user_;
  TempDir directory_;
  std::string tag_;
  std::string subnet_;
  std::string data_home_;
};

/// The object called `name` in the array `key` of a document ("instances", "faults"); null if none.
[[nodiscard]] boost::json::value named_in(const boost::json::value& document, std::string_view key,
                                          std::string_view name);
/// How often the cut whose "packets" are at that pointer has stopped something: packets that were
/// dropped, or on relays connections that were held.
[[nodiscard]] std::int64_t stopped_at(const boost::json::value& document, std::string_view pointer);
/// The text at a JSON pointer, e.g. "/instances/0/state"; numbers are written out; empty if none.
[[nodiscard]] std::string text_at(const boost::json::value& document, std::string_view pointer);

}  // namespace tinet::test
