#include "tests/bench/figures.h"

#include <algorithm>
#include <cstdio>
#include <random>
#include <sstream>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/error.h"

namespace tinet::bench {

namespace {

double middle(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace

Figures::Figure& Figures::figure(const std::string& name) {
  const auto found = std::find_if(figures_.begin(), figures_.end(),
                                  [&](const Figure& known) { return known.name == name; });
  return found != figures_.end() ? *found : figures_.emplace_back(Figure{name, {}, {}});
}

void Figures::expect(const std::string& name, const Yardstick& yardstick) {
  figure(name).yardstick = yardstick;
}

void Figures::add(const std::string& name, double sample) {
  figure(name).samples.push_back(sample);
}

double Figures::median(const std::string& name) const {
  const auto found = std::find_if(figures_.begin(), figures_.end(),
                                  [&](const Figure& known) { return known.name == name; });
  return found == figures_.end() || found->samples.empty() ? 0 : middle(found->samples);
}

Milliseconds Figures::time(const std::string& name, const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  const Milliseconds took = std::chrono::steady_clock::now() - start;
  add(name, took);
  return took;
}

void Figures::print() const {
  for (const auto& [name, yardstick, samples] : figures_) {
    if (samples.empty()) {
      continue;
    }
    const auto [least, most] = std::minmax_element(samples.begin(), samples.end());
    std::printf(R"({"name":"%s","value":%.3f,"unit":"%s","n":%zu,"min":%.3f,"max":%.3f)",
                name.c_str(), middle(samples), yardstick.unit.c_str(), samples.size(), *least,
                *most);
    if (yardstick.goal > 0) {
      std::printf(R"(,"goal":%g)", yardstick.goal);
    }
    if (!yardstick.versus.empty()) {
      std::printf(R"(,"versus":"%s")", yardstick.versus.c_str());
    }
    if (yardstick.more_is_better) {
      std::printf(R"(,"more_is_better":true)");
    }
    if (yardstick.interval) {
      const Estimate bounds = estimate(samples);
      std::printf(R"(,"lower":%.3f,"upper":%.3f)", bounds.lower, bounds.upper);
    }
    std::puts("}");
  }
  std::fflush(stdout);
}

Estimate estimate(const std::vector<double>& samples) {
  constexpr std::size_t kDraws = 10'000;
  std::mt19937_64 random(1);
  std::uniform_int_distribution<std::size_t> any(0, samples.size() - 1);
  std::vector<double> medians;
  medians.reserve(kDraws);
  for (std::size_t draw = 0; draw < kDraws; ++draw) {
    std::vector<double> drawn(samples.size());
    std::generate(drawn.begin(), drawn.end(), [&] { return samples[any(random)]; });
    medians.push_back(middle(std::move(drawn)));
  }
  std::sort(medians.begin(), medians.end());
  return {middle(samples), medians[kDraws * 25 / 1000], medians[kDraws * 975 / 1000]};
}

void run(const std::string& command) {
  std::istringstream stream(command);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) {
    words.push_back(word);
  }
  std::vector<char*> arguments;
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = -1;
  const int error =
      ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    throw_errno(error, "cannot run '" + command + "'");
  }
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid || status != 0) {
    throw_operation("failed: '" + command + "'");
  }
}

}  // namespace tinet::bench
