#include "src/cli/zone_matrix.h"

#include <functional>
#include <set>

#include "src/api/fault_meaning.h"
#include "src/base/error.h"
#include "src/base/units.h"
#include "src/cli/action_words.h"
#include "src/cli/profiles.h"

namespace tinet::cli {

namespace {

using Setter =
    std::function<void(const std::string& text, const std::string& what, api::ActionWords& action)>;

constexpr std::size_t kZonesMax = 64;

class Tables {
 public:
  explicit Tables(std::vector<std::string> zones)
      : zones_(std::move(zones)), actions_(zones_.size() * zones_.size()) {}

  void read(const detail::YamlValue& table, const Setter& set) {
    std::size_t row = 0;
    table.each_element([&](const detail::YamlValue& cells) {
      std::size_t column = 0;
      cells.each_element([&](const detail::YamlValue& cell) {
        if (row < zones_.size() && column < zones_.size()) {
          read_cell(cell, set, actions_[row * zones_.size() + column]);
        }
        ++column;
      });
      check_count(cells, "columns", column);
      ++row;
    });
    check_count(table, "rows", row);
  }

  /// Cells of all pairs that something happens to.
  [[nodiscard]] std::vector<api::MatrixCell> cells(const detail::YamlValue& matrix) const {
    std::vector<api::MatrixCell> result;
    for (std::size_t i = 0; i < actions_.size(); ++i) {
      const std::string& from = zones_[i / zones_.size()];
      const std::string& to = zones_[i % zones_.size()];
      try {
        if (api::action_of(actions_[i]) != LinkAction{}) {
          result.push_back({"zone:" + from, "zone:" + to, actions_[i]});
        }
      } catch (const Error& error) {
        matrix.fail("from '" + from + "' to '" + to + "': " + error.what(), error.hint());
      }
    }
    if (result.empty()) {
      matrix.fail("does nothing on any link", "give a table: profile, delay, loss or rate");
    }
    return result;
  }

  void set_distribution(const std::string& name) {
    for (auto& action : actions_) {
      if (action.jitter_ns > 0) {
        action.distribution = name;
      }
    }
  }

 private:
  static void read_cell(const detail::YamlValue& cell, const Setter& set,
                        api::ActionWords& action) {
    if (const std::string text = cell.text(); text != "none") {
      set(text, to_string(cell.place()) + ": '" + cell.path() + "'", action);
    }
  }

  void check_count(const detail::YamlValue& value, const char* what, std::size_t count) const {
    if (count != zones_.size()) {
      value.fail("has " + std::to_string(count) + " " + what + " for " +
                 std::to_string(zones_.size()) + " zones");
    }
  }

  std::vector<std::string> zones_;
  std::vector<api::ActionWords> actions_;  ///< row by row
};

std::vector<std::string> read_zones(const detail::YamlValue& value) {
  const auto zones = value.texts();
  if (std::set<std::string>(zones.begin(), zones.end()).size() != zones.size()) {
    value.fail("names a zone twice");
  }
  if (zones.empty() || zones.size() > kZonesMax) {
    value.fail("must name 1 to " + std::to_string(kZonesMax) + " zones");
  }
  return zones;
}

}  // namespace

std::vector<api::MatrixCell> read_zone_matrix(const detail::YamlValue& value) {
  detail::YamlMap map(value);
  Tables tables(read_zones(map.require("zones")));
  const auto read = [&](const char* key, const Setter& set) {
    if (const auto table = map.get(key)) {
      tables.read(*table, set);
    }
  };
  read("profile", [](const auto& text, const auto& what, auto& action) {
    action = find_profile(text, what).action;
  });
  read("delay", [](const auto& text, const auto& what, auto& action) {
    action.delay_ns = parse_wait_ns(text, what);
  });
  read("jitter", [](const auto& text, const auto& what, auto& action) {
    action.jitter_ns = parse_wait_ns(text, what);
  });
  read("loss", [](const auto& text, const auto& what, auto& action) {
    action.loss_ppm = parse_share_ppm(text, what);
  });
  read("rate", [](const auto& text, const auto& what, auto& action) {
    action.rate_bits = parse_bitrate(text, what);
  });
  if (const auto distribution = map.get("distribution")) {
    tables.set_distribution(parse_distribution_name(
        distribution->text(),
        to_string(distribution->place()) + ": '" + distribution->path() + "'"));
  }
  map.finish();
  return tables.cells(value);
}

std::vector<api::MatrixCell> parse_zone_matrix(std::string_view text, const std::string& file) {
  return read_zone_matrix(detail::YamlValue(detail::load_yaml(text, file), "matrix", file));
}

}  // namespace tinet::cli
