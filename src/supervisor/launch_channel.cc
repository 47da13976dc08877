#include "src/supervisor/launch_channel.h"

#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "src/base/error.h"

namespace tinet {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::size_t kLaunchMax = 64U << 20U;

/// Nothing has come, not even the end. A wait alone does not tell: the loop may hand on an event
/// that was meant for a descriptor closed before.
bool is_idle(int socket) noexcept {
  char byte = 0;
  return ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
         (errno == EAGAIN || errno == EINTR);
}

}  // namespace

/// Shared with the pending wait, so that close() may come first.
struct LaunchChannel::Watch : std::enable_shared_from_this<LaunchChannel::Watch> {
  explicit Watch(const asio::any_io_executor& executor) : descriptor(executor) {}
  /// A duplicate, because the descriptor owned by the loop is closed with it.
  void open(int socket) {
    if (!descriptor.is_open()) {
      descriptor.assign(::fcntl(socket, F_DUPFD_CLOEXEC, 3));
    }
  }
  /// `tinet start` sends nothing before it has the outcome: something to read is the end.
  void await_close() {
    descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                          [watch = shared_from_this()](const boost::system::error_code& error) {
                            if (error || !watch->action) {
                              watch->armed = false;
                            } else if (is_idle(watch->descriptor.native_handle())) {
                              watch->await_close();
                            } else {
                              watch->armed = false;
                              const auto act = std::exchange(watch->action, nullptr);
                              act();
                            }
                          });
  }
  asio::posix::stream_descriptor descriptor;
  std::function<void()> action;
  bool armed = false;
};

LaunchChannel::LaunchChannel(const asio::any_io_executor& executor, UniqueFd socket)
    : socket_(std::move(socket)), watch_(std::make_shared<Watch>(executor)) {}

LaunchChannel::~LaunchChannel() {
  close();
}

Launch LaunchChannel::receive() {
  std::string text;
  char buffer[65536];
  while (text.find('\n') == std::string::npos) {
    const ssize_t count = ::read(socket_.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      throw Error(ErrorKind::Interrupted, "whoever started the supervisor is gone");
    }
    text.append(buffer, static_cast<std::size_t>(count));
    if (text.size() > kLaunchMax) {
      throw_usage("the launch document is larger than 64 MiB");
    }
  }
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  const auto* object = error ? nullptr : document.if_object();
  const auto* plan = object == nullptr ? nullptr : object->if_contains("plan");
  if (plan == nullptr) {
    throw_usage("the launch document is malformed", "start clusters with: tinet start");
  }
  Launch launch;
  launch.plan = plan_from_json(*plan);
  if (const auto* faults = object->if_contains("faults"); faults != nullptr && faults->is_array()) {
    for (const auto& fault : faults->as_array()) {
      launch.faults.push_back(api::parse_request<api::FaultRequest>(fault));
    }
  }
  return launch;
}

void LaunchChannel::send(const json::object& line) noexcept {
  if (!socket_) {
    return;
  }
  const std::string text = json::serialize(line) + "\n";
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t count =
        ::send(socket_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return;
    }
    sent += static_cast<std::size_t>(count);
  }
}

void LaunchChannel::on_close(std::function<void()> action) {
  watch_->action = std::move(action);
  if (watch_->armed || !watch_->action || !socket_) {
    return;
  }
  watch_->armed = true;
  watch_->open(socket_.get());
  watch_->await_close();
}

asio::awaitable<bool> LaunchChannel::taken() {
  if (!socket_) {
    co_return false;
  }
  watch_->open(socket_.get());
  boost::system::error_code error;
  do {
    co_await watch_->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                           asio::redirect_error(asio::use_awaitable, error));
  } while (!error && is_idle(socket_.get()));
  char byte = 0;
  co_return !error && ::recv(socket_.get(), &byte, 1, MSG_DONTWAIT) == 1;
}

void LaunchChannel::close() noexcept {
  boost::system::error_code ignored;
  if (watch_->descriptor.is_open()) {
    watch_->descriptor.close(ignored);
  }
  socket_.reset();
}

}  // namespace tinet
