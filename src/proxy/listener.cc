#include "src/proxy/listener.h"

#include <cerrno>
#include <exception>
#include <utility>

#include "src/base/error.h"

namespace tinet::proxy {

FindUpstream dial(std::vector<Endpoint> addresses) {
  return [addresses = std::move(addresses)](const auto& found) { found(addresses); };
}

RelayListener::RelayListener(RelayLoop& loop, ListenerOptions options)
    : loop_(loop),
      options_(std::move(options)),
      fd_(listen_at(options_.bind)),
      endpoint_(local_endpoint(fd_.get())) {
  watched_.task = this;
  const bool is_watched = loop_.watch(fd_.get(), watched_);
  if (const int error = errno; !is_watched) {
    throw_errno(error, "cannot wait for connections to '" + to_string(endpoint_) + "'");
  }
}

RelayListener::~RelayListener() {
  for (const auto& connection : all()) {
    connection->drop();
  }
  loop_.forget(*this);
}

void RelayListener::close_connections() {
  for (const auto& connection : all()) {
    connection->close();
  }
}

void RelayListener::reset_connections() {
  for (const auto& connection : all()) {
    connection->abort();
  }
}

std::vector<Endpoint> RelayListener::peers() const {
  std::vector<Endpoint> peers;
  for (const auto& [address, connection] : connections_) {
    if (const auto peer = connection->peer()) {
      peers.push_back(*peer);
    }
  }
  return peers;
}

std::vector<std::shared_ptr<Connection>> RelayListener::all() const {
  std::vector<std::shared_ptr<Connection>> connections;
  connections.reserve(connections_.size());
  for (const auto& [address, connection] : connections_) {
    connections.push_back(connection);
  }
  return connections;
}

void RelayListener::run(TimePoint now) noexcept {
  for (int i = 0; i < kBatch && watched_.readable; ++i) {
    if (!accept_one(now)) {
      return;
    }
  }
  if (watched_.readable) {
    loop_.queue(*this);
  }
}

/// @return false when there is nothing to accept, or nothing to accept it with
bool RelayListener::accept_one(TimePoint now) {
  if (!spare_) {
    spare_ = new_socket(endpoint_.protocol().family());
  }
  if (!spare_) {
    starve();
    return false;
  }
  Accepted accepted = accept_from(fd_.get());
  switch (accepted.error) {
    case 0:
      begin(std::move(accepted), now);
      return true;
    case EAGAIN:
      watched_.readable = false;
      return false;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      starve();
      return false;
    default:
      // The dialer has gone again already (ECONNABORTED), and what else accept(2) passes on.
      return true;
  }
}

void RelayListener::begin(Accepted accepted, TimePoint now) {
  ++counters_.accepted;
  const std::uint64_t number = next_number_++;
  std::optional<Rules> rules = rules_for(accepted.peer);
  if (!rules) {
    ++counters_.refused;
    reset(accepted.fd);
    return;
  }
  ConnectionOwner& owner = *this;
  const auto connection =
      std::make_shared<Connection>(loop_, owner,
                                   Connection::Sockets{.client = std::move(accepted.fd),
                                                       .spare = std::exchange(spare_, UniqueFd()),
                                                       .keep_alive = options_.keep_alive},
                                   std::move(*rules), number);
  connections_.emplace(connection.get(), connection);
  auto find = [this](auto found) { options_.find_upstream(std::move(found)); };
  connection->start(find, now);
}

std::optional<Rules> RelayListener::rules_for(const Endpoint& peer) noexcept {
  try {
    return options_.on_accept(peer);
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

void RelayListener::starve() {
  ++counters_.starved;
  loop_.queue_when_descriptors(*this);
}

void RelayListener::ended(Connection& connection) {
  const auto found = connections_.find(&connection);
  loop_.bury(std::move(found->second));
  connections_.erase(found);
}

}  // namespace tinet::proxy
