#include "src/cli/effect_view.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include <boost/json.hpp>

#include "src/base/text.h"
#include "src/base/units.h"
#include "src/cli/json_view.h"
#include "src/cli/output.h"

namespace tinet::cli {

namespace json = boost::json;

namespace {

/// Milliseconds, whole or not, as "50ms"; empty when there are none.
std::string milliseconds(const json::value& object, std::string_view member) {
  const auto& value = member_of(object, member);
  if (value.is_double()) {
    return format_duration(Nanoseconds(std::llround(value.get_double() * 1e6)));
  }
  const auto whole = number_of(object, member);
  return whole ? format_duration(Milliseconds(*whole)) : "";
}

void add_words(std::vector<std::string>& parts, const std::string& name, const std::string& value) {
  if (!value.empty()) {
    parts.push_back(name + " " + value);
  }
}

void add_cut(std::vector<std::string>& parts, const json::value& object) {
  for (const char* member : {"cut", "mode"}) {
    const std::string mode = text_of(object, member);
    if (!mode.empty()) {
      parts.push_back(mode == "drop" ? "cut" : "cut (" + mode + ")");
    }
  }
}

void add_delay(std::vector<std::string>& parts, const json::value& object) {
  add_words(parts, "delay", milliseconds(object, "delay_ms"));
  const std::string jitter = milliseconds(object, "jitter_ms");
  if (jitter.empty()) {
    return;
  }
  std::vector<std::string> details;
  if (const auto name = text_of(object, "distribution"); !name.empty()) {
    details.push_back(name);
  }
  add_words(details, "correlation", text_of(object, "correlation"));
  parts.push_back("jitter " + jitter + (details.empty() ? "" : " (" + join(details, ", ") + ")"));
}

/// "rate 1mbit (queue 500 packets, burst 16kb)".
void add_rate(std::vector<std::string>& parts, const json::value& object) {
  const std::string rate = text_of(object, "rate");
  if (rate.empty()) {
    return;
  }
  std::vector<std::string> details;
  if (const auto packets = number_of(object, "rate_queue_packets")) {
    details.push_back("queue " + std::to_string(*packets) + " packets");
  }
  if (const auto bytes = number_of(object, "rate_burst_bytes")) {
    details.push_back("burst " + format_size(static_cast<std::uint64_t>(*bytes)));
  }
  parts.push_back("rate " + rate + (details.empty() ? "" : " (" + join(details, ", ") + ")"));
}

void add_flap(std::vector<std::string>& parts, const json::value& flap) {
  const std::string down = milliseconds(flap, "down_ms");
  if (down.empty()) {
    return;
  }
  const auto times = number_of(flap, "times").value_or(0);
  parts.push_back(down + " down, " + milliseconds(flap, "up_ms") + " up" +
                  (times > 0 ? ", " + std::to_string(times) + " times" : ""));
}

/// "on tcp port 2379, new connections", "after 2mb".
std::string match_words(const json::value& match) {
  std::string ports;
  for (const char* member : {"to_ports", "from_ports"}) {
    std::vector<std::string> numbers;
    for (const auto& port : array_of(match, member)) {
      numbers.push_back(json::serialize(port));
    }
    // The replies come from the ports that the requests go to.
    ports = ports.empty() ? join(numbers, ",") : ports;
  }
  std::vector<std::string> parts;
  std::string head = text_of(match, "protocol");
  head += ports.empty() ? "" : (head.empty() ? "port " : " port ") + ports;
  if (!head.empty()) {
    parts.push_back(head);
  }
  if (const auto which = text_of(match, "connections"); !which.empty()) {
    parts.push_back(which + " connections");
  }
  if (const auto first = number_of(match, "first")) {
    parts.push_back("the first " + plural(static_cast<std::uint64_t>(*first), "packet"));
  }
  std::string text = parts.empty() ? "" : "on " + join(parts, ", ");
  if (const auto after = number_of(match, "after_bytes")) {
    text += text.empty() ? "after " : ", after ";
    text += format_size(static_cast<std::uint64_t>(*after));
  }
  return text;
}

std::string action_words(const json::value& object) {
  std::vector<std::string> parts;
  add_cut(parts, object);
  if (is_true(object, "hold")) {
    parts.emplace_back("held");
  }
  add_words(parts, "loss", text_of(object, "loss"));
  add_words(parts, "lost replies", text_of(object, "lost_replies"));
  for (const auto& burst : array_of(object, "bursts")) {
    parts.push_back("loss in bursts " + text_of(burst, "begin") + "," + text_of(burst, "end"));
  }
  add_delay(parts, object);
  add_words(parts, "duplicate", text_of(object, "duplicate"));
  const std::string corrupt = text_of(object, "corrupt");
  add_words(parts, "corrupt", corrupt + (is_true(object, "silent") ? " (silent)" : ""));
  add_words(parts, "reorder", text_of(object, "reorder"));
  add_rate(parts, object);
  add_flap(parts, member_of(object, "flap"));
  return join(parts, ", ");
}

/// An action and the packets it means.
std::string scoped_words(const json::value& object) {
  const std::string action = action_words(object);
  const std::string match = match_words(member_of(object, "match"));
  return match.empty() || action.empty() ? action + match : action + " " + match;
}

/// Clauses are for different links. Those that say the same are told once, and what all of them do
/// (`own`) goes before what tells them apart: "cut on port 2379 or 2380".
std::string clause_words(const json::array& clauses, std::vector<std::string>& own) {
  constexpr std::size_t kShown = 3;
  std::vector<std::string> distinct;
  for (const auto& clause : clauses) {
    const std::string words = scoped_words(clause);
    if (!words.empty() && std::find(distinct.begin(), distinct.end(), words) == distinct.end()) {
      distinct.push_back(words);
    }
  }
  const bool by_match = !own.empty();
  if (distinct.size() > kShown) {
    const std::size_t rest = distinct.size() - (kShown - 1);
    distinct.resize(kShown - 1);
    distinct.push_back(std::to_string(rest) + " others");
  }
  std::string text = join(distinct, by_match ? " or " : "; ");
  if (by_match && !text.empty()) {
    text = own.back() + " " + text;
    own.pop_back();
  } else if (distinct.size() > 1) {
    text = "by link: " + text;
  }
  return text;
}

/// What was counted, without the zeros.
std::vector<std::pair<std::string, std::uint64_t>> counts(const json::value& packets) {
  std::vector<std::pair<std::string, std::uint64_t>> found;
  for (const char* what :
       {"dropped", "rejected", "passed", "delayed", "duplicated", "corrupted", "held"}) {
    if (const auto count = number_of(packets, what).value_or(0); count > 0) {
      found.emplace_back(what, static_cast<std::uint64_t>(count));
    }
  }
  return found;
}

}  // namespace

std::string effect_words(const json::value& effects) {
  std::vector<std::string> parts;
  if (std::string own = scoped_words(effects); !own.empty()) {
    parts.push_back(std::move(own));
  }
  for (const auto& scoped : array_of(effects, "scoped")) {
    parts.push_back(scoped_words(scoped));
  }
  const std::string clauses = clause_words(array_of(effects, "clauses"), parts);
  parts.push_back(clauses);
  std::erase(parts, "");
  return join(parts, "; ");
}

std::string packet_words(const json::value& packets) {
  std::vector<std::string> parts;
  for (const auto& [what, count] : counts(packets)) {
    parts.push_back(std::to_string(count) + " " + what);
  }
  return join(parts, ", ");
}

std::string packet_sentence(const json::value& packets) {
  std::string text;
  for (const auto& [what, count] : counts(packets)) {
    text += text.empty() ? plural(count, "packet") : ", " + std::to_string(count);
    text += " " + what;
  }
  return text.empty() ? "no packet matched" : text;
}

}  // namespace tinet::cli
