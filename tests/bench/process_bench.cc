/// Times commands as whole processes, in turns: what a user waits for. Reads lines of four fields
/// from stdin, separated by '|': NAME|GOAL|VERSUS|COMMAND. In each round the commands run in their
/// order; the time of a name in a round is the sum over its lines. Lines named '-' run untimed, to
/// bring back what a timed one changed. A GOAL like "1.3x" is one for the ratio to VERSUS in the
/// same round, which becomes the figure NAME.ratio. Medians are printed as JSON lines (figures.h).
///
///     process_bench ROUNDS < commands

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>
#include <sstream>

#include "src/base/error.h"
#include "tests/bench/figures.h"

namespace {

using tinet::bench::Figures;
using tinet::bench::Milliseconds;

constexpr const char* kUntimed = "-";

struct Line {
  std::string name;
  std::string command;
};

/// Names and what their time in a round is divided by.
using Ratios = std::map<std::string, std::string>;

std::vector<Line> read_lines(std::istream& input, Figures& figures, Ratios& ratios) {
  std::vector<Line> lines;
  for (std::string text; std::getline(input, text);) {
    std::istringstream fields(text);
    std::string goal;
    std::string versus;
    Line line;
    std::getline(fields, line.name, '|');
    std::getline(fields, goal, '|');
    std::getline(fields, versus, '|');
    std::getline(fields, line.command);
    if (line.command.empty()) {
      tinet::throw_usage("not NAME|GOAL|VERSUS|COMMAND: '" + text + "'");
    }
    if (line.name != kUntimed) {
      const double number = std::strtod(goal.c_str(), nullptr);
      const bool is_ratio = goal.ends_with('x');
      figures.expect(line.name, {is_ratio ? 0 : number, versus});
      if (is_ratio) {
        figures.expect(line.name + ".ratio", {.goal = number, .unit = "x", .interval = true});
        ratios[line.name] = versus;
      }
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

void run_round(const std::vector<Line>& lines, const Ratios& ratios, Figures& figures) {
  std::map<std::string, Milliseconds> sums;
  for (const Line& line : lines) {
    const auto start = std::chrono::steady_clock::now();
    tinet::bench::run(line.command);
    sums[line.name] += std::chrono::steady_clock::now() - start;
  }
  sums.erase(kUntimed);
  for (const auto& [name, sum] : sums) {
    figures.add(name, sum);
  }
  for (const auto& [name, versus] : ratios) {
    figures.add(name + ".ratio", sums.at(name) / sums.at(versus));
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    Figures figures;
    Ratios ratios;
    const std::vector<Line> lines = read_lines(std::cin, figures, ratios);
    const long rounds = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 1;
    for (long round = 0; round < rounds; ++round) {
      run_round(lines, ratios, figures);
    }
    figures.print();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "process_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}
