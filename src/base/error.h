#pragma once
/// The one exception type of tinet. What fails carries what the caller can do about it (the kind),
/// a message that names the thing and the cause, and, when there is one, a hint that names the way
/// out. Only src/cli/main.cc prints errors and only the control server turns them into JSON.

#include <stdexcept>
#include <string>
#include <string_view>

namespace tinet {

/// What the caller can do about a failure; each kind is one exit code of the command line.
enum class ErrorKind {
  Operation,    ///< 1: the operation failed (crash, timeout, ENOSPC)
  Usage,        ///< 2: wrong words or a bad file; nothing was changed
  Unavailable,  ///< 3: not possible here (privilege, kernel feature, missing binary)
  Conflict,     ///< 4: conflicts with the current state
  Check,        ///< 5: the system under test failed a check
  Interrupted,  ///< 130: interrupted by the user
};

/// Exit code of the command line for a kind: 1, 2, 3, 4, 5 or 130.
[[nodiscard]] int exit_code(ErrorKind kind) noexcept;

/// Stable lower-case name used in JSON: "operation", "usage", "unavailable", "conflict", "check",
/// "interrupted".
[[nodiscard]] std::string_view to_string(ErrorKind kind) noexcept;

/// Inverse of to_string(); an unknown name is Operation, so that an error of a newer supervisor
/// still is one.
[[nodiscard]] ErrorKind error_kind_from(std::string_view name) noexcept;

/// Message style: lower case, verb and object, single-quoted names, no full stop.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message, std::string hint = {});

  [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }
  [[nodiscard]] const std::string& hint() const noexcept { return hint_; }
  /// Instance that the failure is about; empty when it is about none.
  [[nodiscard]] const std::string& instance() const noexcept { return instance_; }
  /// Last lines of that instance's log; empty when there are none.
  [[nodiscard]] const std::string& log_tail() const noexcept { return log_tail_; }

  /// Attaches the instance the failure is about and the end of its log.
  Error& about(std::string instance, std::string log_tail = {});

 private:
  ErrorKind kind_;
  std::string hint_;
  std::string instance_;
  std::string log_tail_;
};

/// Throws Error with ": <strerror(error)>" appended to `what`. EPERM, EACCES, ENOSYS, EOPNOTSUPP
/// and EAFNOSUPPORT are Unavailable, everything else is Operation. Without a hint of the caller's,
/// a full disk and too many open files bring their own.
/// @param error errno, saved on the line after the call that failed
[[noreturn]] void throw_errno(int error, const std::string& what, const std::string& hint = {});

[[noreturn]] void throw_usage(const std::string& what, const std::string& hint = {});
[[noreturn]] void throw_conflict(const std::string& what, const std::string& hint = {});
[[noreturn]] void throw_unavailable(const std::string& what, const std::string& hint = {});
[[noreturn]] void throw_operation(const std::string& what, const std::string& hint = {});

}  // namespace tinet

/// For programmer errors, in release builds too: prints the place and aborts. Never on input, the
/// kernel or a child process.
#define TINET_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::tinet::assertion_failed(#condition, __FILE__, __LINE__))

namespace tinet {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line) noexcept;
}
