#include "src/fabric/describe.h"

#include <algorithm>

#include "src/base/text.h"
#include "src/base/units.h"
#include "src/fabric/encode.h"

namespace tinet::fabric {

namespace {

std::string ports_text(const std::vector<std::uint16_t>& ports) {
  std::vector<std::string> numbers;
  for (const std::uint16_t port : ports) {
    numbers.push_back(std::to_string(port));
  }
  return (ports.size() == 1 ? "port " : "ports ") + join(numbers, ",");
}

std::string delay_text(const Delay& delay) {
  std::string text = "delay " + format_duration(delay.delay);
  if (delay.jitter.count() > 0) {
    text +=
        " +- " + format_duration(delay.jitter) + " " + std::string(to_string(delay.distribution));
  }
  return text;
}

std::string quoted_link(Link link, const std::vector<std::string>& ports) {
  return "\"" + ports.at(link.from) + "\" . \"" + ports.at(link.to) + "\"";
}

std::string class_text(const ClassKey& key, const PortClass& port_class,
                       const std::vector<std::string>& ports) {
  return "class dev " + ports.at(key.link.to) + " classid 1:" + std::to_string(port_class.minor) +
         " # from " + ports.at(key.link.from) + ": " + describe(port_class.shape);
}

void describe_removed(const Difference& difference, const std::vector<std::string>& ports,
                      std::vector<std::string>& lines) {
  for (const TreatmentId id : difference.old_treatments) {
    lines.push_back("delete chain bridge tinet " + chain_name({id, Stack::A}));
  }
  for (const auto& [key, port_class] : difference.old_classes) {
    lines.push_back("delete " + class_text(key, port_class, ports));
  }
  for (const auto& [fault, memory] : difference.old_memories) {
    for (const nft::SetSpec& set : memory_sets(fault, memory)) {
      lines.push_back("delete set bridge tinet " + set.name);
    }
  }
}

}  // namespace

std::string describe(const Match& match) {
  if (match.everything()) {
    return "every packet";
  }
  std::vector<std::string> words;
  words.emplace_back(match.protocol == Protocol::Any ? "" : to_string(match.protocol));
  std::vector<std::string> ports;
  if (!match.to_ports.empty()) {
    ports.push_back("to " + ports_text(match.to_ports));
  }
  if (!match.from_ports.empty()) {
    ports.push_back("from " + ports_text(match.from_ports));
  }
  words.push_back(join(ports, " or "));
  if (match.connections != Connections::All) {
    words.push_back(std::string(to_string(match.connections)) + " connections");
  }
  if (match.first) {
    words.push_back("the first " + std::to_string(*match.first));
  }
  if (match.after_bytes) {
    words.push_back("after " + std::to_string(*match.after_bytes) + " bytes");
  }
  std::erase(words, "");
  return join(words, " ");
}

std::string describe(const LinkAction& action) {
  std::vector<std::string> words;
  if (action.cut) {
    words.emplace_back(to_string(*action.cut));
  }
  if (action.loss.value > 0) {
    words.push_back("lose " + format_percent(action.loss));
  }
  if (action.lost_replies.value > 0) {
    words.push_back("lose the replies of " + format_percent(action.lost_replies) +
                    " of the connections");
  }
  for (const Burst& burst : action.bursts) {
    words.push_back("lose in bursts (begin " + format_percent(burst.begin) + ", end " +
                    format_percent(burst.end) + ")");
  }
  if (action.delay) {
    words.push_back(delay_text(*action.delay));
  }
  if (action.reorder.value > 0) {
    words.push_back("reorder " + format_percent(action.reorder));
  }
  if (action.duplicate.value > 0) {
    words.push_back("duplicate " + format_percent(action.duplicate));
  }
  if (action.corrupt.value > 0) {
    words.push_back("corrupt " + format_percent(action.corrupt));
  }
  if (action.rate) {
    words.push_back("rate " + format_bitrate(action.rate->bits_per_second) +
                    (action.rate->queue_packets > 0
                         ? " with " + std::to_string(action.rate->queue_packets) + " packets queued"
                         : ""));
  }
  if (action.hold) {
    words.emplace_back("hold");
  }
  return words.empty() ? "nothing" : join(words, ", ");
}

std::vector<std::string> describe(const Effect& effect) {
  std::vector<std::string> lines;
  for (const EffectClause& clause : effect.clauses) {
    std::vector<std::string> names;
    for (const FaultId fault : clause.faults) {
      names.push_back(to_string(fault));
    }
    lines.push_back(describe(clause.match) + ": " + describe(clause.action) + " (" +
                    join(names, ", ") + ")");
  }
  return lines;
}

std::vector<std::string> describe(const Effect& effect, const PacketWords& packet) {
  const Effect decides = deciding(narrowed(effect, packet));
  std::vector<std::string> lines = describe(effect);
  for (std::size_t i = 0; decides.cut() && i < lines.size(); ++i) {
    const EffectClause& clause = effect.clauses[i];
    const bool there = std::any_of(
        decides.clauses.begin(), decides.clauses.end(), [&](const EffectClause& deciding_one) {
          return deciding_one.faults == clause.faults && deciding_one.action == clause.action;
        });
    lines[i] += there ? "" : " # decides nothing here: no packet gets this far";
  }
  return lines;
}

std::string describe(const Element& element, const std::vector<std::string>& ports, MonoTime now) {
  std::string text = quoted_link(element.link, ports);
  if (element.end) {
    text += " timeout " + format_duration(timeout_at(*element.end, now));
  }
  return text + " : goto " + chain_name(element.target);
}

std::vector<std::string> describe(const Difference& difference,
                                  const std::vector<std::string>& ports, MonoTime now) {
  std::vector<std::string> lines;
  for (const auto& [fault, memory] : difference.new_memories) {
    for (const nft::SetSpec& set : memory_sets(fault, memory)) {
      lines.push_back("add set bridge tinet " + set.name);
    }
  }
  for (const auto& [key, port_class] : difference.new_classes) {
    lines.push_back("add " + class_text(key, port_class, ports));
  }
  for (const Treatment& treatment : difference.new_treatments) {
    lines.push_back("add chain bridge tinet " + chain_name({treatment.id, Stack::A}) + " # " +
                    (treatment.effect.empty() ? "pass" : join(describe(treatment.effect), "; ")));
  }
  for (const MapChange& change : difference.maps) {
    const std::string map = " element bridge tinet " + map_name(change.map) + " { ";
    for (const auto* removed : {&change.remove, &change.remove_timed}) {
      for (const Element& element : *removed) {
        lines.push_back("delete" + map + quoted_link(element.link, ports) + " }");
      }
    }
    for (const Element& element : change.add) {
      lines.push_back("add" + map + describe(element, ports, now) + " }");
    }
  }
  describe_removed(difference, ports, lines);
  return lines;
}

}  // namespace tinet::fabric
