#pragma once
/// JSON of what faults do to packets, and to which. Pure.

#include <string_view>

#include <boost/json/object.hpp>

#include "src/model/fault.h"

namespace tinet {

/// Only what the action does: {"cut":"drop"}, {"loss":"10%","delay_ms":5,"jitter_ms":0.5,..}.
/// Shares and bit rates are words as the command line takes them.
[[nodiscard]] boost::json::object action_document(const LinkAction& action);

/// Only what restricts: {"protocol":"tcp","to_ports":[2380],"connections":"new","first":3}; empty
/// when every packet is meant.
[[nodiscard]] boost::json::object match_document(const Match& match);

/// What every packet of the link suffers, as action_document(), and, when only some do,
/// "scoped":[{"match":{..},..}]; empty for no effect.
[[nodiscard]] boost::json::object effect_document(const Effect& effect);

/// "no": no packet arrives (a cut, a hold or a total loss of all of them). "partial": some do not
/// arrive or are of no use there. "yes": all arrive, be it late.
[[nodiscard]] std::string_view reachability(const Effect& effect);

}  // namespace tinet
