#include "tests/support/facts.h"

namespace tinet::test {

namespace {

std::string line(char sign, const std::string& name, const std::string& value) {
  return std::string(1, sign) + " " + name + (value.empty() ? "" : ": " + value);
}

}  // namespace

std::vector<std::string> changes(const Facts& before, const Facts& after) {
  std::vector<std::string> lines;
  auto old = before.begin();
  auto now = after.begin();
  while (old != before.end() || now != after.end()) {
    if (now == after.end() || (old != before.end() && old->first < now->first)) {
      lines.push_back(line('-', old->first, old->second));
      ++old;
    } else if (old == before.end() || now->first < old->first) {
      lines.push_back(line('+', now->first, now->second));
      ++now;
    } else {
      if (old->second != now->second) {
        lines.push_back(line('~', old->first, old->second + " -> " + now->second));
      }
      ++old;
      ++now;
    }
  }
  return lines;
}

}  // namespace tinet::test
