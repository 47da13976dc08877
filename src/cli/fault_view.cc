#include "src/cli/fault_view.h"

#include <chrono>
#include <cstdint>

#include <boost/json.hpp>

#include "src/base/text.h"
#include "src/base/units.h"
#include "src/cli/json_view.h"
#include "src/cli/output.h"

namespace tinet::cli {

namespace json = boost::json;

namespace {

/// Names in a row, shortened: a list of a thousand instances says nothing.
std::string names(const std::vector<std::string>& all) {
  constexpr std::size_t kShown = 8;
  if (all.size() <= kShown) {
    return join(all, ", ");
  }
  const std::vector<std::string> first(all.begin(), all.begin() + kShown);
  return join(first, ", ") + " and " + std::to_string(all.size() - kShown) + " more";
}

std::string what_it_does(const json::value& fault) {
  const auto count = array_of(fault, "links").size();
  const std::string words = text_of(fault, "summary");
  // "A from B" would not be true of groups, which are cut off from each other.
  if (words.find('/') != std::string::npos) {
    return words + " (" + plural(count, "link") + ")";
  }
  std::string text = text_of(fault, "kind") + " " + names(texts_of(fault, "target"));
  const auto peers = texts_of(fault, "peers");
  if (!peers.empty()) {
    text += " from " + names(peers);
  }
  return count == 0 ? text : text + " (" + plural(count, "link") + ")";
}

/// Rounded for the eye: tenths of a second, from ten seconds on whole ones.
std::string ending(const json::value& fault) {
  using std::chrono::milliseconds;
  const auto left_ms = number_of(fault, "expires_in_ms");
  if (!left_ms) {
    return "";
  }
  const std::int64_t step = *left_ms >= 10'000 ? 1000 : *left_ms >= 1000 ? 100 : 1;
  return format_duration(milliseconds((*left_ms + step / 2) / step * step));
}

bool has_ended(const json::value& fault) {
  return number_of(fault, "ended_at_unix_ms").has_value();
}

std::uint64_t dropped(const json::value& object) {
  const auto count = number_of(member_of(object, "packets"), "dropped");
  return static_cast<std::uint64_t>(count.value_or(0));
}

std::string notes_text(const json::value& answer) {
  std::string text;
  for (const auto& note : texts_of(answer, "notes")) {
    text += note + "\n";
  }
  return text;
}

/// A fault verb answers with the fault itself; --dry-run wraps it.
const json::value& fault_in(const json::value& answer) {
  const auto& wrapped = member_of(answer, "fault");
  return wrapped.is_object() ? wrapped : answer;
}

std::string verify_text(const json::value& verify, bool color) {
  if (!verify.is_object()) {
    return "";
  }
  const auto pairs = number_of(verify, "pairs").value_or(0);
  const auto good = number_of(verify, "as_intended").value_or(0);
  std::string text = "verified: " + std::to_string(good) + " of " + std::to_string(pairs) +
                     " pairs are as intended\n";
  for (const auto& pair : array_of(verify, "wrong")) {
    const auto& ends = elements(pair);
    if (ends.size() == 2 && ends[0].is_string() && ends[1].is_string()) {
      text += paint("not as intended: " + std::string(ends[0].get_string()) + " > " +
                        std::string(ends[1].get_string()),
                    Color::Red, color) +
              "\n";
    }
  }
  return text;
}

}  // namespace

std::string fault_line(const json::value& fault) {
  std::string text = text_of(fault, "id") + ": " + what_it_does(fault);
  const std::string left = ending(fault);
  text += left.empty() ? "" : ", ends in " + left;
  return text + ", " + plural(dropped(fault), "packet") + " dropped";
}

std::string applied_text(const json::value& answer, const std::string& tinet, bool color) {
  const json::value& fault = fault_in(answer);
  const std::string id = text_of(fault, "id");
  const std::string left = ending(fault);
  std::string text =
      notes_text(answer) + paint(id, Color::Bold, color) + ": " + what_it_does(fault) + "\n";
  text += left.empty() ? "" : "ends by itself in " + left + "\n";
  text += "undo: " + tinet + " heal " + id + "\n";
  return text + verify_text(member_of(answer, "verify"), color);
}

std::string dry_run_fault_text(const json::value& answer) {
  std::string text = notes_text(answer) + "would be: " + what_it_does(fault_in(answer)) + "\n";
  text += "transaction:\n";
  for (const auto& message : texts_of(answer, "transaction")) {
    text += "  " + message + "\n";
  }
  return text;
}

std::string links_of_fault_text(const json::value& fault) {
  std::string text = "mechanism: " + text_of(fault, "mechanism") + "\n";
  for (const auto& link : array_of(fault, "links")) {
    const auto& ends = elements(link);
    if (ends.size() == 2 && ends[0].is_string() && ends[1].is_string()) {
      text += "  " + std::string(ends[0].get_string()) + " > " + std::string(ends[1].get_string()) +
              "\n";
    }
  }
  return text;
}

std::string healed_text(const json::value& answer) {
  std::string text = notes_text(answer);
  for (const auto& fault : array_of(answer, "healed")) {
    text += "healed " + text_of(fault, "id") + ": " + what_it_does(fault) + ", " +
            plural(dropped(fault), "packet") + " dropped\n";
  }
  return text.empty() ? "no fault was active\n" : text;
}

std::string faults_text(const json::value& faults, bool color) {
  if (elements(faults).empty()) {
    return "";
  }
  Table table({"ID", "KIND", "TARGET", "PEERS", "LINKS", "END", "DROPPED", "MECHANISM"});
  for (const auto& fault : elements(faults)) {
    const auto links = array_of(fault, "links").size();
    table.row({{text_of(fault, "id"), Color::Bold},
               {text_of(fault, "kind")},
               {names(texts_of(fault, "target"))},
               {names(texts_of(fault, "peers"))},
               {links == 0 ? "" : std::to_string(links)},
               {has_ended(fault) ? text_of(fault, "ended") : ending(fault)},
               {links == 0 ? "" : std::to_string(dropped(fault))},
               {text_of(fault, "mechanism")}});
  }
  return table.render(color);
}

std::string why_text(const json::value& answer, bool color) {
  const std::string reachable = text_of(answer, "reachable");
  const Color shade = reachable == "no" ? Color::Red : Color::Yellow;
  std::string text = text_of(answer, "from") + " > " + text_of(answer, "to") + ": " +
                     paint(reachable, reachable == "yes" ? Color::Green : shade, color) + "\n";
  const std::string reason = text_of(answer, "text");
  text += reason.empty() ? "" : reason + "\n";
  const auto faults = texts_of(answer, "faults");
  text += faults.empty() ? "" : "decided by: " + join(faults, ", ") + "\n";
  const std::string rule = text_of(answer, "rule");
  const bool is_told = rule.empty() || reason.find(rule) != std::string::npos;
  text += is_told ? "" : "rule (" + text_of(answer, "mechanism") + "): " + rule + "\n";
  return text;
}

}  // namespace tinet::cli
