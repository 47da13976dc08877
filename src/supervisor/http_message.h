#pragma once
/// HTTP/1.1 messages as text: reads requests from bytes that arrive in any pieces, and writes
/// answers. No input or output, so that tests and the fuzzer can feed it anything.

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

#include "src/base/error.h"

namespace tinet {

/// What a request may be at most.
struct HttpLimits {
  std::size_t header_bytes = 16U << 10U;
  std::size_t body_bytes = 1U << 20U;
};

/// A request that is refused before any handler sees it: 400 malformed, 408 too slow, 413 too
/// large.
class HttpError : public Error {
 public:
  HttpError(unsigned status, const std::string& message)
      : Error(ErrorKind::Usage, message), status_(status) {}
  [[nodiscard]] unsigned status() const noexcept { return status_; }

 private:
  unsigned status_;
};

/// One request, taken apart.
struct HttpMessage {
  std::string method;  ///< "GET", "POST", ..
  std::string path;    ///< percent-decoded, without the query
  std::map<std::string, std::string> query;
  std::string body;
  bool keep_alive = true;
  bool may_chunk = true;  ///< false for HTTP/1.0, which knows no chunks
};

/// Reads one request.
class RequestReader {
 public:
  explicit RequestReader(const HttpLimits& limits);
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;
  RequestReader(RequestReader&&) noexcept;
  RequestReader& operator=(RequestReader&&) noexcept;
  ~RequestReader();

  /// Takes what belongs to this request off the front of `bytes`; what stays is to be offered again
  /// together with more, or belongs to the next request.
  /// @return true when the request is complete
  /// @throws HttpError
  bool feed(std::string& bytes);

  /// True once: the header is complete, the client waits for "100 Continue" before it sends the
  /// body.
  [[nodiscard]] bool take_expectation() noexcept;

  /// The request, once feed() returned true. @throws HttpError when its target is malformed
  [[nodiscard]] HttpMessage take();

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

/// A whole answer with a JSON document.
[[nodiscard]] std::string document_answer(unsigned status, const boost::json::value& document,
                                          bool keep_alive);

/// Head of an answer made of JSON lines; without chunks the end of the connection is its end.
[[nodiscard]] std::string stream_head(bool chunked);
/// One piece of a chunked answer; `text` is not empty.
[[nodiscard]] std::string chunk(std::string_view text);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

/// HTTP status of an error kind (src/api/README.md).
[[nodiscard]] unsigned http_status(ErrorKind kind) noexcept;

}  // namespace tinet
