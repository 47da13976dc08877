#include "src/cli/profiles.h"

#include <boost/json.hpp>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/base/units.h"
#include "src/cli/action_words.h"
#include "src/cli/output.h"
#include "src/cli/profiles_text.h"
#include "src/topology/yaml_reader.h"

namespace tinet::cli {

namespace json = boost::json;

namespace {

std::string place_of(const detail::YamlValue& value) {
  return to_string(value.place()) + ": '" + value.path() + "'";
}

Profile read_profile(const std::string& name, const detail::YamlValue& value) {
  Profile profile{.name = name, .about = {}, .action = {}};
  detail::YamlMap map(value);
  api::ActionWords& action = profile.action;
  profile.about = map.require("about").text();
  action.delay_ns = parse_wait_ns(map.require("delay").text(), place_of(map.require("delay")));
  if (const auto jitter = map.get("jitter")) {
    action.jitter_ns = parse_wait_ns(jitter->text(), place_of(*jitter));
  }
  if (const auto shape = map.get("distribution")) {
    action.distribution = parse_distribution_name(shape->text(), place_of(*shape));
  }
  if (const auto correlation = map.get("correlation")) {
    action.correlation_ppm = parse_share_ppm(correlation->text(), place_of(*correlation));
  }
  if (const auto loss = map.get("loss")) {
    action.loss_ppm = parse_share_ppm(loss->text(), place_of(*loss));
  }
  if (const auto burst = map.get("burst")) {
    parse_burst(burst->text(), place_of(*burst), action);
  }
  action.rate_bits = parse_bitrate(map.require("rate").text(), place_of(map.require("rate")));
  map.finish();
  return profile;
}

std::string lost_words(const api::ActionWords& action) {
  if (action.burst_begin_ppm > 0) {
    return "bursts " + format_percent(Ppm{action.burst_begin_ppm}) + "," +
           format_percent(Ppm{action.burst_end_ppm});
  }
  return action.loss_ppm == 0 ? "" : format_percent(Ppm{action.loss_ppm});
}

}  // namespace

std::vector<Profile> parse_profiles(std::string_view text, const std::string& file) {
  std::vector<Profile> all;
  const detail::YamlValue document(detail::load_yaml(text, file), "", file);
  document.each_pair([&](const std::string& name, const detail::YamlValue& value) {
    all.push_back(read_profile(name, value));
  });
  return all;
}

const std::vector<Profile>& profiles() {
  static const std::vector<Profile> all = parse_profiles(builtin_profiles(), "profiles.yaml");
  return all;
}

std::vector<std::string> profile_names() {
  std::vector<std::string> names;
  for (const auto& profile : profiles()) {
    names.push_back(profile.name);
  }
  return names;
}

const Profile& find_profile(const std::string& name, const std::string& what) {
  for (const auto& profile : profiles()) {
    if (profile.name == name) {
      return profile;
    }
  }
  const std::string meant = nearest(name, profile_names());
  throw_usage(
      what + ": unknown profile '" + name + "'",
      meant.empty() ? "'tinet faults --profiles' lists them" : "did you mean '" + meant + "'?");
}

std::string profiles_text(bool color) {
  Table table({"NAME", "DELAY", "JITTER", "DISTRIBUTION", "LOSS", "RATE", "ABOUT"});
  for (const auto& profile : profiles()) {
    const api::ActionWords& action = profile.action;
    table.row({{profile.name, Color::Bold},
               {format_duration(Nanoseconds(action.delay_ns))},
               {action.jitter_ns == 0 ? "" : format_duration(Nanoseconds(action.jitter_ns))},
               {action.jitter_ns == 0 ? "" : action.distribution},
               {lost_words(action)},
               {format_bitrate(action.rate_bits)},
               {profile.about}});
  }
  return table.render(color);
}

json::value profiles_document() {
  json::array documents;
  for (const auto& profile : profiles()) {
    const api::ActionWords& action = profile.action;
    documents.push_back({{"name", profile.name},
                         {"about", profile.about},
                         {"delay_ns", action.delay_ns},
                         {"jitter_ns", action.jitter_ns},
                         {"distribution", action.distribution},
                         {"correlation_ppm", action.correlation_ppm},
                         {"loss_ppm", action.loss_ppm},
                         {"burst_begin_ppm", action.burst_begin_ppm},
                         {"burst_end_ppm", action.burst_end_ppm},
                         {"rate_bits", action.rate_bits}});
  }
  return documents;
}

}  // namespace tinet::cli
