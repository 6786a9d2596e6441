#pragma once
// Which addresses a request that came from outside may be sent to. Only for .cc files: it needs
// Asio.

#include <boost/asio/ip/address.hpp>

namespace strata::net {

// False for everything that is not on the public internet: loopback, private, link-local (cloud
// metadata services live there), shared, documentation, benchmark, multicast and reserved ranges,
// and for IPv6 forms that embed such an IPv4 address (mapped, NAT64, 6to4, Teredo). Source: IANA
// special-purpose address registries (RFC 6890 and updates).
bool IsPublicAddress(const boost::asio::ip::address& address);

}  // namespace strata::net
