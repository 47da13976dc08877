#include "src/wire/protocol.h"

#include <limits>

#include "src/model/distribution.h"
#include "src/wire/bytes.h"

namespace tinet {
namespace {

/// "tnw" and the version of the format.
constexpr std::uint32_t kMagic = 0x01776e74U;
constexpr std::uint32_t kPpmMax = 1'000'000;
/// The longest duration that words can say, as nanoseconds.
constexpr std::int64_t kDurationMax = 3'600'000'000'000'000'000;

template <typename... Lambdas>
struct Overloaded : Lambdas... {
  using Lambdas::operator()...;
};
template <typename... Lambdas>
Overloaded(Lambdas...) -> Overloaded<Lambdas...>;

// Shapes.

void put_delay(ByteWriter& out, const Delay& delay) {
  out.put(delay.delay.count())
      .put(delay.jitter.count())
      .put(static_cast<std::uint8_t>(delay.distribution))
      .put(delay.correlation.value)
      .put(static_cast<std::uint16_t>(delay.table.size()));
  for (const std::int16_t deviation : delay.table) {
    out.put(deviation);
  }
}

Delay get_delay(ByteReader& in) {
  Delay delay;
  delay.delay = Nanoseconds(in.get_within<std::int64_t>(0, kDurationMax));
  delay.jitter = Nanoseconds(in.get_within<std::int64_t>(0, kDurationMax));
  delay.distribution = static_cast<Distribution>(
      in.get_within<std::uint8_t>(0, static_cast<std::uint8_t>(Distribution::Table)));
  delay.correlation.value = in.get_within<std::uint32_t>(0, kPpmMax);
  const auto entries = in.get_within<std::uint16_t>(0, kDistributionTableMax);
  if ((delay.distribution == Distribution::Table) == (entries == 0)) {
    in.fail();
  }
  for (std::size_t i = 0; i < entries && !in.bad(); ++i) {
    delay.table.push_back(in.get<std::int16_t>());
  }
  return delay;
}

void put_shape(ByteWriter& out, const WireShape& shape) {
  out.put(shape.seed)
      .put(shape.queue_packets)
      .put(shape.reorder.value)
      .put(shape.hold)
      .put(shape.end.has_value())
      .put(shape.end.value_or(WireTime{}).count())
      .put(static_cast<std::uint16_t>(shape.bursts.size()));
  for (const Burst& burst : shape.bursts) {
    out.put(burst.begin.value).put(burst.end.value);
  }
  out.put(shape.delay.has_value());
  if (shape.delay) {
    put_delay(out, *shape.delay);
  }
}

WireShape get_shape(ByteReader& in) {
  WireShape shape;
  shape.seed = in.get<std::uint64_t>();
  shape.queue_packets = in.get<std::uint32_t>();
  shape.reorder.value = in.get_within<std::uint32_t>(0, kPpmMax);
  shape.hold = in.get_bool();
  const bool ends = in.get_bool();
  const WireTime end(in.get_within<std::int64_t>(0, std::numeric_limits<std::int64_t>::max()));
  if (ends) {
    shape.end = end;
  } else if (end.count() != 0) {
    in.fail();
  }
  const auto bursts = in.get_within<std::uint16_t>(0, kWireBurstsMax);
  for (std::size_t i = 0; i < bursts && !in.bad(); ++i) {
    const Ppm begin{in.get_within<std::uint32_t>(0, kPpmMax)};
    shape.bursts.push_back({begin, {in.get_within<std::uint32_t>(0, kPpmMax)}});
  }
  if (in.get_bool()) {
    shape.delay = get_delay(in);
  }
  return shape;
}

// Requests. A body's kind is its place in the variant.

void put_body(ByteWriter& out, const WireRequest& body) {
  std::visit(
      Overloaded{[&](const SetWireClass& set) {
                   out.put(set.number);
                   put_shape(out, set.shape);
                 },
                 [&](const RemoveWireClass& remove) { out.put(remove.number); },
                 [&](const ReleaseWire& release) {
                   out.put(static_cast<std::uint8_t>(release.held));
                   out.put(static_cast<std::uint16_t>(release.numbers.size()));
                   for (const std::uint16_t number : release.numbers) {
                     out.put(number);
                   }
                 },
                 [](const SettleWire&) {},
                 [&](const ReadWireClasses& read) { out.put(read.after).put(read.at_most); }},
      body);
}

std::uint16_t get_number(ByteReader& in) {
  return in.get_within<std::uint16_t>(1, std::numeric_limits<std::uint16_t>::max());
}

ReleaseWire get_release(ByteReader& in) {
  ReleaseWire release;
  release.held = static_cast<HeldPackets>(
      in.get_within<std::uint8_t>(0, static_cast<std::uint8_t>(HeldPackets::Drop)));
  const auto numbers = in.get_within<std::uint16_t>(0, kWireReleaseMax);
  for (std::size_t i = 0; i < numbers && !in.bad(); ++i) {
    release.numbers.push_back(get_number(in));
  }
  return release;
}

WireRequest get_request(ByteReader& in, std::uint32_t kind) {
  switch (kind) {
    case 0: {
      const std::uint16_t number = get_number(in);
      return SetWireClass{number, get_shape(in)};
    }
    case 1:
      return RemoveWireClass{get_number(in)};
    case 2:
      return get_release(in);
    case 3:
      return SettleWire{};
    case 4: {
      const auto after = in.get<std::uint16_t>();
      return ReadWireClasses{after, get_number(in)};
    }
    default:
      in.fail();
      return {};
  }
}

// Replies.

void put_body(ByteWriter& out, const WireReply& body) {
  std::visit(Overloaded{[](const WireReady&) {}, [](const WireDone&) {},
                        [&](const WireFailed& failed) {
                          out.put(static_cast<std::uint8_t>(failed.kind))
                              .put_text(std::string_view(failed.message).substr(0, 4096))
                              .put_text(std::string_view(failed.hint).substr(0, 4096));
                        },
                        [&](const WireReleased& released) { out.put(released.packets); },
                        [&](const WireClassList& read) {
                          out.put(read.more);
                          out.put(static_cast<std::uint16_t>(read.classes.size()));
                          for (const SetWireClass& one : read.classes) {
                            out.put(one.number);
                            put_shape(out, one.shape);
                          }
                        }},
             body);
}

WireClassList get_classes(ByteReader& in) {
  WireClassList read;
  read.more = in.get_bool();
  const auto count = in.get<std::uint16_t>();
  std::uint16_t last = 0;
  for (std::size_t i = 0; i < count && !in.bad(); ++i) {
    const std::uint16_t number = get_number(in);
    if (number <= last) {
      in.fail();
    }
    last = number;
    read.classes.push_back({number, get_shape(in)});
  }
  if (read.more && read.classes.empty()) {
    in.fail();
  }
  return read;
}

WireReply get_reply(ByteReader& in, std::uint32_t kind) {
  switch (kind) {
    case 0:
      return WireReady{};
    case 1:
      return WireDone{};
    case 2: {
      WireFailed failed;
      failed.kind = static_cast<ErrorKind>(
          in.get_within<std::uint8_t>(0, static_cast<std::uint8_t>(ErrorKind::Interrupted)));
      failed.message = in.get_text();
      failed.hint = in.get_text();
      return failed;
    }
    case 3:
      return WireReleased{in.get<std::uint64_t>()};
    case 4:
      return get_classes(in);
    default:
      in.fail();
      return {};
  }
}

template <typename Body>
std::vector<std::byte> encode_message(const Numbered<Body>& message) {
  ByteWriter out;
  out.put(kMagic).put(static_cast<std::uint32_t>(message.body.index())).put(message.sequence);
  put_body(out, message.body);
  return out.take();
}

template <typename Body, typename GetBody>
std::optional<Numbered<Body>> parse_message(std::span<const std::byte> bytes, GetBody get_body) {
  if (bytes.size() > kWireMessageMax) {
    return std::nullopt;
  }
  ByteReader in(bytes);
  if (in.get<std::uint32_t>() != kMagic) {
    return std::nullopt;
  }
  const auto kind = in.get<std::uint32_t>();
  Numbered<Body> message;
  message.sequence = in.get<std::uint32_t>();
  message.body = get_body(in, kind);
  return in.done() ? std::optional(std::move(message)) : std::nullopt;
}

}  // namespace

std::size_t encoded_size(const WireShape& shape) {
  ByteWriter out;
  put_shape(out, shape);
  return sizeof(std::uint16_t) + out.take().size();
}

std::vector<std::byte> encode(const Numbered<WireRequest>& request) {
  std::vector<std::byte> bytes = encode_message(request);
  // One place decides what is allowed: the parser.
  if (parse_wire_request(bytes) != request) {
    throw_usage("cannot shape packets that way: a value is out of range");
  }
  return bytes;
}

std::vector<std::byte> encode(const Numbered<WireReply>& reply) {
  return encode_message(reply);
}

std::optional<Numbered<WireRequest>> parse_wire_request(std::span<const std::byte> bytes) {
  return parse_message<WireRequest>(bytes, get_request);
}

std::optional<Numbered<WireReply>> parse_wire_reply(std::span<const std::byte> bytes) {
  return parse_message<WireReply>(bytes, get_reply);
}

}  // namespace tinet
