package smtp

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
)

// wire is the connection of one mail. It can be cut at any time, which is how a
// deadline or a cancelled run reaches a conversation that knows of no context.
type wire struct {
	mu sync.Mutex
	// Guarded by mu.
	conn net.Conn
	gone bool
}

// dial returns how the library connects.
func (w *wire) dial(c Config) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if !w.hold(conn) {
			return nil, net.ErrClosed
		}
		if c.Security != TLS {
			return conn, nil
		}
		secured := tls.Client(conn, c.tls())
		return secured, secured.HandshakeContext(ctx)
	}
}

// hold returns false, and closes the connection, if the wire has been cut.
func (w *wire) hold(conn net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.gone {
		_ = conn.Close()
		return false
	}
	w.conn = conn
	return true
}

// cut closes the connection. It may be called more than once.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone = true
	if w.conn != nil {
		_ = w.conn.Close()
	}
}
