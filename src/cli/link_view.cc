#include <algorithm>
#include <cstdio>
#include <ctime>
#include <map>
#include <vector>

#include <boost/json.hpp>

#include "src/base/text.h"
#include "src/cli/effect_view.h"
#include "src/cli/fault_view.h"
#include "src/cli/json_view.h"
#include "src/cli/output.h"

namespace tinet::cli {

namespace json = boost::json;

namespace {

constexpr std::size_t kMatrixMax = 20;

/// "yes", "partial", "no"; "unseen" where the backend cannot tell and no fault can reach.
std::string reachability(const json::value& link) {
  const json::value& seen = member_of(link, "seen");
  return seen.is_bool() && !seen.get_bool() ? "unseen" : text_of(link, "reachable");
}

Cell reachable_cell(const std::string& reachable) {
  if (reachable == "yes") {
    return {"yes", Color::Green};
  }
  return {reachable, reachable == "no" ? Color::Red : Color::Yellow};
}

void remember(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    names.push_back(name);
  }
}

std::string matrix(const json::array& links, const std::vector<std::string>& names, bool color) {
  std::map<std::pair<std::string, std::string>, std::string> cells;
  for (const auto& link : links) {
    cells[{text_of(link, "from"), text_of(link, "to")}] = reachability(link);
  }
  std::vector<std::string> header = {"FROM \\ TO"};
  header.insert(header.end(), names.begin(), names.end());
  Table table(header);
  for (const auto& from : names) {
    std::vector<Cell> row = {{from, Color::Bold}};
    for (const auto& to : names) {
      const auto cell = cells.find({from, to});
      row.push_back(cell == cells.end() ? Cell{from == to ? "." : "yes"}
                                        : reachable_cell(cell->second));
    }
    table.row(std::move(row));
  }
  return table.render(color);
}

}  // namespace

std::string links_text(const json::value& links, bool color) {
  const auto& all = elements(links);
  std::vector<std::string> names;
  Table table({"FROM", "TO", "REACHABLE", "EFFECT", "FAULTS", "PACKETS SINCE START"});
  bool listed = false;
  std::vector<std::string> drift;
  for (const auto& link : all) {
    for (const auto& what : texts_of(link, "drift")) {
      remember(drift, what);
    }
    remember(names, text_of(link, "from"));
    remember(names, text_of(link, "to"));
    const std::string reachable = reachability(link);
    const std::string effect = effect_words(member_of(link, "effects"));
    const std::string packets = packet_words(member_of(link, "packets"));
    if (reachable != "yes" || !effect.empty() || !packets.empty()) {
      listed = true;
      table.row({{text_of(link, "from")},
                 {text_of(link, "to")},
                 reachable_cell(reachable),
                 {effect},
                 {join(texts_of(link, "faults"), ",")},
                 {packets}});
    }
  }
  std::string text = names.size() <= kMatrixMax && !names.empty() ? matrix(all, names, color) : "";
  if (listed) {
    text += (text.empty() ? "" : "\n") + table.render(color);
  } else if (text.empty()) {
    text = "every link is open\n";
  }
  for (const auto& what : drift) {
    text += paint("the network is not as it should be: " + what, Color::Red, color) + "\n";
  }
  return text;
}

std::string event_line(const json::value& event, bool color) {
  const auto unix_ms = number_of(event, "time_unix_ms").value_or(0);
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  char time[32];
  const int length = std::snprintf(time, sizeof(time), "%02d:%02d:%02d.%03d", parts.tm_hour,
                                   parts.tm_min, parts.tm_sec, static_cast<int>(unix_ms % 1000));
  std::string name = text_of(event, "event");
  name.resize(std::max<std::size_t>(name.size(), 16), ' ');
  const std::string instance = text_of(event, "instance");
  const std::string text = text_of(event, "text");
  // The sentence usually starts with the instance; it is put before only where it does not.
  const bool named_in_text = instance.empty() || text.find(instance) != std::string::npos;
  return paint(std::string(time, static_cast<std::size_t>(length)), Color::Dim, color) + "  " +
         paint(name, Color::Bold, color) + "  " + (named_in_text ? "" : instance + ": ") + text;
}

}  // namespace tinet::cli
