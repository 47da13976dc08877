#include "src/proxy/rule_set.h"

namespace tinet::proxy {

void RuleSet::put(Key key, const Rule& rule) {
  const auto found = entries_.find(key);
  if (found != entries_.end() && found->second.rule == rule) {
    return;
  }
  entries_[key] = {.rule = rule, .version = ++versions_};
  tell();
}

void RuleSet::remove(Key key) {
  if (entries_.erase(key) > 0) {
    tell();
  }
}

void RuleSet::clear() {
  if (!entries_.empty()) {
    entries_.clear();
    tell();
  }
}

RuleSet::Place RuleSet::attach(RuleObserver& observer) {
  return observers_.insert(observers_.end(), &observer);
}

void RuleSet::detach(Place place) noexcept {
  observers_.erase(place);
}

void RuleSet::tell() noexcept {
  for (RuleObserver* observer : observers_) {
    observer->rules_changed();
  }
}

}  // namespace tinet::proxy
