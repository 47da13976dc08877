#include "src/refstore/messages.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/refstore/clerk.h"
#include "src/refstore/endpoint.h"
#include "src/refstore/flags.h"

namespace tinet::refstore {
namespace {

namespace json = boost::json;

const View kView{7, {"10.9.0.21:20160", 11, 1}, {}};

/// Through text, as on the wire.
template <typename Value>
json::object sent(const Value& value) {
  return parse_object(json::serialize(to_json(value)));
}

TEST(Messages, KeepEveryField) {
  EXPECT_EQ(view_from(sent(kView)), kView);
  const Op put{Op::Kind::PutHash, "c", 18446744073709551615ULL, "k\n\"", "v\x01"};
  EXPECT_EQ(put_from(sent(put)), put);
  const Entry entry = entry_from(sent(Entry{kView, 9, put}));
  EXPECT_EQ(entry.view, kView);
  EXPECT_EQ(entry.index, 9U);
  EXPECT_EQ(entry.op, put);
  Chunk chunk{.number = 3, .last = true, .applied = 40};
  chunk.values = {{"a", "1"}, {"b", ""}};
  chunk.clients = {{"c", 4, 39, "previous"}};
  EXPECT_EQ(transfer_from(sent(Transfer{kView, chunk})).chunk, chunk);
  const StoreRecord store{2, "10.9.0.22:20160", {"10.9.0.22:20180", "v1", {{"zone", "a"}}}};
  EXPECT_EQ(store_from(sent(store)), store);
  const Front front{"id", "10.9.0.31", 4000, 10080};
  EXPECT_EQ(front_from(sent(front)), front);
}

TEST(Messages, AreRefusedWhenTheyMakeNoSense) {
  for (const char* text : {"", "[]", "{}", "{\"key\":1}", "{\"key\":\"\"}", "{\"key\":\"\xff\"}",
                           "{\"key\":\"k\"}x"}) {
    SCOPED_TRACE(text);
    EXPECT_THROW(static_cast<void>(get_from(parse_object(text))), Error);
  }
  EXPECT_THROW(static_cast<void>(put_from(parse_object(R"({"key":"k","value":"v","client_id":"c",
      "seq":-1})"))),
               Error);
  EXPECT_THROW(static_cast<void>(get_from(json::object{{"key", std::string(2000, 'k')}})), Error);
}

TEST(Endpoint, IsReadAsTheFlagsWriteIt) {
  EXPECT_EQ(parse_endpoint("http://10.9.0.11:2379", "x"), (Endpoint{"10.9.0.11", 2379}));
  EXPECT_EQ(parse_endpoint("[fd00::1]:2379", "x").text(), "[fd00::1]:2379");
  EXPECT_EQ(parse_endpoints("a:1,http://b:2", "x").size(), 2U);
  for (const char* bad : {"", "10.9.0.11", "h:", "h:0", "h:70000", ":1", "fd00::1:2", "h:1x"}) {
    SCOPED_TRACE(bad);
    EXPECT_THROW(static_cast<void>(parse_endpoint(bad, "x")), Error);
  }
}

TEST(HttpTarget, IsSplitAndDecoded) {
  const HttpRequest request = parse_target("/kv/a%20b?hash=1&timeout_ms=50");
  EXPECT_EQ(request.path, "/kv/a%20b");
  EXPECT_EQ(request.query.at("timeout_ms"), "50");
  EXPECT_EQ(percent_decode("a%20b"), "a b");
  EXPECT_THROW(static_cast<void>(percent_decode("%2")), Error);
  EXPECT_THROW(static_cast<void>(percent_decode("%zz")), Error);
}

TEST(Clerk, RepeatsWhatIsNotAnswered) {
  for (const int status : {200, 400, 404, 409}) {
    EXPECT_TRUE(is_final(status)) << status;
  }
  for (const int status : {0, 500, 503}) {
    EXPECT_FALSE(is_final(status)) << status;
  }
}

TEST(Unreliable, DrawsTheLabsShares) {
  Unreliable fates(1);
  std::map<Fate, int> seen;
  for (int i = 0; i < 100000; ++i) {
    ++seen[fates.draw()];
  }
  EXPECT_NEAR(seen[Fate::Discard], 10000, 500);
  EXPECT_NEAR(seen[Fate::Mute], 18000, 700);
}

TEST(Flags, TakeTheRealProgramsCommandLines) {
  CommonFlags common;
  const PdServerOptions pd = parse_pd_flags(
      {"--name=pd-0", "--data-dir=/d/data", "--log-file=/d/pd.log",
       "--client-urls=http://10.9.0.11:2379", "--advertise-client-urls=http://10.9.0.11:2379",
       "--peer-urls=http://10.9.0.11:2380", "--advertise-peer-urls=http://10.9.0.11:2380",
       "--initial-cluster=pd-0=http://10.9.0.11:2380,pd-1=http://10.9.0.12:2380"},
      common);
  EXPECT_EQ(pd.client.at(0).port, 2379);
  EXPECT_EQ(common.log_file, "/d/pd.log");
  const KvServerOptions tikv = parse_tikv_flags(
      {"--addr=10.9.0.21:20160", "--advertise-addr=10.9.0.21:20160",
       "--status-addr=10.9.0.21:20180", "--pd=http://10.9.0.11:2379,10.9.0.12:2379",
       "--data-dir=/d", "--labels=zone=a,host=b"},
      common);
  EXPECT_EQ(tikv.pd.size(), 2U);
  EXPECT_EQ(tikv.labels.at(1).second, "b");
  const FrontServerOptions tidb = parse_tidb_flags(
      {"--store=tikv", "--path=10.9.0.11:2379", "-P", "4000", "--host=10.9.0.31",
       "--advertise-address=10.9.0.31", "--status=10080", "--status-host=10.9.0.31",
       "--socket=", "--temp-dir=/d/tmp", "--log-file=/d/tidb.log", "--log-slow-query=/d/slow.log"},
      common);
  EXPECT_EQ(tidb.listen, (Endpoint{"10.9.0.31", 4000}));
  EXPECT_EQ(tidb.status, (Endpoint{"10.9.0.31", 10080}));
}

TEST(Flags, RefuseWhatTheyDoNotKnow) {
  CommonFlags common;
  EXPECT_THROW(static_cast<void>(parse_pd_flags({"--nope"}, common)), Error);
  EXPECT_THROW(static_cast<void>(parse_tikv_flags({"--addr=0.0.0.0:20160"}, common)), Error);
  EXPECT_THROW(static_cast<void>(parse_tidb_flags({"--store=unistore", "--path=a:1"}, common)),
               Error);
}

}  // namespace
}  // namespace tinet::refstore
