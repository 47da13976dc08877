#pragma once
/// What the benches share: timed work, commands run as a user would run them, and figures as one
/// JSON line each, which scripts/bench makes a table of.

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace tinet::bench {

using Milliseconds = std::chrono::duration<double, std::milli>;

/// How a figure is to be read, and what it is held against.
struct Yardstick {
  double goal = 0;       ///< at most so much is wanted; 0: no goal
  std::string versus{};  ///< the figure that does the same another way
  std::string unit = "ms";
  bool more_is_better = false;  ///< the goal is at least so much
  /// With bounds between which the median lies with 95 %; the goal is missed when it lies outside.
  bool interval = false;
};

/// Samples by name. Compared figures are sampled in turns, so that a busy moment of the machine
/// meets all of them.
class Figures {
 public:
  /// Says how `name` is to be read; figures are printed in the order of their first mention.
  void expect(const std::string& name, const Yardstick& yardstick);
  void add(const std::string& name, Milliseconds sample) { add(name, sample.count()); }
  /// A sample in the figure's unit.
  void add(const std::string& name, double sample);
  /// 0 when there are no samples.
  [[nodiscard]] double median(const std::string& name) const;
  /// Runs `work` and adds the time it took. @return that time
  Milliseconds time(const std::string& name, const std::function<void()>& work);
  /// One line each to stdout: {"name":..,"value":MEDIAN,"unit":..,"n":..,"min":..,"max":..}, and
  /// "goal", "versus", "more_is_better", "lower" and "upper" where expected.
  void print() const;

 private:
  struct Figure {
    std::string name;
    Yardstick yardstick;
    std::vector<double> samples;
  };
  Figure& figure(const std::string& name);

  std::vector<Figure> figures_;
};

/// The median of samples, and bounds between which that of all such samples lies with 95 %.
struct Estimate {
  double median = 0;
  double lower = 0;
  double upper = 0;
};
/// By bootstrap: the medians of 10000 draws with replacement; the same samples give the same
/// bounds.
/// @param samples at least one
[[nodiscard]] Estimate estimate(const std::vector<double>& samples);

/// Runs a program with its output thrown away, and waits for it.
/// @param command words separated by blanks; nothing is quoted. The program is sought in PATH
/// @throws Error Operation when it cannot be started or fails, with what it said on stderr above
void run(const std::string& command);

}  // namespace tinet::bench
