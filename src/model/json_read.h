#pragma once
/// Reads described structs (Boost.Describe) out of JSON, member by member and strictly: an unknown,
/// a mistyped and, unless told otherwise, a missing member are errors that say where.
/// boost::json::value_to() does the same work without the place, and differs between Boost versions
/// for optional members. Included by sources only: it brings in all of Boost.JSON.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <boost/mp11.hpp>

#include "src/base/error.h"
#include "src/base/text.h"

namespace tinet {

/// What a struct's member that the document does not have means.
enum class Missing { Refuse, Keep };

/// A JSON value together with the path that led to it, e.g. "instances[2].services[0].port".
class JsonReader {
 public:
  /// @param value must outlive the reader
  /// @param path names the value in errors; the document itself has a name too, e.g. "plan"
  /// @param missing whether members that are not there keep the value they have
  JsonReader(const boost::json::value& value, std::string path, Missing missing = Missing::Refuse)
      : value_(value), path_(std::move(path)), missing_(missing) {}

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  /// @throws Error Usage saying what was expected here
  [[noreturn]] void refuse(const std::string& expected) const {
    throw_usage("'" + path_ + "' is not " + expected);
  }

  void read(bool& out) const {
    if (!value_.is_bool()) {
      refuse("true or false");
    }
    out = value_.get_bool();
  }

  void read(std::string& out) const {
    if (!value_.is_string()) {
      refuse("a string");
    }
    out = value_.get_string();
  }

  template <typename Integer>
  requires std::is_integral_v<Integer>
  void read(Integer& out) const {
    boost::system::error_code error;
    out = value_.to_number<Integer>(error);
    if (error) {
      refuse("a whole number from " + std::to_string(std::numeric_limits<Integer>::min()) + " to " +
             std::to_string(std::numeric_limits<Integer>::max()));
    }
  }

  template <typename T>
  void read(std::optional<T>& out) const {
    out.reset();
    if (!value_.is_null()) {
      read(out.emplace());
    }
  }

  template <typename T>
  void read(std::vector<T>& out) const {
    const auto* array = value_.if_array();
    if (array == nullptr) {
      refuse("an array");
    }
    out.clear();
    for (const auto& element : *array) {
      JsonReader(element, path_ + "[" + std::to_string(out.size()) + "]", missing_)
          .read(out.emplace_back());
    }
  }

  template <typename T>
  void read(std::map<std::string, T>& out) const {
    const auto* object = value_.if_object();
    if (object == nullptr) {
      refuse("an object");
    }
    out.clear();
    for (const auto& entry : *object) {
      const std::string key(entry.key());
      JsonReader(entry.value(), below(key), missing_).read(out[key]);
    }
  }

  template <typename Enum>
  requires boost::describe::has_describe_enumerators<Enum>::value void read(Enum& out) const {
    std::string name;
    read(name);
    if (!boost::describe::enum_from_string(name.c_str(), out)) {
      refuse("a known name: '" + name + "'");
    }
  }

  /// Types with a read_json(const JsonReader&, T&) of their own, e.g. addresses, which are text.
  template <typename T>
  requires requires(const JsonReader& reader, T& out) { read_json(reader, out); }
  void read(T& out) const { read_json(*this, out); }

  template <typename Struct>
  requires boost::describe::has_describe_members<Struct>::value void read(Struct& out) const {
    using Members = boost::describe::describe_members<Struct, boost::describe::mod_public>;
    const auto* object = value_.if_object();
    if (object == nullptr) {
      refuse("an object");
    }
    std::size_t taken = 0;
    boost::mp11::mp_for_each<Members>([&](auto member) {
      const auto* value = object->if_contains(member.name);
      if (value == nullptr && missing_ == Missing::Refuse) {
        throw_usage("'" + path_ + "' has no member '" + member.name + "'");
      }
      if (value != nullptr) {
        ++taken;
        JsonReader(*value, below(member.name), missing_).read(out.*member.pointer);
      }
    });
    if (object->size() != taken) {
      refuse_unknown<Members>(*object);
    }
  }

 private:
  template <typename Members>
  [[noreturn]] void refuse_unknown(const boost::json::object& object) const {
    for (const auto& entry : object) {
      const std::string name(entry.key());
      std::vector<std::string> known;
      boost::mp11::mp_for_each<Members>([&](auto member) { known.emplace_back(member.name); });
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        const std::string meant = nearest(name, known);
        throw_usage("'" + path_ + "' has an unknown member '" + name + "'",
                    meant.empty() ? "" : "did you mean '" + meant + "'?");
      }
    }
    refuse("an object with each member once");
  }

  [[nodiscard]] std::string below(std::string_view member) const {
    return path_ + "." + std::string(member);
  }

  const boost::json::value& value_;
  std::string path_;
  Missing missing_;
};

}  // namespace tinet
