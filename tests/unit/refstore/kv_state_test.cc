#include "src/refstore/kv_state.h"

#include <gtest/gtest.h>

namespace tinet::refstore {
namespace {

Op put(const std::string& client, std::uint64_t seq, const std::string& key,
       const std::string& value) {
  return {Op::Kind::Put, client, seq, key, value};
}

Op put_hash(const std::string& client, std::uint64_t seq, const std::string& value) {
  return {Op::Kind::PutHash, client, seq, "chain", value};
}

Op get(const std::string& key) {
  return {.kind = Op::Kind::Get, .key = key};
}

KvState copy_in_chunks(const KvState& state, std::size_t bytes, std::uint64_t& chunks) {
  KvState copy;
  SnapshotReader reader(state, bytes);
  for (chunks = 0;; ++chunks) {
    const auto chunk = reader.next();
    if (!chunk) {
      return copy;
    }
    EXPECT_EQ(chunk->number, chunks);
    copy.absorb(*chunk);
  }
}

TEST(ChainHash, IsFnv1aOf64Bits) {
  EXPECT_EQ(chain_hash(""), "14695981039346656037");
  EXPECT_EQ(chain_hash("a"), "12638187200555641996");
}

TEST(KvState, ReturnsWhatWasPut) {
  KvState state;
  EXPECT_EQ(state.apply(get("k")).status, OpResult::Status::NoKey);
  state.apply(put("c", 1, "k", "v"));
  EXPECT_EQ(state.apply(get("k")), (OpResult{OpResult::Status::Ok, "v"}));
  EXPECT_EQ(state.applied(), 3U);
}

TEST(KvState, ChainsHashesAndReturnsThePreviousValue) {
  KvState state;
  EXPECT_EQ(state.apply(put_hash("c", 1, "0")).value, "");
  EXPECT_EQ(state.apply(put_hash("c", 2, "1")).value, chain_hash("0"));
  EXPECT_EQ(state.apply(get("chain")).value, chain_hash(chain_hash("0") + "1"));
}

TEST(KvState, RepeatsTheAnswerOfARepeatedPutAndDoesNothing) {
  KvState state;
  state.apply(put_hash("c", 1, "0"));
  const OpResult first = state.apply(put_hash("c", 2, "1"));
  const std::string value = state.apply(get("chain")).value;
  EXPECT_EQ(state.apply(put_hash("c", 2, "1")), first);
  EXPECT_EQ(state.apply(get("chain")).value, value);
}

TEST(KvState, RefusesAPutThatItsClientHasGoneBeyond) {
  KvState state;
  state.apply(put("c", 2, "k", "new"));
  EXPECT_EQ(state.apply(put("c", 1, "k", "late")).status, OpResult::Status::StaleSeq);
  EXPECT_EQ(state.apply(get("k")).value, "new");
}

TEST(KvState, TellsClientsApart) {
  KvState state;
  state.apply(put("c", 1, "k", "one"));
  state.apply(put("d", 1, "k", "two"));
  EXPECT_EQ(state.apply(get("k")).value, "two");
}

TEST(KvState, ForgetsTheClientThatWasQuietLongest) {
  KvState state;
  state.apply(put("first", 1, "k", "v"));
  state.apply(put("second", 1, "k", "v"));
  state.apply(put("first", 2, "k", "v"));
  for (std::size_t i = 0; i < kClientsMax - 1; ++i) {
    state.apply(put("c" + std::to_string(i), 1, "k", "v"));
  }
  EXPECT_EQ(state.apply(put("first", 1, "k", "w")).status, OpResult::Status::StaleSeq);
  EXPECT_EQ(state.apply(put("second", 1, "k", "w")).status, OpResult::Status::Ok);
  EXPECT_EQ(state.apply(get("k")).value, "w") << "the second client was forgotten";
}

TEST(SnapshotReader, GivesOneChunkForAnEmptyState) {
  std::uint64_t chunks = 0;
  EXPECT_EQ(copy_in_chunks(KvState(), 100, chunks).digest(), KvState().digest());
  EXPECT_EQ(chunks, 1U);
}

TEST(SnapshotReader, CopiesKeysAndDuplicateTableInChunksOfAnySize) {
  KvState state;
  for (std::uint64_t i = 0; i < 50; ++i) {
    const std::string n = std::to_string(i);
    state.apply({Op::Kind::PutHash, "c" + n, i + 1, "k" + n, "v" + n});
    state.apply({Op::Kind::PutHash, "d" + n, i + 1, "k" + n, "w" + n});
  }
  for (const std::size_t bytes : {1U, 10U, 100U, 1000U, 1000000U}) {
    SCOPED_TRACE(bytes);
    std::uint64_t chunks = 0;
    KvState copy = copy_in_chunks(state, bytes, chunks);
    EXPECT_EQ(copy.digest(), state.digest());
    EXPECT_EQ(copy.applied(), state.applied());
    EXPECT_EQ(bytes == 1000000U, chunks == 1);
    EXPECT_EQ(copy.apply({Op::Kind::PutHash, "d7", 8, "k7", "w7"}).value, chain_hash("v7"));
  }
}

TEST(KvState, HasAnotherDigestForAnotherState) {
  KvState a;
  KvState b;
  a.apply(put("c", 1, "ab", "c"));
  b.apply(put("c", 1, "a", "bc"));
  EXPECT_NE(a.digest(), b.digest());
}

}  // namespace
}  // namespace tinet::refstore
