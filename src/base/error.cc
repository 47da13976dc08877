#include "src/base/error.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace tinet {

namespace {

struct KindName {
  ErrorKind kind;
  std::string_view name;
  int exit_code;
};

constexpr KindName kKinds[] = {
    {ErrorKind::Operation, "operation", 1},
    {ErrorKind::Usage, "usage", 2},
    {ErrorKind::Unavailable, "unavailable", 3},
    {ErrorKind::Conflict, "conflict", 4},
    {ErrorKind::Check, "check", 5},
    {ErrorKind::Interrupted, "interrupted", 130},
};

const KindName& entry(ErrorKind kind) noexcept {
  for (const auto& candidate : kKinds) {
    if (candidate.kind == kind) {
      return candidate;
    }
  }
  return kKinds[0];
}

ErrorKind kind_of(int error) noexcept {
  switch (error) {
    case EPERM:
    case EACCES:
    case ENOSYS:
    case EOPNOTSUPP:
    case EAFNOSUPPORT:
      return ErrorKind::Unavailable;
    default:
      return ErrorKind::Operation;
  }
}

/// The way out that holds wherever the error comes from; empty when there is none.
const char* hint_of(int error) noexcept {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "make room on that file system";
    case EMFILE:
      return "raise the limit of open files: ulimit -n";
    default:
      return "";
  }
}

}  // namespace

int exit_code(ErrorKind kind) noexcept {
  return entry(kind).exit_code;
}

std::string_view to_string(ErrorKind kind) noexcept {
  return entry(kind).name;
}

ErrorKind error_kind_from(std::string_view name) noexcept {
  for (const auto& candidate : kKinds) {
    if (candidate.name == name) {
      return candidate.kind;
    }
  }
  return ErrorKind::Operation;
}

Error::Error(ErrorKind kind, const std::string& message, std::string hint)
    : std::runtime_error(message), kind_(kind), hint_(std::move(hint)) {}

Error& Error::about(std::string instance, std::string log_tail) {
  instance_ = std::move(instance);
  log_tail_ = std::move(log_tail);
  return *this;
}

void throw_errno(int error, const std::string& what, const std::string& hint) {
  throw Error(kind_of(error), what + ": " + std::generic_category().message(error),
              hint.empty() ? hint_of(error) : hint);
}

void throw_usage(const std::string& what, const std::string& hint) {
  throw Error(ErrorKind::Usage, what, hint);
}

void throw_conflict(const std::string& what, const std::string& hint) {
  throw Error(ErrorKind::Conflict, what, hint);
}

void throw_unavailable(const std::string& what, const std::string& hint) {
  throw Error(ErrorKind::Unavailable, what, hint);
}

void throw_operation(const std::string& what, const std::string& hint) {
  throw Error(ErrorKind::Operation, what, hint);
}

void assertion_failed(const char* condition, const char* file, int line) noexcept {
  static_cast<void>(
      std::fprintf(stderr, "tinet: assertion failed: %s (%s:%d)\n", condition, file, line));
  std::abort();
}

}  // namespace tinet
