#include "src/topology/readiness.h"

#include <charconv>
#include <regex>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/topology/json_text.h"

namespace tinet {
namespace {

namespace json = boost::json;

/// std::regex recurses per character; these bounds keep foreign text away from the stack's end.
constexpr std::size_t kMaxPattern = 500;
constexpr std::size_t kMaxLine = 2000;

std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 80;
  const auto line = trim(text.substr(0, text.find('\n')));
  return "'" + std::string(line.substr(0, kShown)) + (line.size() > kShown ? "..." : "") + "'";
}

/// "/store/state_name" is called state_name.
std::string field(std::string_view pointer) {
  const auto slash = pointer.rfind('/');
  return std::string(slash == std::string_view::npos ? pointer : pointer.substr(slash + 1));
}

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

/// Integers beyond 2^53 differ as text where their doubles are equal, so text goes first; doubles
/// only settle spellings such as 0 and 0.0.
bool equals(const json::value& value, const std::string& wanted) {
  const auto text = detail::scalar_text(value);
  if (text == wanted) {
    return !value.is_null() && !value.is_structured();
  }
  if (!value.is_double()) {
    return false;
  }
  const auto number = number_of(wanted);
  return number && *number == value.get_double();
}

bool at_least(const json::value& value, const std::string& wanted) {
  const auto left = number_of(detail::scalar_text(value));
  const auto right = number_of(wanted);
  return left && right && *left >= *right;
}

std::string shown(const json::value& value) {
  return value.is_structured() || value.is_null() ? "no plain value"
                                                  : quoted(detail::scalar_text(value));
}

/// nullopt when it holds; else why not.
std::optional<std::string> unmet_condition(const JsonCondition& condition,
                                           const json::value& document) {
  const auto* value = detail::at_pointer(document, condition.pointer);
  const auto name = field(condition.pointer);
  if (condition.op == JsonOp::Absent) {
    return value == nullptr ? std::nullopt : std::optional(name + " is still there");
  }
  if (value == nullptr) {
    return name + " is missing";
  }
  switch (condition.op) {
    case JsonOp::Equals:
      if (equals(*value, condition.value)) {
        return std::nullopt;
      }
      break;
    case JsonOp::NotEquals:
      if (!equals(*value, condition.value)) {
        return std::nullopt;
      }
      break;
    case JsonOp::AtLeast:
      if (at_least(*value, condition.value)) {
        return std::nullopt;
      }
      return name + " is " + shown(*value) + ", below " + condition.value;
    default:
      return std::nullopt;
  }
  return name + " is " + shown(*value);
}

/// How many conditions hold before the first that does not, and that one's reason.
struct Progress {
  std::size_t met = 0;
  std::optional<std::string> reason;
};

Progress progress(const std::vector<JsonCondition>& conditions, const json::value& document) {
  Progress progress;
  for (const auto& condition : conditions) {
    progress.reason = unmet_condition(condition, document);
    if (progress.reason) {
      break;
    }
    ++progress.met;
  }
  return progress;
}

/// The element that comes closest explains what is missing: the store with the right address, say.
std::optional<std::string> unmet_in_array(const JsonExpectation& expectation,
                                          const json::value& document) {
  const auto* array = detail::at_pointer(document, expectation.in);
  if (array == nullptr || !array->is_array()) {
    return field(expectation.in) + " is missing";
  }
  Progress best;
  for (const auto& element : array->get_array()) {
    auto here = progress(expectation.conditions, element);
    if (!here.reason) {
      return std::nullopt;
    }
    if (!best.reason || here.met > best.met) {
      best = std::move(here);
    }
  }
  if (best.met > 0) {
    return best.reason;
  }
  if (expectation.conditions.empty()) {
    return field(expectation.in) + " is empty";
  }
  const auto& first = expectation.conditions.front();
  return field(expectation.in) + " has none with " + field(first.pointer) + " '" + first.value +
         "'";
}

std::optional<std::string> unmet_json(const HttpCheck& check, const std::string& body) {
  if (check.json.empty()) {
    return std::nullopt;
  }
  const auto document = detail::parse_json_text(body);
  if (!document) {
    return "the answer is not JSON: " + quoted(body);
  }
  for (const auto& expectation : check.json) {
    auto reason = expectation.in.empty() ? progress(expectation.conditions, *document).reason
                                         : unmet_in_array(expectation, *document);
    if (reason) {
      return reason;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> unmet(const HttpCheck& check, const HttpAnswer& answer,
                                 std::string_view asked) {
  std::optional<std::string> reason;
  if (answer.status == 0) {
    reason = answer.error.empty() ? "no answer" : answer.error;
  } else if (answer.status != check.status) {
    reason = "status " + std::to_string(answer.status) +
             (trim(answer.body).empty() ? "" : ": " + quoted(answer.body));
  } else {
    reason = unmet_json(check, answer.body);
  }
  if (!reason) {
    return std::nullopt;
  }
  const auto path = check.path.substr(0, check.path.find('?'));
  return std::string(asked) + " " + path + ": " + *reason;
}

struct LogPattern::Impl {
  std::regex regex;
};

LogPattern::LogPattern(const std::string& pattern) {
  if (pattern.size() > kMaxPattern) {
    throw_usage("the pattern is longer than " + std::to_string(kMaxPattern) + " characters");
  }
  try {
    impl_ = std::make_unique<Impl>(Impl{std::regex(pattern)});
  } catch (const std::regex_error& error) {
    throw_usage(error.what());
  }
}

LogPattern::LogPattern(LogPattern&&) noexcept = default;
LogPattern& LogPattern::operator=(LogPattern&&) noexcept = default;
LogPattern::~LogPattern() = default;

bool LogPattern::matches(std::string_view line) const {
  const auto text = line.substr(0, kMaxLine);
  try {
    return std::regex_search(text.begin(), text.end(), impl_->regex);
  } catch (const std::regex_error&) {
    // Too complex for this line: the line does not show readiness.
    return false;
  }
}

}  // namespace tinet
