#pragma once
/// A cluster of real tinet-refstore processes on loopback, on ports that were free a moment ago.

#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

namespace tinet::refstore::test {

struct Reply {
  int status = 0;  ///< 0: no answer
  std::string body;
};

/// One request on a connection of its own; blocks for at most `timeout`.
[[nodiscard]] Reply request(const std::string& method, const std::string& address,
                            const std::string& target, const std::string& body = "",
                            std::chrono::milliseconds timeout = std::chrono::seconds(30));

/// Asks again until it holds.
/// @return false when it still does not after `limit`
[[nodiscard]] bool eventually(const std::function<bool()>& holds,
                              std::chrono::milliseconds limit = std::chrono::seconds(20));

class Cluster {
 public:
  /// Starts `pds` pds and one front, no server yet.
  /// @param unreliable servers that drop requests and replies
  explicit Cluster(bool unreliable = false, int pds = 1);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;
  /// Kills everything and removes the directory.
  ~Cluster();

  /// Starts a server under an index; again after kill_server() it has the same address.
  void start_server(int index);
  void kill_server(int index) { stop("tikv-" + std::to_string(index), SIGKILL); }
  void start_pd(int index);
  /// Signals a process and waits for its end. @return its wait status
  int stop(const std::string& name, int signal);

  [[nodiscard]] pid_t pid(const std::string& name) const { return processes_.at(name); }
  [[nodiscard]] const std::string& front() const { return front_; }
  [[nodiscard]] std::string pd(int index = 0) const {
    return pd_clients_.at(static_cast<std::size_t>(index));
  }
  [[nodiscard]] std::string server(int index);
  [[nodiscard]] std::string server_status(int index);
  /// Index of the server that is primary (backup) of the current view; -1: none.
  [[nodiscard]] int primary() { return member("primary"); }
  [[nodiscard]] int backup() { return member("backup"); }
  [[nodiscard]] std::uint64_t view_number();
  /// Kills the primary of the current view. @return its index
  int kill_primary();
  /// Primary and backup of the current view hold the same state.
  [[nodiscard]] bool equal();
  /// The current view is acknowledged, and has a synced backup if that is asked for.
  [[nodiscard]] bool settled(bool with_backup);
  /// A field of the server's /refstore/state, as JSON text.
  [[nodiscard]] std::string state(int index, const std::string& field);

  /// Through the front; waits for a primary.
  [[nodiscard]] Reply get(const std::string& key, const std::string& query = "?timeout_ms=20000");
  [[nodiscard]] Reply put(const std::string& key, const std::string& value,
                          const std::string& query = "?timeout_ms=20000");

 private:
  struct Ports {
    std::string client;
    std::string status;
  };
  void spawn(const std::string& name, std::vector<std::string> words);
  [[nodiscard]] int member(const std::string& role);
  const Ports& ports(int index);

  bool unreliable_;
  std::string directory_;
  std::vector<std::string> pd_clients_;
  std::vector<std::string> pd_peers_;
  std::string front_;
  std::string front_status_;
  std::map<int, Ports> servers_;
  std::map<std::string, pid_t> processes_;
};

}  // namespace tinet::refstore::test
