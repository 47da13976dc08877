#pragma once
/// What the API answers when a request cannot be carried out.

#include <stdexcept>
#include <string>

namespace tinet::toxiproxy {

/// Becomes {"error": what, "status": status} with that HTTP status.
class ApiError : public std::runtime_error {
 public:
  ApiError(int status, const std::string& what) : std::runtime_error(what), status_(status) {}
  [[nodiscard]] int status() const noexcept { return status_; }

 private:
  int status_;
};

/// 400 for a body that is not what it should be.
[[noreturn]] inline void throw_bad_body(const std::string& what) {
  throw ApiError(400, "bad request body: " + what);
}

}  // namespace tinet::toxiproxy
