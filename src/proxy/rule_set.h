#pragma once
/// The rules of one direction, shared by all connections they concern, and what these have done.

#include <cstdint>
#include <list>
#include <map>

#include "src/proxy/rule.h"

namespace tinet::proxy {

/// Since the set was made.
struct Counters {
  std::uint64_t bytes = 0;      ///< passed on
  std::uint64_t chunks = 0;     ///< writes that they went in
  std::uint64_t discarded = 0;  ///< bytes thrown away
  std::uint64_t open = 0;       ///< connections now
  std::uint64_t total = 0;      ///< connections ever
  std::uint64_t refused = 0;    ///< connections reset before they were dialled on, by a rule
  std::uint64_t reset = 0;      ///< open connections reset by a rule
  std::uint64_t closed = 0;     ///< open connections closed by a rule
  /// How often a rule stopped a connection that had something to pass on or was to be dialled on.
  std::uint64_t held = 0;
  friend bool operator==(const Counters&, const Counters&) = default;
};

/// Told when the rules have changed.
class RuleObserver {
 public:
  RuleObserver(const RuleObserver&) = delete;
  RuleObserver& operator=(const RuleObserver&) = delete;
  virtual ~RuleObserver() = default;
  /// Only takes note: it neither moves data nor changes rules.
  virtual void rules_changed() noexcept = 0;

 protected:
  RuleObserver() = default;
};

/// Single-threaded. A change returns at once, whatever the connections are doing; no byte is judged
/// by the old rules afterwards. Several changes without a turn of the event loop in between are
/// one.
class RuleSet {
 public:
  /// The owner's name for a rule. Rules of one connection act in the order of their keys.
  using Key = std::uint64_t;
  struct Entry {
    Rule rule;
    std::uint64_t version = 0;  ///< another one after every change of this rule
  };
  using Entries = std::map<Key, Entry>;

  RuleSet() = default;
  RuleSet(const RuleSet&) = delete;
  RuleSet& operator=(const RuleSet&) = delete;
  RuleSet(RuleSet&&) = delete;
  RuleSet& operator=(RuleSet&&) = delete;
  ~RuleSet() = default;

  /// Adds or changes. Times of a changed rule start again, counted bytes go on.
  void put(Key key, const Rule& rule);
  /// A rule that is not there is no error.
  void remove(Key key);
  void clear();

  [[nodiscard]] const Entries& entries() const noexcept { return entries_; }
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

  /// For the connections.
  [[nodiscard]] Counters& count() noexcept { return counters_; }
  using Place = std::list<RuleObserver*>::iterator;
  [[nodiscard]] Place attach(RuleObserver& observer);
  void detach(Place place) noexcept;

 private:
  void tell() noexcept;

  Entries entries_;
  Counters counters_;
  std::list<RuleObserver*> observers_;
  std::uint64_t versions_ = 0;
};

}  // namespace tinet::proxy
