#pragma once
/// What happens to packets, and how many it happened to, in a few words. Pure.

#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

namespace tinet::cli {

/// "delay 50ms, jitter 5ms (normal)", "cut (reject)"; what only some packets suffer with the ones
/// it means: "loss 10% on tcp port 2379". Reads the params of a fault and the effects of a link.
/// Empty when nothing is said.
[[nodiscard]] std::string effect_words(const boost::json::value& effects);

/// "17 dropped, 3 delayed": what is not zero; empty when everything is.
[[nodiscard]] std::string packet_words(const boost::json::value& packets);

/// The same as part of a sentence: "17 packets dropped, 3 delayed", "no packet matched".
[[nodiscard]] std::string packet_sentence(const boost::json::value& packets);

}  // namespace tinet::cli
