package connector

import (
	"io"
	"log/slog"

	connectorv1 "github.com/storyloop/storyloop/proto/connector/v1"
)

// Server is what serves a spec, without a transport.
type Server interface {
	connectorv1.ConnectorServiceServer
	connectorv1.OperationServiceServer
}

// NewServer returns the server of a spec.
func NewServer(spec Spec) (Server, error) {
	return newServer(spec, newLogger(io.Discard, slog.LevelInfo))
}

// Encode writes an output.
func Encode(out any) ([]byte, error) { return encode(out) }

// CallLogger returns the logger of a call.
func CallLogger(l *slog.Logger, call string) *slog.Logger { return callLogger(l, call) }
