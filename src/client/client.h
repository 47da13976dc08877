#pragma once
/// Talks to the supervisor of a cluster over its control socket (src/api/README.md).

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include <boost/json/fwd.hpp>

#include "src/api/cluster_handle.h"
#include "src/base/unique_fd.h"
#include "src/client/signal_pipe.h"

namespace tinet {

/// The user's living cluster of that name.
/// @throws Error Conflict when there is none or its supervisor is dead, with a hint
[[nodiscard]] ClusterHandle require_cluster(
    uid_t uid, std::string_view tag, const StateBases& bases = StateBases::from_environment());

/// Blocking client; each call uses a connection of its own. No call has a time limit; all end with
/// Error Interrupted when the user wants out, which does not undo what the supervisor has begun.
class Client {
 public:
  /// @param interrupt borrowed, may be null: then nothing interrupts the calls
  /// @throws Error Conflict when the supervisor is dead or does not answer yet
  [[nodiscard]] static Client connect(const ClusterHandle& cluster,
                                      const Interrupt* interrupt = nullptr);

  [[nodiscard]] const ClusterHandle& cluster() const noexcept { return cluster_; }

  /// @param path with query, e.g. "/v1/faults?all=1"
  /// @throws Error of the supervisor, with its kind and hint; Operation when it ended meanwhile
  [[nodiscard]] boost::json::value get(const std::string& path) const;

  /// @param fds borrowed, at most kDescriptorsMax; sent with the first byte
  /// @throws Error as get()
  [[nodiscard]] boost::json::value post(const std::string& path, const boost::json::value& body,
                                        const std::vector<int>& fds = {}) const;

  /// Calls `on_line` for each JSON line until it returns false or the stream ends.
  /// @throws Error as get(), also when the stream ends with an error
  void stream(const std::string& path,
              const std::function<bool(std::string_view line)>& on_line) const;

 private:
  Client(ClusterHandle cluster, const Interrupt* interrupt);

  ClusterHandle cluster_;
  const Interrupt* interrupt_;
};

/// One request under way, for callers that wait for more than its answer.
class PendingRequest {
 public:
  /// Connects and sends; waits for nothing else.
  /// @throws Error Conflict when nobody listens
  PendingRequest(const ClusterHandle& cluster, std::string_view method, const std::string& path,
                 const boost::json::value* body, const std::vector<int>& fds,
                 const Interrupt* interrupt);
  PendingRequest(const PendingRequest&) = delete;
  PendingRequest& operator=(const PendingRequest&) = delete;
  PendingRequest(PendingRequest&&) noexcept;
  PendingRequest& operator=(PendingRequest&&) noexcept;
  ~PendingRequest();

  /// Readable when receive() has something to do.
  [[nodiscard]] int fd() const noexcept;
  /// Reads what is there. Blocks when nothing is.
  /// @return true when the answer is complete
  /// @throws Error Operation when the supervisor ended without an answer
  bool receive();
  /// Next line of a stream that has arrived whole.
  [[nodiscard]] bool take_line(std::string& line);
  /// 0 until it is known.
  [[nodiscard]] unsigned status() const;
  /// The document of a complete answer, an error's too.
  [[nodiscard]] boost::json::value document();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tinet
