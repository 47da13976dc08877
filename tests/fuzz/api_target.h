#pragma once
/// What a stranger's bytes on the control socket go through: HTTP, JSON, request bodies. Shared by
/// the fuzzer and by the unit test that replays its corpus.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json.hpp>

#include "src/api/requests.h"
#include "src/base/error.h"
#include "src/supervisor/http_message.h"

namespace tinet::fuzz {

/// What became of a request: refused with a status, complete with a body, or neither yet.
struct ReadOutcome {
  unsigned refused = 0;
  std::optional<std::string> body;
  friend bool operator==(const ReadOutcome&, const ReadOutcome&) = default;
};

inline ReadOutcome read_request(std::string_view bytes, std::size_t piece) {
  RequestReader reader({.header_bytes = 1024, .body_bytes = 4096});
  std::string pending;
  try {
    while (!bytes.empty()) {
      pending += bytes.substr(0, piece);
      bytes.remove_prefix(std::min(piece, bytes.size()));
      if (reader.feed(pending)) {
        return {.refused = 0, .body = reader.take().body};
      }
      static_cast<void>(reader.take_expectation());
    }
  } catch (const HttpError& error) {
    return {.refused = error.status(), .body = std::nullopt};
  }
  return {};
}

/// A body that is accepted means the same after a trip through to_json().
template <typename RequestBody>
void parse_body(const boost::json::value& document) {
  try {
    const auto request = api::parse_request<RequestBody>(document);
    const auto again = api::to_json(request);
    TINET_ASSERT(api::to_json(api::parse_request<RequestBody>(again)) == again);
  } catch (const Error& error) {
    TINET_ASSERT(error.kind() == ErrorKind::Usage);
  }
}

inline void parse_text(std::string_view text) {
  boost::system::error_code error;
  const auto document = boost::json::parse(text, error);
  if (error) {
    return;
  }
  parse_body<api::FaultRequest>(document);
  parse_body<api::ApplyRequest>(document);
  parse_body<api::ReleaseRequest>(document);
  parse_body<api::HealRequest>(document);
  parse_body<api::InstanceRequest>(document);
  parse_body<api::WaitRequest>(document);
  parse_body<api::StopRequest>(document);
  parse_body<api::ExecRequest>(document);
  parse_body<api::CaptureRequest>(document);
  static_cast<void>(api::error_from_json(document));
}

/// Everything at once; aborts when a promise does not hold.
inline ReadOutcome run(std::string_view bytes) {
  const auto whole = read_request(bytes, bytes.size() + 1);
  // Pieces change only where a too large header is noticed, not whether a good request is read.
  const auto pieces = read_request(bytes, 1);
  TINET_ASSERT(whole.body == pieces.body || !whole.body || !pieces.body);
  if (whole.body) {
    parse_text(*whole.body);
  }
  parse_text(bytes);
  return whole;
}

}  // namespace tinet::fuzz
