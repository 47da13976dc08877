#include "src/supervisor/http_message.h"

#include <charconv>
#include <optional>
#include <utility>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/json.hpp>

#include "src/base/text.h"

namespace tinet {

namespace http = boost::beast::http;

namespace {

constexpr unsigned kBadRequest = 400;
constexpr unsigned kTooLarge = 413;

/// "%2Fa+b" is "/a b" in a query; in a path '+' stands for itself.
std::string percent_decode(std::string_view text, bool plus_is_blank) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_blank) {
      decoded += ' ';
    } else if (text[i] != '%') {
      decoded += text[i];
    } else {
      const auto digits = text.substr(i + 1, 2);
      unsigned value = 0;
      const auto [end, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
      if (digits.size() != 2 || error != std::errc() || end != digits.data() + 2) {
        throw HttpError(kBadRequest, "malformed escape in the request target");
      }
      decoded += static_cast<char>(value);
      i += 2;
    }
  }
  return decoded;
}

std::map<std::string, std::string> parse_query(std::string_view text) {
  std::map<std::string, std::string> query;
  for (const auto& part : split(text, '&')) {
    const auto equals = part.find('=');
    const std::string_view name = std::string_view(part).substr(0, equals);
    const std::string_view value = equals == std::string::npos
                                       ? std::string_view()
                                       : std::string_view(part).substr(equals + 1);
    query[percent_decode(name, true)] = percent_decode(value, true);
  }
  return query;
}

std::string head(unsigned status, std::string_view fields) {
  const auto reason = http::obsolete_reason(http::int_to_status(status));
  std::string text = "HTTP/1.1 " + std::to_string(status) + " ";
  text.append(reason.data(), reason.size());
  text += "\r\n";
  text += fields;
  text += "\r\n";
  return text;
}

}  // namespace

struct RequestReader::Parser {
  std::optional<http::request_parser<http::string_body>> request;
  bool expectation_taken = false;
};

RequestReader::RequestReader(const HttpLimits& limits) : parser_(std::make_unique<Parser>()) {
  auto& request = parser_->request.emplace();
  request.eager(true);
  request.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
  request.body_limit(limits.body_bytes);
}

RequestReader::RequestReader(RequestReader&&) noexcept = default;
RequestReader& RequestReader::operator=(RequestReader&&) noexcept = default;
RequestReader::~RequestReader() = default;

bool RequestReader::feed(std::string& bytes) {
  auto& request = *parser_->request;
  while (!request.is_done() && !bytes.empty()) {
    boost::system::error_code error;
    const auto taken = request.put(boost::asio::buffer(bytes), error);
    bytes.erase(0, taken);
    if (error == http::error::need_more) {
      break;
    }
    if (error == http::error::header_limit || error == http::error::body_limit) {
      throw HttpError(kTooLarge, error == http::error::body_limit
                                     ? "the request's body is too large"
                                     : "the request's header is too large");
    }
    if (error) {
      throw HttpError(kBadRequest, "malformed request: " + error.message());
    }
  }
  return request.is_done();
}

bool RequestReader::take_expectation() noexcept {
  const auto& request = *parser_->request;
  if (parser_->expectation_taken || !request.is_header_done() || request.is_done()) {
    return false;
  }
  parser_->expectation_taken = true;
  return boost::beast::iequals(request.get()[http::field::expect], "100-continue");
}

HttpMessage RequestReader::take() {
  auto request = parser_->request->release();
  const std::string_view target(request.target().data(), request.target().size());
  const auto question = target.find('?');
  HttpMessage message;
  message.method = std::string(request.method_string());
  message.path = percent_decode(target.substr(0, question), false);
  if (question != std::string_view::npos) {
    message.query = parse_query(target.substr(question + 1));
  }
  message.keep_alive = request.keep_alive();
  message.may_chunk = request.version() >= 11;
  message.body = std::move(request.body());
  return message;
}

std::string document_answer(unsigned status, const boost::json::value& document, bool keep_alive) {
  const std::string body = boost::json::serialize(document) + "\n";
  std::string fields = "Content-Type: application/json\r\nContent-Length: ";
  fields += std::to_string(body.size());
  fields += keep_alive ? "\r\n" : "\r\nConnection: close\r\n";
  return head(status, fields) + body;
}

std::string stream_head(bool chunked) {
  return head(200, chunked ? "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n"
                           : "Content-Type: application/x-ndjson\r\nConnection: close\r\n");
}

std::string chunk(std::string_view text) {
  char size[2 * sizeof text.size()];
  const auto end = std::to_chars(size, size + sizeof size, text.size(), 16).ptr;
  std::string piece(size, end);
  piece += "\r\n";
  piece += text;
  piece += "\r\n";
  return piece;
}

unsigned http_status(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::Usage:
      return 400;
    case ErrorKind::Unavailable:
      return 501;
    case ErrorKind::Conflict:
      return 409;
    case ErrorKind::Check:
      return 422;
    case ErrorKind::Operation:
    case ErrorKind::Interrupted:
      return 500;
  }
  return 500;
}

}  // namespace tinet
