#include "src/toxiproxy/toxic.h"

#include <algorithm>
#include <cmath>

#include "src/base/text.h"
#include "src/toxiproxy/api_error.h"
#include "src/toxiproxy/fields.h"

namespace tinet::toxiproxy {

namespace json = boost::json;
using std::chrono::microseconds;
using std::chrono::milliseconds;

namespace {

constexpr std::uint64_t kBytesPerKilobyte = 1000;

using Check = void (*)(const Toxic&);
using Fill = void (*)(const Toxic&, proxy::Rule&);

/// One kind of toxic: its attributes, what they must be, and what they mean to the relay.
struct Kind {
  std::string name;
  std::vector<std::string> attributes;
  Check check;
  Fill fill;
};

void check_nothing(const Toxic& /*toxic*/) {}

void check_slicer(const Toxic& toxic) {
  if (toxic.attribute("average_size") < 1) {
    throw_bad_body("'average_size' must be at least 1");
  }
  if (toxic.attribute("size_variation") > toxic.attribute("average_size")) {
    throw_bad_body("'size_variation' must not be larger than 'average_size'");
  }
}

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      {"bandwidth",
       {"rate"},
       check_nothing,
       [](const Toxic& toxic, proxy::Rule& rule) {
         // A rate of 0 lets nothing through; clients cut connections with it.
         rule.bytes_per_second =
             static_cast<std::uint64_t>(toxic.attribute("rate")) * kBytesPerKilobyte;
       }},
      {"hold",
       {},
       check_nothing,
       [](const Toxic& /*toxic*/, proxy::Rule& rule) { rule.hold = true; }},
      {"latency",
       {"latency", "jitter"},
       check_nothing,
       [](const Toxic& toxic, proxy::Rule& rule) {
         rule.delay = {.base = milliseconds(toxic.attribute("latency")),
                       .jitter = milliseconds(toxic.attribute("jitter"))};
       }},
      {"limit_data",
       {"bytes"},
       check_nothing,
       [](const Toxic& toxic, proxy::Rule& rule) {
         rule.close_after_bytes = static_cast<std::uint64_t>(toxic.attribute("bytes"));
       }},
      {"noop", {}, check_nothing, [](const Toxic& /*toxic*/, proxy::Rule& /*rule*/) {}},
      {"reset_peer",
       {"timeout"},
       check_nothing,
       [](const Toxic& toxic, proxy::Rule& rule) {
         rule.reset_after = milliseconds(toxic.attribute("timeout"));
       }},
      {"slicer",
       {"average_size", "size_variation", "delay"},
       check_slicer,
       [](const Toxic& toxic, proxy::Rule& rule) {
         rule.slicer =
             proxy::Slicer{.average = static_cast<std::size_t>(toxic.attribute("average_size")),
                           .variation = static_cast<std::size_t>(toxic.attribute("size_variation")),
                           .pause = microseconds(toxic.attribute("delay"))};
       }},
      {"slow_close",
       {"delay"},
       check_nothing,
       [](const Toxic& toxic, proxy::Rule& rule) {
         rule.slow_close = milliseconds(toxic.attribute("delay"));
       }},
      {"timeout",
       {"timeout"},
       check_nothing,
       [](const Toxic& toxic, proxy::Rule& rule) {
         rule.discard = true;
         if (toxic.attribute("timeout") > 0) {
           rule.close_after = milliseconds(toxic.attribute("timeout"));
         }
       }},
  };
  return all;
}

const Kind* find_kind(std::string_view type) {
  const auto found = std::find_if(kinds().begin(), kinds().end(),
                                  [&](const Kind& kind) { return kind.name == type; });
  return found == kinds().end() ? nullptr : &*found;
}

Stream parse_stream(const std::string& text) {
  if (text == "upstream") {
    return Stream::Upstream;
  }
  if (text == "downstream") {
    return Stream::Downstream;
  }
  throw ApiError(400, "stream was invalid, can be either upstream or downstream");
}

double parse_toxicity(const json::object& object, double otherwise) {
  const double toxicity = number_field(object, "toxicity", otherwise);
  if (!(toxicity >= 0 && toxicity <= 1)) {
    throw_bad_body("'toxicity' must be from 0 to 1");
  }
  return toxicity;
}

/// The attributes of `toxic`, those in the request replaced.
std::vector<Attribute> parse_attributes(const Toxic& toxic, const json::object& object,
                                        const Kind& kind) {
  static const json::object none;
  const json::value* given = object.if_contains("attributes");
  if (given != nullptr && !given->is_object() && !given->is_null()) {
    throw_bad_body("'attributes' must be an object");
  }
  const json::object& values = given != nullptr && given->is_object() ? given->as_object() : none;
  std::vector<Attribute> attributes;
  for (const std::string& name : kind.attributes) {
    attributes.push_back({name, integer_field(values, name, toxic.attribute(name))});
  }
  return attributes;
}

}  // namespace

std::string_view to_string(Stream stream) noexcept {
  return stream == Stream::Upstream ? "upstream" : "downstream";
}

std::int64_t Toxic::attribute(std::string_view attribute) const noexcept {
  const auto found =
      std::find_if(attributes.begin(), attributes.end(),
                   [&](const Attribute& candidate) { return candidate.name == attribute; });
  return found == attributes.end() ? 0 : found->value;
}

Toxic parse_toxic(const json::object& object) {
  Toxic toxic;
  toxic.type = text_field(object, "type", "");
  toxic.stream = parse_stream(text_field(object, "stream", "downstream"));
  toxic.name = text_field(object, "name", "");
  if (toxic.name.empty()) {
    toxic.name = toxic.type + "_" + std::string(to_string(toxic.stream));
  }
  const Kind* kind = find_kind(toxic.type);
  if (kind == nullptr) {
    throw ApiError(400,
                   "invalid toxic type '" + toxic.type + "', can be " + join(toxic_types(), ", "));
  }
  toxic.toxicity = parse_toxicity(object, 1);
  toxic.attributes = parse_attributes(toxic, object, *kind);
  kind->check(toxic);
  return toxic;
}

Toxic changed_toxic(const Toxic& toxic, const json::object& object) {
  const Kind& kind = *find_kind(toxic.type);
  Toxic changed = toxic;
  changed.toxicity = parse_toxicity(object, toxic.toxicity);
  changed.attributes = parse_attributes(toxic, object, kind);
  kind.check(changed);
  return changed;
}

json::object to_json(const Toxic& toxic) {
  json::object attributes;
  for (const Attribute& attribute : toxic.attributes) {
    attributes[attribute.name] = attribute.value;
  }
  return {{"attributes", std::move(attributes)},
          {"name", toxic.name},
          {"type", toxic.type},
          {"stream", to_string(toxic.stream)},
          {"toxicity", toxic.toxicity}};
}

proxy::Rule to_rule(const Toxic& toxic, std::uint64_t seed) {
  constexpr double kPpm = 1'000'000;
  proxy::Rule rule;
  rule.share = {static_cast<std::uint32_t>(std::lround(toxic.toxicity * kPpm))};
  rule.seed = seed;
  find_kind(toxic.type)->fill(toxic, rule);
  return rule;
}

const std::vector<std::string>& toxic_types() {
  static const std::vector<std::string> types = [] {
    std::vector<std::string> names;
    for (const Kind& kind : kinds()) {
      names.push_back(kind.name);
    }
    return names;
  }();
  return types;
}

}  // namespace tinet::toxiproxy
