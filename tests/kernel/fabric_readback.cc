#include "tests/kernel/fabric_readback.h"

#include <cstring>
#include <set>
#include <utility>
#include <variant>

#include <fcntl.h>
#include <linux/netlink.h>

#include "netns/namespace.h"
#include "netns/qdisc.h"
#include "src/base/error.h"
#include "src/fabric/encode.h"
#include "src/fabric/refusal.h"
#include "src/fabric/skeleton.h"
#include "src/fabric/treatment.h"
#include "tests/kernel/wire_spy.h"

namespace tinet::testing {

namespace {

using nft::Expression;

std::uint32_t number_in(const nft::Bytes& bytes) {
  std::uint32_t number = 0;
  TINET_ASSERT(bytes.size() == sizeof number);
  std::memcpy(&number, bytes.data(), sizeof number);
  return number;
}

nft::Bytes bytes_of(std::uint32_t number) {
  return nft::KeyBuilder().u32(number).take();
}

/// The same number for what was met first, second, ...
class Names {
 public:
  std::uint32_t of(std::uint32_t number) {
    return names_.try_emplace(number, static_cast<std::uint32_t>(names_.size() + 1)).first->second;
  }

 private:
  std::map<std::uint32_t, std::uint32_t> names_;
};

std::chrono::seconds rounded(Nanoseconds end) {
  return std::chrono::round<std::chrono::duration<std::int64_t, std::ratio<100>>>(end);
}

class Reader {
 public:
  Reader(World& world, MonoTime start, const std::set<int>& foreign);
  ReadSchedules read();

 private:
  using ByLink = std::map<Link, std::pair<fabric::Element, std::optional<MonoTime>>>;

  nft::Connection open(int namespace_fd) {
    return nft::Connection(thread_.open_netlink(
        Namespace(UniqueFd(::fcntl(namespace_fd, F_DUPFD_CLOEXEC, 0))), NETLINK_NETFILTER));
  }
  void read_maps();
  void read_queues();
  std::vector<std::vector<Expression>> refusals_of(Endpoint endpoint);
  ReadEffect effect_of(Link link, const fabric::Target& target, std::optional<MonoTime> end);
  std::vector<Expression> renamed(Link link, const nft::Rule& rule, ReadEffect& effect);
  ReadClass class_of(Link link, std::uint32_t shape) const;

  World& world_;
  MonoTime start_;
  NamespaceThread thread_;
  nft::Connection connection_;
  std::map<fabric::MapId, ByLink> maps_;
  std::map<std::string, std::vector<nft::Rule>> chains_;
  std::map<nft::Bytes, std::uint32_t> priorities_;
  std::map<std::pair<IfIndex, std::uint16_t>, ReadClass> classes_;
  std::map<std::uint32_t, std::string> targets_;
  std::map<std::uint16_t, WireShape> wire_;
  Names counts_;
  Names shapes_;
};

Reader::Reader(World& world, MonoTime start, const std::set<int>& foreign)
    : world_(world), start_(start), connection_(open(world.fabric->switch_namespace_fd())) {
  read_maps();
  read_queues();
  for (const int control : wire_controls()) {
    if (!foreign.contains(control)) {
      TINET_ASSERT(wire_.empty());
      wire_ = read_wire(control);
    }
  }
}

std::vector<std::vector<Expression>> Reader::refusals_of(Endpoint endpoint) {
  nft::Connection connection = open(world_.fabric->namespace_fd(endpoint));
  std::vector<std::vector<Expression>> rules;
  for (const nft::Rule& rule : nft::list_rules(connection, fabric::make_refusal_table().table.id)) {
    rules.push_back(rule.expressions);
  }
  return rules;
}

void Reader::read_maps() {
  for (const fabric::MapId& map : fabric::all_maps()) {
    for (const nft::Element& element :
         nft::list_elements(connection_, fabric::table_id(), fabric::map_name(map))) {
      const auto known = fabric::decode(map, element);
      TINET_ASSERT(known.has_value());
      std::optional<MonoTime> end;
      if (element.expires) {
        end = now() + *element.expires;
      }
      maps_[map][known->link] = {*known, end};
    }
  }
  for (nft::Rule& rule : nft::list_rules(connection_, fabric::table_id())) {
    chains_[rule.chain].push_back(std::move(rule));
  }
  for (const nft::Element& element :
       nft::list_elements(connection_, fabric::table_id(), fabric::kClassesMap)) {
    priorities_[element.key] = number_in(element.value);
  }
  for (const nft::Element& element :
       nft::list_elements(connection_, fabric::table_id(), fabric::targets_spec().name)) {
    TINET_ASSERT(element.verdict.has_value());
    targets_[number_in(element.key)] = element.verdict->chain;
  }
}

void Reader::read_queues() {
  netlink::Socket socket = thread_.open_netlink(
      Namespace(UniqueFd(::fcntl(world_.fabric->switch_namespace_fd(), F_DUPFD_CLOEXEC, 0))),
      NETLINK_ROUTE);
  for (std::size_t port = 0; port < world_.plan.endpoints.size(); ++port) {
    const IfIndex index = fabric::port_index(static_cast<Endpoint>(port));
    for (const HtbClassInfo& info : list_htb_classes(socket, index)) {
      classes_[{index, info.minor}].rate = info.rate;
    }
  }
  for (const QdiscInfo& info : list_qdiscs(socket)) {
    const auto parent = classes_.find({info.link, static_cast<std::uint16_t>(info.parent)});
    if (parent != classes_.end()) {
      parent->second.leaf = info.kind;
      parent->second.limit = info.limit.value_or(0);
      parent->second.netem = info.netem;
    }
  }
}

ReadClass Reader::class_of(Link link, std::uint32_t shape) const {
  const auto priority = priorities_.find(nft::KeyBuilder()
                                             .index(fabric::port_index(link.from))
                                             .index(fabric::port_index(link.to))
                                             .u32(shape)
                                             .take());
  if (priority == priorities_.end()) {
    return {};
  }
  const auto found =
      classes_.find({fabric::port_index(link.to), static_cast<std::uint16_t>(priority->second)});
  return found == classes_.end() ? ReadClass{} : found->second;
}

/// A number is loaded right before what it is for.
std::vector<Expression> Reader::renamed(Link link, const nft::Rule& rule, ReadEffect& effect) {
  std::vector<Expression> all = rule.expressions;
  for (std::size_t i = 0; i + 1 < all.size(); ++i) {
    auto* number = std::get_if<nft::Immediate>(&all[i]);
    if (number != nullptr && std::holds_alternative<nft::CountBy>(all[i + 1])) {
      number->value = bytes_of(counts_.of(number_in(number->value)));
    } else if (number != nullptr && std::holds_alternative<nft::MapLoad>(all[i + 1])) {
      effect.classes.push_back(class_of(link, number_in(number->value)));
      number->value = bytes_of(shapes_.of(number_in(number->value)));
    }
    auto* mark = std::get_if<nft::Bitwise>(&all[i]);
    if (mark != nullptr && std::holds_alternative<nft::MetaSet>(all[i + 1]) &&
        number_in(mark->mask) == ~fabric::kWireMask) {
      const std::uint32_t shape = number_in(mark->xor_with);
      const auto held = wire_.find(static_cast<std::uint16_t>(shape));
      effect.wire.push_back(held == wire_.end() ? std::nullopt : std::optional(held->second));
      mark->xor_with = bytes_of(shapes_.of(shape));
    }
    const bool refuses = number != nullptr && number->value == fabric::refusal_mac_bytes();
    if (refuses && effect.refusals.empty()) {
      effect.refusals = refusals_of(link.to);
    }
  }
  return all;
}

ReadEffect Reader::effect_of(Link link, const fabric::Target& target, std::optional<MonoTime> end) {
  ReadEffect effect;
  const std::string chain = fabric::chain_name(target);
  TINET_ASSERT(targets_[fabric::mark_of(target)] == chain);
  TINET_ASSERT(chains_.count(chain) == 1);
  for (const nft::Rule& rule : chains_[chain]) {
    effect.rules.push_back(renamed(link, rule, effect));
  }
  if (end) {
    effect.ends_in = rounded(*end - start_);
  }
  return effect;
}

ReadSchedules Reader::read() {
  ReadSchedules schedules;
  for (const auto& [link, deciding] : maps_[{}]) {
    const auto& [element, end] = deciding;
    std::vector<ReadEffect>& schedule = schedules[link];
    if (element.target.treatment) {
      schedule.push_back(effect_of(link, element.target, end));
      continue;
    }
    for (std::uint8_t layer = 1; layer <= fabric::kLayersMax; ++layer) {
      const auto& map = maps_[{fabric::MapId::Kind::Layer, element.target.stack, layer}];
      if (const auto found = map.find(link); found != map.end()) {
        schedule.push_back(effect_of(link, found->second.first.target, found->second.second));
      }
    }
    // What is left when `decide` forgets the link ends with it.
    TINET_ASSERT(!schedule.empty());
    const auto last = end ? std::optional(rounded(*end - start_)) : std::nullopt;
    TINET_ASSERT(schedule.back().ends_in == last);
  }
  return schedules;
}

}  // namespace

ReadSchedules read_schedules(World& world, MonoTime start, const std::set<int>& foreign) {
  return Reader(world, start, foreign).read();
}

std::string to_text(const std::vector<ReadEffect>& schedule) {
  std::string text;
  for (const ReadEffect& effect : schedule) {
    text += std::to_string(effect.rules.size()) + " rules, " +
            std::to_string(effect.classes.size()) + " classes";
    for (const ReadClass& one : effect.classes) {
      text += " (" + std::to_string(one.rate) + " B/s, " + one.leaf + " " +
              std::to_string(one.limit) + ")";
    }
    text += ", " + std::to_string(effect.wire.size()) + " of the wire";
    for (const auto& shape : effect.wire) {
      text += !shape ? " (missing)" : shape->hold ? " (hold)" : " (no hold)";
    }
    text += ", " + std::to_string(effect.refusals.size()) + " refusals";
    text += effect.ends_in ? ", ends in " + std::to_string(effect.ends_in->count()) + " s; " : "; ";
  }
  return text;
}

}  // namespace tinet::testing
