#include "src/topology/roles.h"

#include <algorithm>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/topology/role_driver.h"

namespace tinet {
namespace {

using detail::RoleDriver;
using detail::RoleWord;

const std::vector<const RoleDriver*>& drivers() {
  static const std::vector<const RoleDriver*> all = {
      &detail::etcd_driver(), &detail::pd_driver(), &detail::tikv_region_driver(),
      &detail::tidb_owner_driver(), &detail::refstore_driver()};
  return all;
}

const RoleDriver* driver_of(const RoleSource& source) {
  for (const auto* driver : drivers()) {
    if (driver->name == source.driver) {
      return driver;
    }
  }
  return nullptr;
}

/// A word with the source and driver that know it.
struct Task {
  std::string text;
  RoleWord word;
  const RoleSource* source = nullptr;
  const RoleDriver* driver = nullptr;
};

bool is_number(const std::string& text) {
  return !text.empty() && text.size() <= 20 &&
         text.find_first_not_of("0123456789") == std::string::npos;
}

Task task_for(const ClusterPlan& plan, const std::string& text) {
  const auto word = detail::split_role_word(text);
  for (const auto& source : plan.roles) {
    const auto* driver = driver_of(source);
    if (driver == nullptr) {
      continue;
    }
    const auto words = driver->words(source);
    if (std::find(words.begin(), words.end(), word.base) == words.end()) {
      continue;
    }
    const bool takes_argument = word.base.ends_with("-region-leader");
    if (text.find(':') != std::string::npos && !(takes_argument && is_number(word.argument))) {
      throw_usage("role '" + text + "': '" + word.argument + "' is not " +
                      (takes_argument ? "the number of a region" : "expected here"),
                  takes_argument ? "write e.g. " + word.base + ":7" : "write " + word.base);
    }
    return {text, word, &source, driver};
  }
  const auto known = known_roles(plan);
  const auto near = nearest(word.base, known);
  throw_usage("unknown role '" + text + "' in topology '" + plan.topology + "'",
              known.empty()  ? "this topology describes no roles"
              : near.empty() ? "known here: " + join(known, ", ")
                             : "did you mean '" + near + "'?");
}

std::vector<Task> tasks(const ClusterPlan& plan, const std::vector<std::string>& words) {
  std::vector<Task> all;
  for (const auto& word : words.empty() ? known_roles(plan) : words) {
    all.push_back(task_for(plan, word));
  }
  return all;
}

}  // namespace

const std::vector<std::string>& role_drivers() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto* driver : drivers()) {
      all.emplace_back(driver->name);
    }
    return all;
  }();
  return names;
}

std::vector<std::string> known_roles(const ClusterPlan& plan) {
  std::vector<std::string> known;
  for (const auto& source : plan.roles) {
    const auto* driver = driver_of(source);
    if (driver == nullptr || detail::members_of(plan, source.component).empty()) {
      continue;
    }
    for (auto& word : driver->words(source)) {
      if (std::find(known.begin(), known.end(), word) == known.end()) {
        known.push_back(std::move(word));
      }
    }
  }
  return known;
}

std::vector<RoleQuery> role_queries(const ClusterPlan& plan,
                                    const std::vector<std::string>& words) {
  std::vector<RoleQuery> queries;
  for (const auto& task : tasks(plan, words)) {
    task.driver->ask(plan, *task.source, task.word, queries);
  }
  return queries;
}

RoleResult resolve_roles(const ClusterPlan& plan, const std::vector<std::string>& words,
                         const std::vector<RoleAnswer>& answers) {
  RoleResult result;
  const detail::Answers index(answers);
  for (const auto& task : tasks(plan, words)) {
    auto holders = task.driver->resolve(plan, *task.source, task.word, index);
    for (const auto& instance : holders.instances) {
      result.by_instance[instance].push_back(task.text);
    }
    result.holders[task.text] = std::move(holders);
  }
  for (auto& [instance, roles] : result.by_instance) {
    std::sort(roles.begin(), roles.end());
  }
  return result;
}

}  // namespace tinet
