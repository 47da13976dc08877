#include "src/process/sandbox.h"

#include <utility>

#include "src/process/family.h"
#include "src/process/reaper.h"

namespace tinet {

namespace {

std::shared_ptr<Enclosure> make_enclosure(const boost::asio::any_io_executor& executor,
                                          const SandboxOptions& options) {
  if (options.isolation == Isolation::None) {
    return Family::create(executor);
  }
  return Reaper::create(executor, options);
}

}  // namespace

Sandbox::Sandbox(std::string name, std::shared_ptr<Enclosure> enclosure)
    : name_(std::move(name)), enclosure_(std::move(enclosure)) {}

Sandbox& Sandbox::operator=(Sandbox&& other) noexcept {
  if (this != &other) {
    kill();
    name_ = std::move(other.name_);
    enclosure_ = std::move(other.enclosure_);
  }
  return *this;
}

Sandbox::~Sandbox() {
  kill();
}

Sandbox Sandbox::create(const boost::asio::any_io_executor& executor,
                        const SandboxOptions& options) {
  return {options.name, make_enclosure(executor, options)};
}

bool Sandbox::alive() const noexcept {
  return enclosure_ != nullptr && enclosure_->alive();
}

void Sandbox::kill() noexcept {
  if (enclosure_ != nullptr) {
    enclosure_->kill();
  }
}

}  // namespace tinet
