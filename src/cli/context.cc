#include "src/cli/context.h"

#include <utility>

#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace tinet::cli {

Context::Context(const Streams& given, std::map<std::string, std::string> environment)
    : streams(given), environment_(std::move(environment)) {}

void Context::print_json(const boost::json::value& document) {
  streams.out << boost::json::serialize(document) << '\n' << std::flush;
}

void Context::print(std::string_view text) {
  streams.out << text << std::flush;
}

void Context::note(std::string_view text) {
  if (!globals.quiet) {
    streams.err << "tinet: " << text << '\n' << std::flush;
  }
}

void Context::warn(std::string_view text) {
  streams.err << "tinet: warning: " << text << '\n' << std::flush;
}

void Context::detail(std::string_view text) {
  if (globals.verbose) {
    streams.err << "tinet: " << text << '\n' << std::flush;
  }
}

std::string Context::variable(const std::string& name) const {
  const auto found = environment_.find(name);
  return found == environment_.end() ? "" : found->second;
}

std::string Context::tinet() const {
  const std::string from_environment = variable("TINET_TAG");
  const std::string usual = from_environment.empty() ? "default" : from_environment;
  return globals.tag == usual ? "tinet" : "tinet -T " + globals.tag;
}

bool Context::colors_wanted() const {
  return !globals.no_color && variable("NO_COLOR").empty() && variable("TERM") != "dumb";
}

bool Context::color() const {
  return streams.out_is_terminal && colors_wanted();
}

bool Context::err_color() const {
  return streams.err_is_terminal && colors_wanted();
}

std::map<std::string, std::string> current_environment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals != std::string_view::npos) {
      variables.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return variables;
}

}  // namespace tinet::cli
