// Package connectorv1 is the contract between hosts and connectors, as
// connector.proto says it: what both sides import, and all that they share.
package connectorv1

import goplugin "github.com/hashicorp/go-plugin"

// What a host and a connector agree on before their first call. With the
// generated code beside it, this is all that the two sides share.
const (
	// PluginName is what a host dispenses.
	PluginName = "connector"

	// MaxMessage bounds a message in either direction, in bytes. gRPC's own
	// default of 4 MiB would bind connectors only: go-plugin lifts it for hosts.
	MaxMessage = 16 << 20
)

// Handshake keeps people from running a connector by hand unawares. It is no
// security. ProtocolVersion stays 1: the protocol grows by fields and
// capabilities, since go-plugin compares versions for equality.
var Handshake = goplugin.HandshakeConfig{
	ProtocolVersion:  1,
	MagicCookieKey:   "CONNECTOR_PLUGIN",
	MagicCookieValue: "7c0ed9b65a0d4c5b9f0b3f6a0b1f6a51",
}
