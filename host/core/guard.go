package core

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// guard keeps workflows from what only the host's own network should reach. It
// looks at the address that is dialled, after names were resolved: a name that
// leads inwards, perhaps only at second sight, and a redirect do not pass it.
type guard struct {
	names    map[string]bool // "host" or "host:port", in lower case.
	prefixes []netip.Prefix
}

// newGuard reads what is allowed all the same.
func newGuard(allow []string) (*guard, error) {
	g := &guard{names: map[string]bool{}}
	for _, a := range allow {
		prefix, err := netip.ParsePrefix(a)
		if err == nil {
			g.prefixes = append(g.prefixes, prefix.Masked())
			continue
		}
		if addr, err := netip.ParseAddr(a); err == nil {
			g.prefixes = append(g.prefixes, netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()))
			continue
		}
		if a == "" || strings.ContainsAny(a, "/*@ ") {
			return nil, fmt.Errorf("http allow list: %q is neither a CIDR such as 10.1.0.0/16, nor an address, nor a host such as printer.local or printer.local:8080", a)
		}
		g.names[strings.ToLower(a)] = true
	}
	return g, nil
}

// blockedError says that an address is not for workflows.
type blockedError struct{ host string }

func (e *blockedError) Error() string {
	return fmt.Sprintf("%s is an internal address, and the setting allow of http-client does not name it", e.host)
}

// dial connects to what may be reached. It is a DialContext of a transport.
func (g *guard) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: 30 * time.Second}
	if !g.named(address) {
		d.Control = g.control
	}
	return d.DialContext(ctx, network, address)
}

// named reports whether a host is allowed by its name, whatever it resolves to.
func (g *guard) named(address string) bool {
	address = strings.ToLower(address)
	host, _, err := net.SplitHostPort(address)
	return g.names[address] || err == nil && g.names[strings.TrimSuffix(host, ".")]
}

// control is called with each address before the connection to it is made.
func (g *guard) control(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || !g.allows(ap.Addr()) {
		return &blockedError{host: address}
	}
	return nil
}

// literal finds an address in a URL that may not be reached, without a look-up.
func (g *guard) literal(u *url.URL) error {
	addr, err := netip.ParseAddr(u.Hostname())
	if err != nil || g.allows(addr) || g.named(net.JoinHostPort(u.Hostname(), portOf(u))) {
		return nil
	}
	return &blockedError{host: u.Hostname()}
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

func (g *guard) allows(addr netip.Addr) bool {
	addr = addr.WithZone("").Unmap()
	for _, p := range g.prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return public(addr)
}

// public reports whether an address is one of the internet's. Whatever else there
// is, or will be, is not.
func public(addr netip.Addr) bool {
	if nat64.Contains(addr) {
		b := addr.As16()
		return public(netip.AddrFrom4([4]byte(b[12:])))
	}
	if !addr.Is4() && !global6.Contains(addr) {
		return false
	}
	for _, p := range special {
		if p.Contains(addr) {
			return false
		}
	}
	return true
}

var (
	nat64   = netip.MustParsePrefix("64:ff9b::/96") // An IPv4 address stands at its end (RFC 6052).
	global6 = netip.MustParsePrefix("2000::/3")     // All that is assigned to the internet of IPv6.

	// special is what IANA's registries of special-purpose addresses list, and the
	// address at which Azure answers its machines.
	special = []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),        // this network
		netip.MustParsePrefix("10.0.0.0/8"),       // private
		netip.MustParsePrefix("100.64.0.0/10"),    // of carriers, and Alibaba's metadata
		netip.MustParsePrefix("127.0.0.0/8"),      // loopback
		netip.MustParsePrefix("168.63.129.16/32"), // Azure's
		netip.MustParsePrefix("169.254.0.0/16"),   // link-local, and most clouds' metadata
		netip.MustParsePrefix("172.16.0.0/12"),    // private
		netip.MustParsePrefix("192.0.0.0/24"),     // protocols, and Oracle's metadata
		netip.MustParsePrefix("192.0.2.0/24"),     // documentation
		netip.MustParsePrefix("192.88.99.0/24"),   // 6to4 relays
		netip.MustParsePrefix("192.168.0.0/16"),   // private
		netip.MustParsePrefix("198.18.0.0/15"),    // benchmarks
		netip.MustParsePrefix("198.51.100.0/24"),  // documentation
		netip.MustParsePrefix("203.0.113.0/24"),   // documentation
		netip.MustParsePrefix("224.0.0.0/4"),      // multicast
		netip.MustParsePrefix("240.0.0.0/4"),      // reserved, and broadcast
		netip.MustParsePrefix("2001::/23"),        // protocols, Teredo among them
		netip.MustParsePrefix("2001:db8::/32"),    // documentation
		netip.MustParsePrefix("2002::/16"),        // 6to4: any IPv4 address within
		netip.MustParsePrefix("3fff::/20"),        // documentation
	}
)
