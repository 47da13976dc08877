#include "src/base/units.h"

#include <array>
#include <limits>
#include <optional>

#include "src/base/error.h"

namespace tinet {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t scale;
};

/// "12.5ms" split into a whole part, up to nine digits of fraction and the unit's name.
struct Quantity {
  std::uint64_t whole = 0;
  std::uint64_t nanos = 0;  ///< the fraction, in 10^-9
  std::string_view unit;
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::optional<Quantity> parse_quantity(std::string_view text) {
  Quantity quantity;
  std::size_t i = 0;
  while (i < text.size() && is_digit(text[i])) {
    if (i >= 15) {
      return std::nullopt;
    }
    quantity.whole = quantity.whole * 10 + static_cast<std::uint64_t>(text[i] - '0');
    ++i;
  }
  if (i == 0) {
    return std::nullopt;
  }
  if (i < text.size() && text[i] == '.') {
    ++i;
    std::uint64_t scale = 100'000'000;
    const std::size_t first = i;
    while (i < text.size() && is_digit(text[i])) {
      if (scale == 0) {
        return std::nullopt;
      }
      quantity.nanos += static_cast<std::uint64_t>(text[i] - '0') * scale;
      scale /= 10;
      ++i;
    }
    if (i == first) {
      return std::nullopt;
    }
  }
  quantity.unit = text.substr(i);
  return quantity;
}

[[noreturn]] void refuse(std::string_view what, std::string_view text, const std::string& why,
                         const std::string& hint) {
  throw_usage(std::string(what) + ": '" + std::string(text) + "' " + why, hint);
}

// Products of a scale and a whole part pass 64 bits before they are compared with the limit.
__extension__ using Wide = unsigned __int128;

/// Value in the smallest unit, or nullopt when it is not whole or does not fit.
std::optional<std::uint64_t> scaled(const Quantity& quantity, std::uint64_t scale,
                                    std::uint64_t max) {
  constexpr std::uint64_t kNano = 1'000'000'000;
  const auto value =
      static_cast<Wide>(quantity.whole) * scale * kNano + static_cast<Wide>(quantity.nanos) * scale;
  if (value % kNano != 0 || value / kNano > max) {
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(value / kNano);
}

std::string format_scaled(std::uint64_t value, const Unit& unit) {
  std::string text = std::to_string(value / unit.scale);
  if (const std::uint64_t rest = value % unit.scale; rest != 0) {
    std::string digits = std::to_string(unit.scale + rest).substr(1);
    digits.erase(digits.find_last_not_of('0') + 1);
    text += "." + digits;
  }
  return text + std::string(unit.name);
}

constexpr std::array<Unit, 6> kDurationUnits = {{{"ns", 1},
                                                 {"us", 1'000},
                                                 {"ms", 1'000'000},
                                                 {"s", 1'000'000'000},
                                                 {"m", 60'000'000'000},
                                                 {"h", 3'600'000'000'000}}};
constexpr std::array<Unit, 4> kRateUnits = {
    {{"bit", 1}, {"kbit", 1'000}, {"mbit", 1'000'000}, {"gbit", 1'000'000'000}}};
constexpr std::array<Unit, 4> kSizeUnits = {
    {{"b", 1}, {"kb", 1'000}, {"mb", 1'000'000}, {"gb", 1'000'000'000}}};
constexpr std::array<Unit, 3> kBinaryUnits = {
    {{"kib", 1ULL << 10U}, {"mib", 1ULL << 20U}, {"gib", 1ULL << 30U}}};

/// The value in the largest unit that it reaches.
std::string format_largest(std::uint64_t value, const std::array<Unit, 4>& units) {
  const Unit* best = &units[0];
  for (const auto& unit : units) {
    if (value >= unit.scale) {
      best = &unit;
    }
  }
  return format_scaled(value, *best);
}

template <std::size_t N>
const Unit* find_unit(const std::array<Unit, N>& units, std::string_view name) {
  for (const auto& unit : units) {
    if (unit.name == name) {
      return &unit;
    }
  }
  return nullptr;
}

}  // namespace

Nanoseconds parse_duration(std::string_view text, std::string_view what) {
  const std::string hint = "write a number with a unit: 250ms, 1.5s, 2m";
  const auto quantity = parse_quantity(text);
  if (!quantity) {
    refuse(what, text, "is not a duration", hint);
  }
  if (quantity->unit.empty()) {
    const bool zero = quantity->whole == 0 && quantity->nanos == 0;
    refuse(what, text, "has no unit",
           zero ? hint : "write '" + std::string(text) + "ms' or '" + std::string(text) + "s'");
  }
  const Unit* unit = find_unit(kDurationUnits, quantity->unit);
  if (unit == nullptr) {
    refuse(what, text, "has an unknown unit '" + std::string(quantity->unit) + "'", hint);
  }
  constexpr std::uint64_t kMax = 1'000'000ULL * 3'600 * 1'000'000'000;
  const auto value = scaled(*quantity, unit->scale, kMax);
  if (!value) {
    refuse(what, text, "is finer than 1ns or longer than 1000000h", hint);
  }
  return Nanoseconds(static_cast<std::int64_t>(*value));
}

std::string format_duration(Nanoseconds duration) {
  const auto value = static_cast<std::uint64_t>(duration.count() < 0 ? 0 : duration.count());
  if (value == 0) {
    return "0s";
  }
  // Minutes and hours only when whole: "90s" reads better than "1.5m".
  for (const auto index : {5U, 4U}) {
    if (value % kDurationUnits[index].scale == 0) {
      return format_scaled(value, kDurationUnits[index]);
    }
  }
  for (const auto index : {3U, 2U, 1U}) {
    if (value >= kDurationUnits[index].scale) {
      return format_scaled(value, kDurationUnits[index]);
    }
  }
  return format_scaled(value, kDurationUnits[0]);
}

Ppm parse_percent(std::string_view text, std::string_view what) {
  const std::string hint = "write a percentage from 0% to 100%, e.g. 10% or 0.5%";
  const auto quantity = parse_quantity(text);
  if (!quantity) {
    refuse(what, text, "is not a percentage", hint);
  }
  if (quantity->unit != "%") {
    refuse(what, text, quantity->unit.empty() ? "has no percent sign" : "is not a percentage",
           quantity->unit.empty() ? "write '" + std::string(text) + "%'" : hint);
  }
  const auto value = scaled(*quantity, 10'000, 1'000'000);
  if (!value) {
    refuse(what, text, "is over 100% or finer than 0.0001%", hint);
  }
  return Ppm{static_cast<std::uint32_t>(*value)};
}

std::string format_percent(Ppm probability) {
  return format_scaled(probability.value, {"%", 10'000});
}

std::uint64_t parse_bitrate(std::string_view text, std::string_view what) {
  const std::string hint = "write a number with a unit: 500kbit, 10mbit, 1gbit";
  const auto quantity = parse_quantity(text);
  if (!quantity) {
    refuse(what, text, "is not a bit rate", hint);
  }
  const Unit* unit = find_unit(kRateUnits, quantity->unit);
  if (unit == nullptr) {
    refuse(what, text, quantity->unit.empty() ? "has no unit" : "has an unknown unit", hint);
  }
  const auto value = scaled(*quantity, unit->scale, 1'000'000'000'000);
  if (!value || *value == 0) {
    refuse(what, text, "is not between 1bit and 1000gbit", hint);
  }
  return *value;
}

std::string format_bitrate(std::uint64_t bits_per_second) {
  return format_largest(bits_per_second, kRateUnits);
}

std::uint64_t parse_size(std::string_view text, std::string_view what) {
  const std::string hint = "write bytes, or a number with a unit: 1500, 64kb (1000), 64kib (1024)";
  const auto quantity = parse_quantity(text);
  if (!quantity) {
    refuse(what, text, "is not a size in bytes", hint);
  }
  const std::string_view name = quantity->unit.empty() ? "b" : quantity->unit;
  const Unit* unit = find_unit(kSizeUnits, name);
  unit = unit == nullptr ? find_unit(kBinaryUnits, name) : unit;
  if (unit == nullptr) {
    refuse(what, text, "has an unknown unit '" + std::string(name) + "'", hint);
  }
  const auto value = scaled(*quantity, unit->scale, 1'000'000'000'000'000);
  if (!value) {
    refuse(what, text, "is no whole number of bytes, or too large", hint);
  }
  return *value;
}

std::string format_size(std::uint64_t bytes) {
  return format_largest(bytes, kSizeUnits);
}

}  // namespace tinet
