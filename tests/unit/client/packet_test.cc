#include <array>
#include <cstring>
#include <vector>

#include <pcap.h>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/error.h"
#include "src/client/packet_text.h"
#include "src/client/pcap_writer.h"
#include "tests/support/temp_dir.h"

namespace tinet {
namespace {

using test::TempDir;
using Bytes = std::vector<std::byte>;

Bytes bytes(std::initializer_list<unsigned> values) {
  Bytes result;
  for (const unsigned value : values) {
    result.push_back(static_cast<std::byte>(value));
  }
  return result;
}

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

const Bytes kMacs = bytes({2, 0x74, 0x69, 0, 0, 2, 2, 0x74, 0x69, 0, 0, 1});
const Bytes kIp = kMacs + bytes({0x08, 0x00, 0x45, 0,   0,  60, 0,  1,   0x40, 0, 64,
                                 6,    0,    0,    198, 18, 0,  11, 198, 18,   0, 12});
const Bytes kTcpSyn =
    kIp + bytes({0x9c, 0x40, 0x4e, 0xc0, 0, 0, 0, 1, 0, 0, 0, 0, 0xa0, 0x02, 0, 0, 0, 0, 0, 0});
// 12:34:56.789012345 of some day
constexpr std::int64_t kTime = 1'700'000'000'000'000'000 -
                               (1'700'000'000 % 86400) * 1'000'000'000LL +
                               (12 * 3600 + 34 * 60 + 56) * 1'000'000'000LL + 789'012'345;

Packet packet(const Bytes& content) {
  return {.time_ns = kTime, .is_outgoing = true, .length = 74, .bytes = content};
}

std::string text(const Bytes& content) {
  const auto line = packet_line(packet(content));
  return line.substr(line.find(" 74 ") + 4);
}

TEST(PacketLine, ShowsTimeDirectionLengthAndConnection) {
  EXPECT_EQ(packet_line(packet(kTcpSyn)),
            "12:34:56.789012345 out 74 tcp 198.18.0.11:40000 > 198.18.0.12:20160 [S]");
  auto incoming = packet(kTcpSyn);
  incoming.is_outgoing = false;
  EXPECT_THAT(packet_line(incoming), testing::HasSubstr(" in 74 "));
  incoming.is_loopback = true;
  EXPECT_THAT(packet_line(incoming), testing::HasSubstr(" lo 74 "));
}

TEST(PacketLine, KnowsOtherProtocols) {
  auto udp = kTcpSyn;
  udp[23] = std::byte{17};
  EXPECT_EQ(text(udp), "udp 198.18.0.11:40000 > 198.18.0.12:20160");
  auto icmp = kTcpSyn;
  icmp[23] = std::byte{1};
  EXPECT_EQ(text(icmp), "icmp 198.18.0.11 > 198.18.0.12");
  auto later_fragment = kTcpSyn;
  later_fragment[21] = std::byte{9};
  EXPECT_EQ(text(later_fragment), "tcp 198.18.0.11 > 198.18.0.12 fragment");
  EXPECT_EQ(text(kMacs + bytes({0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0,  0, 0, 0,
                                1,    10,   0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2})),
            "arp 10.0.0.1 > 10.0.0.2 request");
  EXPECT_EQ(text(kMacs + bytes({0x88, 0xcc})), "type-88cc");
  Bytes six = kMacs + bytes({0x86, 0xdd, 0x60, 0, 0, 0, 0, 8, 17, 64});
  Bytes address(16);
  address[0] = std::byte{0xfd};
  address[15] = std::byte{1};
  six = six + address;
  address[15] = std::byte{2};
  six = six + address + bytes({0, 53, 0, 54, 0, 8, 0, 0});
  EXPECT_EQ(text(six), "udp [fd00::1]:53 > [fd00::2]:54");
}

TEST(PacketLine, SurvivesEveryTruncation) {
  for (std::size_t size = 0; size <= kTcpSyn.size(); ++size) {
    const Bytes part(kTcpSyn.begin(), kTcpSyn.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(packet_line(packet(part)).empty());
  }
  auto long_header = kTcpSyn;
  long_header[14] = std::byte{0x4f};
  EXPECT_EQ(text(long_header), "ip truncated");
}

TEST(PcapWriter, WritesWhatLibpcapReadsBackWhileItIsOpen) {
  const TempDir dir;
  const std::string path = dir / "out.pcap";
  PcapWriter writer(path);
  writer.write(packet(kTcpSyn));
  EXPECT_TRUE(writer.flush());

  std::array<char, PCAP_ERRBUF_SIZE> error{};
  pcap_t* reader = ::pcap_open_offline_with_tstamp_precision(
      path.c_str(), PCAP_TSTAMP_PRECISION_NANO, error.data());
  ASSERT_NE(reader, nullptr) << error.data();
  EXPECT_EQ(::pcap_datalink(reader), DLT_EN10MB);
  pcap_pkthdr* header = nullptr;
  const u_char* content = nullptr;
  ASSERT_EQ(::pcap_next_ex(reader, &header, &content), 1);
  EXPECT_EQ(header->ts.tv_sec, kTime / 1'000'000'000);
  EXPECT_EQ(header->ts.tv_usec, 789'012'345);
  EXPECT_EQ(header->len, 74U);
  ASSERT_EQ(header->caplen, kTcpSyn.size());
  EXPECT_EQ(std::memcmp(content, kTcpSyn.data(), kTcpSyn.size()), 0);
  EXPECT_EQ(::pcap_next_ex(reader, &header, &content), PCAP_ERROR_BREAK);
  ::pcap_close(reader);
}

TEST(PcapWriter, SaysWhenThereIsNoSpace) {
  PcapWriter writer("/dev/full");
  for (int i = 0; i < 100; ++i) {
    writer.write(packet(kTcpSyn));
  }
  EXPECT_THROW(writer.flush(), Error);
  EXPECT_THROW(PcapWriter("/nonexistent/x.pcap"), Error);
}

}  // namespace
}  // namespace tinet
