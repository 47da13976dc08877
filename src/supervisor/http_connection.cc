#include "src/supervisor/http_connection.h"

#include <array>
#include <cerrno>
#include <exception>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/json.hpp>

#include "src/api/requests.h"

namespace tinet {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr std::size_t kReadBytes = 16U << 10U;
/// What a client may send ahead of the answer it waits for, before we stop to listen.
constexpr std::size_t kAheadBytesMax = 64U << 10U;
constexpr unsigned kTimedOut = 408;

/// Both directions are closed, not just the client's sending one.
bool hung_up(int socket) noexcept {
  pollfd state{socket, 0, 0};
  return ::poll(&state, 1, 0) == 1 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

boost::json::value error_document(const Error& error) {
  return api::to_json(error);
}

}  // namespace

/// Lines as chunks, or plain for a client that knows none.
class HttpConnection::ChunkWriter final : public LineWriter {
 public:
  ChunkWriter(Socket& socket, bool chunked) : socket_(socket), chunked_(chunked) {}

  asio::awaitable<void> write(std::string line) override {
    line += '\n';
    if (chunked_) {
      line = chunk(line);
    }
    const auto buffer = asio::buffer(line);
    co_await asio::async_write(socket_, buffer, asio::use_awaitable);
  }

 private:
  Socket& socket_;
  bool chunked_;
};

HttpConnection::HttpConnection(Socket socket, PeerCredentials who, const HttpServerOptions& options,
                               const Handler& handler)
    : socket_(std::move(socket)),
      options_(options),
      handler_(handler),
      who_(who),
      deadline_(socket_.get_executor()) {}

asio::awaitable<void> HttpConnection::serve() {
  const auto self = shared_from_this();
  try {
    bool goes_on = true;
    while (goes_on) {
      goes_on = co_await serve_one();
    }
  } catch (const std::exception&) {
    // The client is gone or was cut off: there is nobody left to tell.
  }
  cut();
}

asio::awaitable<bool> HttpConnection::serve_one() {
  phase_ = Phase::Idle;
  HttpMessage message;
  unsigned refused = 0;
  boost::json::value document;
  try {
    const bool is_complete = co_await read_request(message);
    if (!is_complete) {
      co_return false;
    }
  } catch (const HttpError& error) {
    refused = error.status();
    document = error_document(error);
  }
  if (refused != 0) {
    co_await write_document(refused, std::move(document), false);
    co_return false;
  }

  phase_ = Phase::Answering;
  Response response = co_await run_handler(message);
  if (response.stream) {
    co_await write_stream(std::move(response.stream), message.may_chunk);
  } else {
    stop_watching();
    const bool stays = message.keep_alive && !finishing_;
    co_await write_document(response.status, std::move(response.document), stays);
  }
  const bool goes_on = message.keep_alive && message.may_chunk && !finishing_;
  co_return goes_on;
}

asio::awaitable<bool> HttpConnection::read_request(HttpMessage& message) {
  RequestReader reader(options_.limits);
  const bool is_first = !peer_;
  peer_ = std::make_shared<Peer>(who_);
  bool has_begun = !bytes_.empty();
  set_deadline(is_first || has_begun ? options_.request_timeout : options_.idle_timeout);
  bool is_complete = reader.feed(bytes_);
  while (!is_complete) {
    const bool got_some = co_await receive();
    if (timed_out_ && has_begun) {
      throw HttpError(kTimedOut, "the request did not arrive in time");
    }
    if (!got_some) {
      co_return false;
    }
    if (!has_begun) {
      has_begun = true;
      phase_ = Phase::Reading;
      set_deadline(options_.request_timeout);
    }
    is_complete = reader.feed(bytes_);
    if (reader.take_expectation()) {
      const auto interim = asio::buffer(kContinue);
      co_await asio::async_write(socket_, interim, asio::use_awaitable);
    }
  }
  deadline_.cancel();
  if (std::exchange(too_many_descriptors_, false)) {
    throw HttpError(400, "too many descriptors came with the request");
  }
  message = reader.take();
  co_return true;
}

/// @return false when no more bytes will come
asio::awaitable<bool> HttpConnection::receive() {
  std::array<char, kReadBytes> buffer;
  for (;;) {
    error_code error;
    auto token = asio::redirect_error(asio::use_awaitable, error);
    co_await socket_.async_wait(Socket::wait_read, token);
    if (error) {
      co_return false;
    }
    auto received = receive_message(socket_.native_handle(), buffer, MSG_DONTWAIT);
    if (received.error == EAGAIN || received.error == EINTR) {
      continue;
    }
    keep(buffer.data(), received);
    co_return received.error == 0 && received.bytes > 0;
  }
}

void HttpConnection::keep(const char* data, Received& received) {
  bytes_.append(data, received.bytes);
  for (auto& descriptor : received.descriptors) {
    descriptors_.push_back(std::move(descriptor));
  }
  if (received.truncated || descriptors_.size() > kDescriptorsMax) {
    too_many_descriptors_ = true;
    descriptors_.clear();
  }
}

asio::awaitable<Response> HttpConnection::run_handler(HttpMessage& message) {
  ++watch_;
  asio::co_spawn(socket_.get_executor(), watch_peer(), asio::detached);
  Response response;
  try {
    Request request;
    request.method = std::move(message.method);
    request.path = std::move(message.path);
    request.query = std::move(message.query);
    request.fds = std::exchange(descriptors_, {});
    request.peer = peer_;
    if (!message.body.empty()) {
      error_code error;
      request.body = boost::json::parse(message.body, error);
      if (error) {
        throw HttpError(400, "the request's body is not JSON: " + error.message());
      }
    }
    response = co_await handler_(std::move(request));
  } catch (const Error& error) {
    response = error_response(error);
  } catch (const std::exception& error) {
    response = error_response(
        Error(ErrorKind::Operation, std::string("the request failed: ") + error.what()));
  }
  co_return response;
}

asio::awaitable<void> HttpConnection::write_document(unsigned status, boost::json::value document,
                                                     bool keep_alive) {
  const std::string text = document_answer(status, document, keep_alive);
  set_deadline(options_.write_timeout);
  const auto buffer = asio::buffer(text);
  co_await asio::async_write(socket_, buffer, asio::use_awaitable);
  deadline_.cancel();
}

asio::awaitable<void> HttpConnection::write_stream(Stream stream, bool chunked) {
  const std::string head = stream_head(chunked);
  const auto head_buffer = asio::buffer(head);
  co_await asio::async_write(socket_, head_buffer, asio::use_awaitable);

  phase_ = Phase::Streaming;
  ChunkWriter writer(socket_, chunked);
  std::string failure;
  peer_->on_close([this] { stream_stop_.emit(asio::cancellation_type::terminal); });
  try {
    // Cancelled before it began to wait for anything, it would not notice.
    if (!finishing_ && !peer_->closed()) {
      auto token = asio::bind_cancellation_slot(stream_stop_.slot(), asio::use_awaitable);
      auto producer = stream(writer);
      co_await asio::co_spawn(socket_.get_executor(), std::move(producer), token);
    }
  } catch (const Error& error) {
    failure = boost::json::serialize(error_document(error));
  } catch (const boost::system::system_error& error) {
    if (error.code() != asio::error::operation_aborted) {
      throw;
    }
  }
  peer_->on_close({});
  stop_watching();
  if (!failure.empty()) {
    co_await writer.write(std::move(failure));
  }
  if (chunked) {
    const auto last = asio::buffer(kLastChunk);
    co_await asio::async_write(socket_, last, asio::use_awaitable);
  }
}

asio::awaitable<void> HttpConnection::watch_peer() {
  const auto self = shared_from_this();
  const auto number = watch_;
  const auto peer = peer_;
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  std::array<char, 4096> buffer;
  while (bytes_.size() < kAheadBytesMax) {
    co_await socket_.async_wait(Socket::wait_read, token);
    if (number != watch_ || error) {
      co_return;
    }
    auto received = receive_message(socket_.native_handle(), buffer, MSG_DONTWAIT);
    if (received.bytes > 0) {
      keep(buffer.data(), received);
      continue;
    }
    if (received.error == EAGAIN || received.error == EINTR) {
      continue;
    }
    // A client that closed only its sending direction still reads the answer.
    while (received.error == 0 && !hung_up(socket_.native_handle())) {
      co_await socket_.async_wait(Socket::wait_error, token);
      if (number != watch_ || error) {
        co_return;
      }
    }
    peer->mark_closed();
    co_return;
  }
}

void HttpConnection::stop_watching() {
  ++watch_;
  error_code ignored;
  socket_.cancel(ignored);
}

void HttpConnection::set_deadline(std::chrono::milliseconds limit) {
  timed_out_ = false;
  deadline_.expires_after(limit);
  deadline_.async_wait([self = weak_from_this()](error_code error) {
    const auto connection = self.lock();
    if (!error && connection) {
      connection->timed_out_ = true;
      error_code ignored;
      connection->socket_.cancel(ignored);
    }
  });
}

void HttpConnection::finish() {
  finishing_ = true;
  if (phase_ == Phase::Idle) {
    cut();
  } else if (phase_ == Phase::Streaming) {
    stream_stop_.emit(asio::cancellation_type::terminal);
  }
}

void HttpConnection::cut() {
  ++watch_;
  deadline_.cancel();
  error_code ignored;
  socket_.close(ignored);
  if (peer_) {
    peer_->mark_closed();
  }
}

}  // namespace tinet
