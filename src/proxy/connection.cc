#include "src/proxy/connection.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

namespace tinet::proxy {

namespace {

/// How long an end that was closed by a rule may go on sending before it is cut off: closing a
/// socket with unread bytes would reset it, and with that take back what the peer has not read yet.
constexpr std::chrono::seconds kLinger{1};

Direction::Sets sets_of(const Rules& rules, std::shared_ptr<RuleSet> RulePair::*direction) {
  Direction::Sets sets{rules.own.*direction, {}};
  for (const RulePair& pair : rules.more) {
    sets.more.push_back(pair.*direction);
  }
  return sets;
}

/// Reads and forgets, until the peer has ended or there is nothing to read.
void drain(End& end) noexcept {
  static std::array<char, kBufferBytes> nowhere;
  // Bounded, so that a peer that never stops does not keep the loop.
  for (int i = 0; i < 16 && !end.over && end.watched.readable; ++i) {
    const ssize_t got = ::recv(end.fd.get(), nowhere.data(), nowhere.size(), 0);
    end.watched.readable = got > 0 || errno == EINTR;
    end.over = got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
  }
}

}  // namespace

Connection::Connection(RelayLoop& loop, ConnectionOwner& owner, Sockets sockets, const Rules& rules,
                       std::uint64_t number)
    : loop_(loop),
      owner_(owner),
      client_{.fd = std::move(sockets.client)},
      spare_(std::move(sockets.spare)),
      keep_alive_(sockets.keep_alive),
      forward_(client_, upstream_, sets_of(rules, &RulePair::forward), *this, number, loop.pool()),
      backward_(upstream_, client_, sets_of(rules, &RulePair::backward), *this, number,
                loop.pool()) {
  client_.watched.task = this;
  upstream_.watched.task = this;
}

Connection::~Connection() {
  loop_.forget(*this);
}

void Connection::start(FindUpstream find, TimePoint now) {
  find_ = std::move(find);
  if (!check(now)) {
    return;
  }
  if (forward_.effect().refuse) {
    ++forward_.count().refused;
    abort();
    return;
  }
  tune(client_.fd.get(), keep_alive_);
  if (!loop_.watch(client_.fd.get(), client_.watched)) {
    abort();
    return;
  }
  client_.watched.readable = true;
  client_.watched.writable = true;
  dial_at_ = after(now, forward_.rules().draw_accept_delay());
  run_waiting(now);
}

void Connection::run(TimePoint now) noexcept {
  switch (stage_) {
    case Stage::Waiting:
      run_waiting(now);
      break;
    case Stage::Finding:
      static_cast<void>(check(now));
      break;
    case Stage::Dialling:
      run_dialling(now);
      break;
    case Stage::Open:
      run_open(now);
      break;
    case Stage::Lingering:
      run_lingering(now);
      break;
    case Stage::Ended:
      break;
  }
}

void Connection::rules_changed() noexcept {
  forward_.mark_changed();
  backward_.mark_changed();
  loop_.queue(*this);
}

/// @return false when the connection goes no further
bool Connection::check(TimePoint now) {
  if (!obey(forward_.check(now)) || !obey(backward_.check(now))) {
    return false;
  }
  client_.look();
  if (client_.broken && stage_ != Stage::Dialling) {
    // The dialer has given up, and nobody knows of it yet.
    finish();
    return false;
  }
  set_time();
  return true;
}

/// @return false when the connection goes no further
bool Connection::obey(Direction::Outcome outcome) {
  if (outcome == Direction::Outcome::Reset) {
    abort();
  } else if (outcome == Direction::Outcome::Close) {
    close();
  }
  return outcome == Direction::Outcome::GoesOn;
}

void Connection::set_time() {
  TimePoint wake = std::min(forward_.wake(), backward_.wake());
  if (stage_ == Stage::Waiting) {
    wake = std::min(wake, dial_at_);
  }
  loop_.set_time(*this, wake);
}

void Connection::run_waiting(TimePoint now) {
  if (!check(now)) {
    return;
  }
  if (forward_.effect().hold || backward_.effect().hold) {
    // A packet of the handshake would be lost either way. The rules' end is told to us.
    (forward_.effect().hold ? forward_ : backward_).note_hold();
    loop_.set_time(*this, std::min(forward_.wake(), backward_.wake()));
    return;
  }
  if (now < dial_at_) {
    return;
  }
  stage_ = Stage::Finding;
  set_time();
  find_([self = weak_from_this()](std::vector<Endpoint> addresses) {
    const auto connection = self.lock();
    if (connection && connection->stage_ == Stage::Finding) {
      std::reverse(addresses.begin(), addresses.end());
      connection->addresses_ = std::move(addresses);
      connection->dial_next();
    }
  });
}

void Connection::dial_next() {
  while (!addresses_.empty()) {
    const Endpoint address = addresses_.back();
    addresses_.pop_back();
    const int family = address.protocol().family();
    UniqueFd fd = std::exchange(spare_, UniqueFd());
    if (!fd || family_of(fd.get()) != family) {
      fd.reset();
      fd = new_socket(family);
    }
    if (!fd) {
      continue;
    }
    tune(fd.get(), keep_alive_);
    const int result = ::connect(fd.get(), address.data(), static_cast<socklen_t>(address.size()));
    if (result != 0 && errno != EINPROGRESS) {
      continue;
    }
    upstream_.fd = std::move(fd);
    upstream_.watched = {.task = this};
    if (loop_.watch(upstream_.fd.get(), upstream_.watched)) {
      stage_ = Stage::Dialling;
      return;
    }
  }
  owner_.dial_failed();
  abort();
}

void Connection::run_dialling(TimePoint now) {
  if (!check(now) || !upstream_.watched.writable) {
    return;
  }
  if (take_error(upstream_.fd.get()) != 0) {
    upstream_.fd.reset();
    dial_next();
    return;
  }
  upstream_.watched.failed = false;
  stage_ = Stage::Open;
  find_ = {};
  addresses_ = {};
  run_open(now);
}

void Connection::run_open(TimePoint now) {
  client_.look();
  upstream_.look();
  if (!obey(forward_.move(now)) || !obey(backward_.move(now))) {
    return;
  }
  if ((forward_.ended() && backward_.ended()) || (client_.broken && upstream_.broken)) {
    finish();
    return;
  }
  if (forward_.unfinished() || backward_.unfinished()) {
    loop_.queue(*this);
  }
  set_time();
}

void Connection::abort() {
  if (stage_ == Stage::Ended) {
    return;
  }
  if (client_.fd) {
    reset(client_.fd);
  }
  if (upstream_.fd) {
    reset(upstream_.fd);
  }
  finish();
}

void Connection::close() {
  if (stage_ == Stage::Ended || stage_ == Stage::Lingering) {
    return;
  }
  const bool is_open = stage_ == Stage::Open;
  stage_ = Stage::Lingering;
  linger_until_ = Clock::now() + kLinger;
  static_cast<void>(::shutdown(client_.fd.get(), SHUT_WR));
  if (is_open) {
    static_cast<void>(::shutdown(upstream_.fd.get(), SHUT_WR));
  } else {
    upstream_.fd.reset();
  }
  loop_.set_time(*this, linger_until_);
  loop_.queue(*this);
}

void Connection::drop() {
  if (stage_ == Stage::Ended) {
    return;
  }
  for (End* end : {&client_, &upstream_}) {
    if (end->fd) {
      // A socket that is closed with unread bytes is reset.
      end->watched.readable = true;
      drain(*end);
    }
  }
  finish();
}

void Connection::run_lingering(TimePoint now) {
  bool is_over = true;
  for (End* end : {&client_, &upstream_}) {
    if (end->fd) {
      drain(*end);
      is_over = is_over && end->over;
    }
  }
  if (is_over || now >= linger_until_) {
    finish();
  } else if ((client_.watched.readable && !client_.over) ||
             (upstream_.watched.readable && !upstream_.over)) {
    loop_.queue(*this);
  }
}

void Connection::finish() {
  if (std::exchange(stage_, Stage::Ended) == Stage::Ended) {
    return;
  }
  client_.watched.task = nullptr;
  upstream_.watched.task = nullptr;
  client_.fd.reset();
  upstream_.fd.reset();
  spare_.reset();
  loop_.forget(*this);
  loop_.descriptor_freed();
  owner_.ended(*this);
}

}  // namespace tinet::proxy
