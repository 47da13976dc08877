#pragma once
/// A view: who is primary and who is backup. Made only by the view service; servers pass it on but
/// never make one up.

#include <cstdint>
#include <string>

namespace tinet::refstore {

/// One life of one server. A restarted server has the same address and another incarnation, so no
/// message can mistake its blank state for the state that it had before.
struct Member {
  std::string address;            ///< advertised "host:port" of the key/value port
  std::uint64_t incarnation = 0;  ///< random per process; 0 only in an empty Member
  std::uint64_t store_id = 0;     ///< given out by the view service, kept through restarts

  [[nodiscard]] bool empty() const noexcept { return address.empty(); }
  /// Same process, whatever store id is known of it.
  [[nodiscard]] bool is(const std::string& of_address, std::uint64_t of_incarnation) const {
    return incarnation == of_incarnation && address == of_address;
  }
  friend bool operator==(const Member&, const Member&) = default;
};

/// Number 0 is "no view yet"; real ones count from 1 without gaps.
struct View {
  std::uint64_t number = 0;
  Member primary;
  Member backup;  ///< empty when there is none
  friend bool operator==(const View&, const View&) = default;
};

}  // namespace tinet::refstore
