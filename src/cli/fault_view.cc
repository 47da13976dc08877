#include "src/cli/fault_view.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

#include <boost/json.hpp>

#include "src/base/text.h"
#include "src/base/units.h"
#include "src/cli/effect_view.h"
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

std::string link_count(const json::value& fault) {
  const auto count = array_of(fault, "links").size();
  return count == 0 ? "" : " (" + plural(count, "link") + ")";
}

/// Groups, shapes, zones and matrices have no two sides that "A from B" could name.
bool has_sides(const std::string& summary) {
  for (const char* word : {" / ", " --shape ", " --between ", " --matrix "}) {
    if (summary.find(word) != std::string::npos) {
      return false;
    }
  }
  return true;
}

std::string what_it_does(const json::value& fault) {
  const std::string summary = text_of(fault, "summary");
  if (!has_sides(summary)) {
    return summary + link_count(fault);
  }
  const std::string kind = text_of(fault, "kind");
  const std::string target = names(texts_of(fault, "target"));
  const std::string peers = names(texts_of(fault, "peers"));
  std::string effect = effect_words(member_of(fault, "params"));
  if (kind == "flap" && effect.starts_with("cut, ")) {
    effect.erase(0, 5);
  }
  if (kind == "partition" || kind == "flap" || kind == "hold" || peers.empty() || effect.empty()) {
    // What the verb says itself is not said again.
    const bool told = effect.empty() || effect == "cut" || effect == "held";
    return kind + " " + target + (peers.empty() ? "" : " from " + peers) +
           (told ? "" : ", " + effect) + link_count(fault);
  }
  return effect + " between " + target + " and " + peers + link_count(fault);
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

/// Faults of processes count no packets, and relays count connections and pieces of data.
std::string counted(const json::value& fault) {
  if (array_of(fault, "links").empty()) {
    return "";
  }
  if (text_of(fault, "mechanism") == "proxy") {
    const std::string words = packet_words(member_of(fault, "packets"));
    return words.empty() ? ", nothing matched" : ", " + words;
  }
  return ", " + (is_true(fault, "matched_nothing") ? "matched no packet although there was traffic"
                                                   : packet_sentence(member_of(fault, "packets")));
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

/// "40.2ms"; three digits are what a measurement is good for.
std::string microseconds_text(std::int64_t count) {
  std::int64_t step = 1;
  while (count / step >= 1'000) {
    step *= 10;
  }
  return format_duration(std::chrono::microseconds((count + step / 2) / step * step));
}

/// The median of a member over all pairs, "no answer" when no pair has it.
std::string median_text(const std::vector<json::value>& trips, const char* member) {
  std::vector<std::int64_t> known;
  for (const auto& trip : trips) {
    if (const auto time = number_of(trip, member)) {
      known.push_back(*time);
    }
  }
  std::sort(known.begin(), known.end());
  return known.empty() ? "no answer" : microseconds_text(known[known.size() / 2]);
}

std::string round_trips_text(const json::value& verify) {
  const auto& array = array_of(verify, "rtt");
  const std::vector<json::value> trips(array.begin(), array.end());
  if (trips.empty()) {
    return "";
  }
  return "round trip: " + median_text(trips, "rtt_before_us") + " before, " +
         median_text(trips, "rtt_us") + " now" +
         (trips.size() > 1 ? " (median of " + std::to_string(trips.size()) + " pairs)" : "") + "\n";
}

std::string verify_text(const json::value& verify, bool color) {
  if (!verify.is_object()) {
    return "";
  }
  const auto pairs = number_of(verify, "pairs").value_or(0);
  const auto good = number_of(verify, "as_intended").value_or(0);
  const auto skipped = number_of(verify, "skipped").value_or(0);
  std::string text = "verified: " + std::to_string(good) + " of " + std::to_string(pairs) +
                     " pairs are as intended" +
                     (skipped > 0 ? ", " + std::to_string(skipped) + " cannot be probed" : "") +
                     "\n";
  for (const auto& skip : array_of(verify, "skipped_because")) {
    text += "not probed: " +
            plural(static_cast<std::uint64_t>(number_of(skip, "pairs").value_or(0)), "pair") +
            ", because " + text_of(skip, "reason") + "\n";
  }
  for (const auto& pair : array_of(verify, "wrong")) {
    const auto& ends = elements(pair);
    if (ends.size() == 2 && ends[0].is_string() && ends[1].is_string()) {
      text += paint("not as intended: " + std::string(ends[0].get_string()) + " > " +
                        std::string(ends[1].get_string()),
                    Color::Red, color) +
              "\n";
    }
  }
  return text + round_trips_text(verify);
}

}  // namespace

std::string fault_line(const json::value& fault) {
  std::string text = text_of(fault, "id") + ": " + what_it_does(fault);
  const std::string left = ending(fault);
  text += left.empty() ? "" : ", ends in " + left;
  return text + counted(fault);
}

std::string applied_text(const json::value& answer, const std::string& tinet, bool color) {
  const json::value& fault = fault_in(answer);
  const std::string id = text_of(fault, "id");
  const std::string left = ending(fault);
  std::string text =
      notes_text(answer) + paint(id, Color::Bold, color) + ": " + what_it_does(fault) + "\n";
  // Probes and the first start of the wire take time, and it has been going on meanwhile.
  if (const auto lasts = number_of(fault, "lasts_ms")) {
    text += "ends by itself after " + format_duration(std::chrono::milliseconds(*lasts)) + "\n";
  } else if (!left.empty()) {
    text += "ends by itself in " + left + "\n";
  }
  text += "undo: " + tinet + " heal " + id + "\n";
  if (text_of(fault, "kind") == "hold") {
    text += "let the packets go, or drop them: " + tinet + " release " + id + " [--drop]\n";
  }
  return text + verify_text(member_of(answer, "verify"), color);
}

std::string transaction_text(const json::value& answer) {
  std::string text = "transaction:\n";
  for (const auto& message : texts_of(answer, "transaction")) {
    text += "  " + message + "\n";
  }
  return text;
}

std::string dry_run_fault_text(const json::value& answer) {
  return notes_text(answer) + "would be: " + what_it_does(fault_in(answer)) + "\n" +
         transaction_text(answer);
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
  std::string text;
  for (const auto& fault : array_of(answer, "healed")) {
    text += "healed " + text_of(fault, "id") + ": " + what_it_does(fault) + counted(fault) + "\n";
  }
  if (const auto kicked = number_of(answer, "kicked")) {
    text += "ended " + plural(static_cast<std::uint64_t>(*kicked), "TCP connection") +
            " that waited to send again\n";
  }
  text += notes_text(answer);
  return text.empty() ? "no fault was active\n" : text;
}

std::string released_text(const json::value& answer) {
  const json::value& fault = member_of(answer, "released");
  if (!fault.is_object()) {
    return notes_text(answer);  // it had ended before
  }
  const auto count = [&](const char* member) {
    return static_cast<std::uint64_t>(number_of(answer, member).value_or(0));
  };
  if (text_of(fault, "mechanism") == "proxy") {
    return "released " + text_of(fault, "id") + ": " + what_it_does(fault) + counted(fault) + "\n" +
           notes_text(answer);
  }
  const std::uint64_t dropped = count("dropped");
  return "released " + text_of(fault, "id") + ": " + what_it_does(fault) + ", " +
         plural(count("delivered"), "packet") + " delivered" +
         (dropped > 0 ? ", " + std::to_string(dropped) + " dropped" : "") + "\n" +
         notes_text(answer);
}

std::string converged_text(const json::value& answer, bool only_shown, bool color) {
  std::string text;
  const auto add = [&](const char* member, const char* sign, const char* done, const char* planned,
                       Color shade) {
    for (const auto& fault : array_of(answer, member)) {
      const std::string id = text_of(fault, "id");
      const std::string line =
          std::string(sign) + " " + (only_shown ? planned : done) + " " +
          (only_shown && std::string_view(member) == "create" ? "" : id + ": ") +
          what_it_does(fault);
      text += paint(line, shade, color) + "\n";
    }
  };
  add("keep", "=", "kept", "keep", Color::None);
  add("heal", "-", "healed", "heal", Color::Red);
  add("create", "+", "made", "make", Color::Green);
  text += notes_text(answer);
  return text.empty() ? "no fault is active, and none is asked for\n" : text;
}

namespace {

std::string packets_cell(const json::value& fault) {
  if (is_true(fault, "matched_nothing")) {
    return "matched nothing";
  }
  return packet_words(member_of(fault, "packets"));
}

}  // namespace

std::string faults_text(const json::value& faults, bool color) {
  if (elements(faults).empty()) {
    return "";
  }
  Table table({"ID", "KIND", "TARGET", "PEERS", "EFFECT", "LINKS", "END", "PACKETS", "MECHANISM"});
  for (const auto& fault : elements(faults)) {
    const auto links = array_of(fault, "links").size();
    table.row({{text_of(fault, "id"), Color::Bold},
               {text_of(fault, "kind")},
               {names(texts_of(fault, "target"))},
               {names(texts_of(fault, "peers"))},
               {effect_words(member_of(fault, "params"))},
               {links == 0 ? "" : std::to_string(links)},
               {has_ended(fault) ? text_of(fault, "ended") : ending(fault)},
               {packets_cell(fault)},
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
  const std::string effect = effect_words(member_of(answer, "effects"));
  text += effect.empty() ? "" : "effect: " + effect + "\n";
  for (const auto& rule : texts_of(answer, "rules")) {
    text += "rule (" + text_of(answer, "mechanism") + "): " + rule + "\n";
  }
  return text + notes_text(answer);
}

}  // namespace tinet::cli
