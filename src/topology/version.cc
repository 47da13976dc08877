#include <array>
#include <charconv>
#include <string>

#include "src/base/text.h"
#include "src/topology/binaries.h"

namespace tinet {
namespace {

/// "v8.5.1-rc.1" as numbers and the rest; nightly and other words have no numbers.
struct Release {
  std::array<unsigned, 3> numbers{};
  bool numbered = false;
  std::string suffix;  ///< "rc.1"; empty for a final release
};

Release read_release(std::string_view text) {
  Release release;
  std::string_view rest = text.starts_with('v') ? text.substr(1) : text;
  for (std::size_t i = 0; i < release.numbers.size(); ++i) {
    const auto [end, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), release.numbers[i]);
    if (error != std::errc{}) {
      return {{}, false, std::string(text)};
    }
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    if (i + 1 < release.numbers.size()) {
      if (!rest.starts_with('.')) {
        return {{}, false, std::string(text)};
      }
      rest.remove_prefix(1);
    }
  }
  release.numbered = true;
  release.suffix = rest.starts_with('-') ? rest.substr(1) : rest;
  return release;
}

}  // namespace

bool release_less(std::string_view a, std::string_view b) {
  const auto left = read_release(a);
  const auto right = read_release(b);
  if (left.numbered != right.numbered) {
    return right.numbered;
  }
  if (left.numbers != right.numbers) {
    return left.numbers < right.numbers;
  }
  if (left.suffix.empty() != right.suffix.empty()) {
    return right.suffix.empty();
  }
  return left.suffix < right.suffix;
}

bool is_final_release(std::string_view release) {
  const auto read = read_release(release);
  return read.numbered && read.suffix.empty();
}

std::string parse_version_output(std::string_view output) {
  // pd and tidb: "Release Version: v8.5.1"; tikv: "Release Version:   8.5.1"; etcd: "etcd
  // Version: 3.4.23".
  for (const auto& line : split(output, '\n')) {
    for (const std::string_view label : {"Release Version:", "etcd Version:"}) {
      const auto begin = line.find(label);
      if (begin == std::string::npos) {
        continue;
      }
      const auto words = split(trim(std::string_view(line).substr(begin + label.size())), ' ');
      if (words.empty()) {
        return {};
      }
      const bool bare = words[0].front() >= '0' && words[0].front() <= '9';
      return (bare ? "v" : "") + words[0];
    }
  }
  return {};
}

std::string_view version_flag(std::string_view component) {
  return component == "etcd" ? "--version" : "-V";
}

}  // namespace tinet
