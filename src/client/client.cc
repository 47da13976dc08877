#include "src/client/client.h"

#include <array>
#include <cerrno>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "src/api/requests.h"
#include "src/api/unix_socket.h"
#include "src/base/error.h"
#include "src/base/scope_exit.h"
#include "src/client/response_reader.h"

namespace tinet {

namespace json = boost::json;

namespace {

constexpr unsigned kFirstErrorStatus = 400;

[[noreturn]] void throw_dead(const ClusterHandle& cluster) {
  throw_conflict("cluster '" + cluster.tag + "' is not running: its supervisor is gone",
                 "start it again, or remove its leftovers with: tinet cleanup");
}

/// A supervisor without root sees root's uid as nobody's, so root connects to it as its owner.
UniqueFd connect_as_owner(const ClusterHandle& cluster) noexcept {
  const bool is_other = !cluster.root_owned && ::geteuid() == 0 && cluster.owner != 0;
  const bool changed = is_other && ::seteuid(cluster.owner) == 0;
  UniqueFd socket = connect_unix(cluster.socket_path());
  const int error = errno;
  if (changed) {
    TINET_ASSERT(::seteuid(0) == 0);
  }
  errno = error;
  return socket;
}

UniqueFd open_connection(const ClusterHandle& cluster) {
  UniqueFd socket = connect_as_owner(cluster);
  if (const int error = errno; !socket) {
    const std::string what = "cannot reach cluster '" + cluster.tag + "'";
    if (error == EACCES || error == EPERM) {
      throw_errno(error, what, "it belongs to another user");
    }
    if (error == ENOENT || error == ECONNREFUSED) {
      throw_conflict(what + ": its supervisor does not listen",
                     "it may be starting or stopping: see 'tinet list'");
    }
    throw_errno(error, what);
  }
  return socket;
}

std::string request_text(std::string_view method, const std::string& path,
                         const json::value* body) {
  std::string text(method);
  text += " " + path + " HTTP/1.1\r\nHost: tinet\r\n";
  if (body == nullptr) {
    return text + "\r\n";
  }
  const std::string content = json::serialize(*body);
  return text +
         "Content-Type: application/json\r\nContent-Length: " + std::to_string(content.size()) +
         "\r\n\r\n" + content;
}

/// A line that is nothing but an error document ends a stream.
void throw_if_error(const std::string& line) {
  if (line.rfind("{\"error\":{\"kind\":", 0) == 0) {
    throw api::error_from_json(json::parse(line));
  }
}

}  // namespace

struct PendingRequest::State {
  std::string tag;
  UniqueFd socket;
  const Interrupt* interrupt;
  ResponseReader reader;
  bool is_complete = false;
};

PendingRequest::PendingRequest(const ClusterHandle& cluster, std::string_view method,
                               const std::string& path, const json::value* body,
                               const std::vector<int>& fds, const Interrupt* interrupt)
    : state_(std::make_unique<State>()) {
  state_->tag = cluster.tag;
  state_->interrupt = interrupt;
  state_->socket = open_connection(cluster);
  const std::string text = request_text(method, path, body);
  std::string_view rest = text;
  std::span<const int> descriptors = fds;
  while (!rest.empty()) {
    wait_ready(state_->socket.get(), POLLOUT, interrupt);
    const auto sent = send_message(state_->socket.get(), rest, descriptors, MSG_DONTWAIT);
    if (sent == -EAGAIN || sent == -EINTR) {
      continue;
    }
    if (sent < 0) {
      // A refusal in the middle of our request: the answer is there to be read, and says why.
      break;
    }
    rest.remove_prefix(static_cast<std::size_t>(sent));
    descriptors = {};
  }
}

PendingRequest::PendingRequest(PendingRequest&&) noexcept = default;
PendingRequest& PendingRequest::operator=(PendingRequest&&) noexcept = default;
PendingRequest::~PendingRequest() = default;

int PendingRequest::fd() const noexcept {
  return state_->socket.get();
}

bool PendingRequest::receive() {
  std::array<char, 16UL << 10U> buffer;
  wait_ready(fd(), POLLIN, state_->interrupt);
  const auto received = receive_message(fd(), buffer, MSG_DONTWAIT);
  if (received.error == EAGAIN || received.error == EINTR) {
    return false;
  }
  const bool has_ended = received.error != 0 || received.bytes == 0;
  state_->is_complete = has_ended
                            ? state_->reader.feed_end()
                            : state_->reader.feed(std::string_view(buffer.data(), received.bytes));
  if (has_ended && !state_->is_complete) {
    throw_operation("the supervisor of cluster '" + state_->tag + "' ended before it answered",
                    "see 'tinet list'");
  }
  return state_->is_complete;
}

bool PendingRequest::take_line(std::string& line) {
  return status() != 0 && state_->reader.take_line(line);
}

unsigned PendingRequest::status() const {
  return state_->reader.status();
}

json::value PendingRequest::document() {
  const std::string body = state_->reader.take_body();
  boost::system::error_code error;
  auto document = json::parse(body, error);
  if (error) {
    throw_operation("cannot understand the supervisor's answer: " + error.message());
  }
  return document;
}

namespace {

json::value finish(PendingRequest request) {
  while (!request.receive()) {
  }
  auto document = request.document();
  if (request.status() >= kFirstErrorStatus) {
    throw api::error_from_json(document);
  }
  return document;
}

}  // namespace

ClusterHandle require_cluster(uid_t uid, std::string_view tag, const StateBases& bases) {
  check_tag(tag);
  const auto clusters = find_clusters(uid, bases);
  bool others_live = false;
  for (const auto& cluster : clusters) {
    if (cluster.tag == tag) {
      if (!cluster.alive) {
        throw_dead(cluster);
      }
      return cluster;
    }
    others_live |= cluster.alive;
  }
  throw_conflict("no cluster '" + std::string(tag) + "' is running",
                 others_live ? "see 'tinet list' for those that are, and choose one with --tag"
                             : "start one with: tinet start");
}

Client::Client(ClusterHandle cluster, const Interrupt* interrupt)
    : cluster_(std::move(cluster)), interrupt_(interrupt) {}

Client Client::connect(const ClusterHandle& cluster, const Interrupt* interrupt) {
  if (!cluster.alive) {
    throw_dead(cluster);
  }
  static_cast<void>(open_connection(cluster));
  return Client(cluster, interrupt);
}

json::value Client::get(const std::string& path) const {
  return finish(PendingRequest(cluster_, "GET", path, nullptr, {}, interrupt_));
}

json::value Client::post(const std::string& path, const json::value& body,
                         const std::vector<int>& fds) const {
  return finish(PendingRequest(cluster_, "POST", path, &body, fds, interrupt_));
}

void Client::stream(const std::string& path,
                    const std::function<bool(std::string_view line)>& on_line) const {
  PendingRequest request(cluster_, "GET", path, nullptr, {}, interrupt_);
  bool is_complete = false;
  while (!is_complete) {
    is_complete = request.receive();
    if (request.status() >= kFirstErrorStatus) {
      continue;
    }
    std::string line;
    while (request.take_line(line)) {
      throw_if_error(line);
      if (!on_line(line)) {
        return;
      }
    }
  }
  if (request.status() >= kFirstErrorStatus) {
    throw api::error_from_json(request.document());
  }
}

}  // namespace tinet
