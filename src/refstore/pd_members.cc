#include "src/refstore/pd_members.h"

#include <algorithm>

#include <boost/json.hpp>

#include "src/base/error.h"
#include "src/base/text.h"
#include "src/refstore/endpoint.h"
#include "src/refstore/messages.h"

namespace tinet::refstore {
namespace json = boost::json;
namespace {

/// FNV-1a, 64 bit: the same for the same name and peer URL, as etcd's ids are.
std::uint64_t member_id(std::string_view name, std::string_view peer_url) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const std::string_view part : {name, std::string_view("="), peer_url}) {
    for (const char c : part) {
      hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    }
  }
  return hash;
}

json::array strings_json(const std::vector<std::string>& texts) {
  json::array array;
  for (const std::string& text : texts) {
    array.push_back(json::string(text));
  }
  return array;
}

std::vector<std::string> strings_from(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_array()) {
    throw_usage("field '" + std::string(name) + "' is no array");
  }
  std::vector<std::string> texts;
  for (const json::value& text : value->get_array()) {
    if (!text.is_string()) {
      throw_usage("field '" + std::string(name) + "' is no array of strings");
    }
    texts.emplace_back(text.get_string());
  }
  return texts;
}

}  // namespace

PdMembers::PdMembers(std::string_view initial_cluster, std::string self,
                     std::vector<std::string> client_urls)
    : self_(std::move(self)) {
  for (const std::string& part : split(initial_cluster, ',')) {
    const std::size_t equals = part.find('=');
    if (equals == 0 || equals == std::string::npos) {
      throw_usage("--initial-cluster: '" + part + "' is not 'name=http://address:port'");
    }
    const std::string name = part.substr(0, equals);
    const std::string url = part.substr(equals + 1);
    static_cast<void>(parse_endpoint(url, "--initial-cluster"));
    members_.push_back({{name, member_id(name, url), url, {}, false}, std::nullopt});
  }
  const bool listed = std::any_of(members_.begin(), members_.end(),
                                  [&](const Row& row) { return row.member.name == self_; });
  if (!listed) {
    throw_usage("--initial-cluster does not name '" + self_ + "'",
                "the list has to contain the --name of this member");
  }
  row(self_).member.client_urls = std::move(client_urls);
}

const PdMember& PdMembers::self() const {
  return const_cast<PdMembers*>(this)->row(self_).member;
}

PdMembers::Row& PdMembers::row(std::string_view name) {
  const auto found = std::find_if(members_.begin(), members_.end(),
                                  [&](const Row& row) { return row.member.name == name; });
  if (found == members_.end()) {
    throw_usage("no member '" + std::string(name) + "' in --initial-cluster");
  }
  return *found;
}

bool PdMembers::is_fresh(const Row& row, Time now) const {
  return row.member.name == self_ || (row.seen && now - *row.seen <= kDeadAfter);
}

bool PdMembers::sees_leader(Time now) const {
  return is_fresh(members_.front(), now);
}

std::vector<PdMember> PdMembers::list(Time now) const {
  std::vector<PdMember> members;
  for (const Row& row : members_) {
    members.push_back(row.member);
    // A follower knows the others' health from the leader only.
    const bool fresh = is_fresh(row, now);
    members.back().healthy = leads() || row.member.name == leader().name || row.member.name == self_
                                 ? fresh
                                 : row.member.healthy && sees_leader(now);
  }
  return members;
}

json::object PdMembers::report() const {
  return {{"name", self_}, {"client_urls", strings_json(self().client_urls)}};
}

void PdMembers::take_report(const json::object& report, Time now) {
  Row& sender = row(string_field(report, "name"));
  sender.member.client_urls = strings_from(report, "client_urls");
  sender.seen = now;
}

json::object PdMembers::news(Time now) const {
  json::object members;
  for (const PdMember& member : list(now)) {
    members[member.name] = json::object{{"client_urls", strings_json(member.client_urls)},
                                        {"healthy", member.healthy}};
  }
  return {{"members", std::move(members)}};
}

void PdMembers::take_news(const json::object& news, Time now) {
  for (const auto& [name, value] : object_field(news, "members")) {
    if (!value.is_object()) {
      throw_usage("field 'members' is no object of objects");
    }
    Row& known = row(name);
    known.member.client_urls = strings_from(value.get_object(), "client_urls");
    known.member.healthy = flag_field(value.get_object(), "healthy");
  }
  members_.front().seen = now;
}

}  // namespace tinet::refstore
